/** Signing without a key of one's own against services as others run them: what is asked, what is published, and what is refused. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { MemoryRegistry, TEST_IDENTITY } from '../../src/testing/index.ts';
import type { CliResult } from '../cli.ts';
import { type StockSigstore, startStockSigstore } from '../fakes/stock-sigstore.ts';
import { requirePeers } from '../peers.ts';
import { type StoryRegistry, pushImage, startMemoryRegistry } from './registries.ts';
import { Workshop } from './workshop.ts';

const WHO = ['--certificate-identity', TEST_IDENTITY.name, '--certificate-oidc-issuer', TEST_IDENTITY.issuer];
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
/** What the authority of this story certifies whatever it says. */
const TOKEN = `${part({ alg: 'RS256' })}.${part({ iss: TEST_IDENTITY.issuer, sub: 'maintainer' })}.c2lnbmF0dXJl`;

describe('signing without a key', () => {
  let stock: StockSigstore;
  let registry: StoryRegistry;
  let workshop: Workshop;
  let root: string;
  before(async () => {
    [stock, registry] = await Promise.all([startStockSigstore(), startMemoryRegistry()]);
    workshop = new Workshop();
    root = workshop.file('root.json', JSON.stringify(stock.sigstore.trustedRoot));
    workshop.file('blob', 'what is signed');
  });
  after(async () => {
    await Promise.all([stock.stop(), registry.stop()]);
    workshop.remove();
  });

  const services = (...more: readonly string[]): string[] => ['--trusted-root', root, '--fulcio-url', stock.url, '--identity-token', TOKEN, ...more];
  const log = (version: string): string[] => ['--rekor-url', stock.url, '--rekor-version', version];
  const stamps = (): string[] => ['--timestamp-server-url', `${stock.url}/api/v1/timestamp`];
  const succeeds = async (args: readonly string[]): Promise<CliResult> => {
    const ran = await workshop.sealward(args);
    assert.equal(ran.code, 0, ran.stderr);
    return ran;
  };
  const cosignTakes = async (t: { skip: (why?: string) => void }, args: readonly string[]): Promise<void> => {
    if (!requirePeers(t, 'cosign3')) return;
    const { code, stderr } = await workshop.run('cosign3', args);
    assert.equal(code, 0, stderr);
  };

  for (const [what, flags, asked] of [
    ['a log of the first version', () => log('1'), []],
    ['a log of the second version and timestamps', () => [...log('2'), ...stamps()], ['--use-signed-timestamps']],
    ['timestamps alone', () => stamps(), ['--insecure-ignore-tlog', '--use-signed-timestamps']],
  ] as const) {
    it(`works with ${what}: images, attestations and files, as cosign 3 takes them`, async (t) => {
      const image = await pushImage(registry.host, `keyless/${flags().length}`);
      const question = ['--trusted-root', root, ...WHO, ...asked];
      await succeeds(['sign', ...services(...flags()), image.tagged]);
      await succeeds(['verify', ...question, image.tagged]);
      await cosignTakes(t, ['verify', ...question, image.byDigest]);
      const predicate = workshop.file('predicate.json', '{"seen":true}');
      await succeeds(['attest', ...services(...flags()), '--type', 'https://sealward.test/p/v1', '--predicate', predicate, image.tagged]);
      await succeeds(['verify-attestation', ...question, '--type', 'https://sealward.test/p/v1', image.tagged]);
      await cosignTakes(t, ['verify-attestation', ...question, '--type', 'https://sealward.test/p/v1', image.byDigest]);
      await succeeds(['sign-blob', ...services(...flags()), '--bundle', workshop.path('blob.json'), workshop.path('blob')]);
      await succeeds(['verify-blob', ...question, '--bundle', workshop.path('blob.json'), workshop.path('blob')]);
      await cosignTakes(t, ['verify-blob', ...question, '--bundle', workshop.path('blob.json'), workshop.path('blob')]);
      await succeeds([
        'attest-blob',
        ...services(...flags()),
        '--type',
        'custom',
        '--predicate',
        predicate,
        '--bundle',
        workshop.path('att.json'),
        workshop.path('blob'),
      ]);
      await succeeds(['verify-blob-attestation', ...question, '--bundle', workshop.path('att.json'), workshop.path('blob')]);
    });
  }

  it('has a key of one’s own logged and dated, when services are named, and nowhere else', async (t) => {
    const { key, pub } = await workshop.keys();
    const image = await pushImage(registry.host, 'keyless/key');
    const before = stock.asked.length;
    await succeeds(['sign', '--key', key, image.tagged]);
    assert.equal(stock.asked.length, before, 'nobody is asked');
    await succeeds(['sign', '--key', key, '--trusted-root', root, ...log('2'), ...stamps(), image.tagged]);
    assert.deepEqual(stock.asked.slice(before).sort(), ['POST /api/v1/timestamp', 'POST /api/v2/log/entries']);
    await succeeds(['verify', '--key', pub, '--trusted-root', root, '--use-signed-timestamps', image.tagged]);
    await cosignTakes(t, ['verify', '--key', pub, '--trusted-root', root, '--use-signed-timestamps', image.byDigest]);
  });

  it('has the entry that is there already taken, wherever the log says that it is', async () => {
    const { key } = await workshop.keys('rsa2048');
    // RSA signs the same bytes in the same way twice.
    const sign = ['sign-blob', '--key', key, '--trusted-root', root, ...log('1'), '--bundle', workshop.path('twice.json'), workshop.path('blob')];
    await succeeds(sign);
    await succeeds(sign);
    assert.match(stock.asked.at(-1) ?? '', /^GET \/api\/v1\/log\/entries\//);
  });

  for (const verb of ['sign', 'attest'] as const) {
    it(`has ${verb} ask the registry for the image, and connect to the log, while the authority works`, async (t) => {
      const own = await MemoryRegistry.start();
      t.after(() => own.close());
      const image = await pushImage(own.host, 'keyless/early');
      own.forget();
      const other = await startStockSigstore();
      t.after(() => other.stop());
      stock.faults.set('POST /api/v2/signingCert', async () => {
        // Who asks for it afterwards alone waits here until the command gives up.
        while (!t.signal.aborted && (own.journal.length === 0 || other.connections() === 0)) await new Promise((resolve) => setImmediate(resolve));
        return undefined;
      });
      const statement = verb === 'sign' ? [] : ['--type', 'https://sealward.test/p/v1', '--predicate', workshop.file('predicate.json', '{}')];
      const elsewhere = ['--rekor-url', other.url, '--rekor-version', '2', ...stamps()];
      const ran = await workshop.sealward([verb, ...services(...elsewhere), ...statement, '--timeout', '20s', '-o', 'json', image.byDigest]);
      // The entry is of another log than the root has.
      assert.match(ran.stdout, /"code": "ERR_ENDORSEMENT_INVALID"/, ran.stderr);
      assert.equal(own.journal.filter(({ url }) => url.includes(image.digest)).length, 1, 'once, and nothing is published');
      assert.equal(other.connections(), 1);
    });
  }

  const refusals: readonly [what: string, path: string, status: number, body: string | Uint8Array, code: string, says: RegExp][] = [
    [
      'the authority refuses the token',
      'POST /api/v2/signingCert',
      401,
      '{"code":16,"message":"no\\u001b[31m such token"}',
      'ERR_SERVICE_REFUSED',
      /answers with 401: no \[31m such token/,
    ],
    ['the authority fails', 'POST /api/v2/signingCert', 500, 'oops', 'ERR_SERVICE_UNAVAILABLE', /answers with 500: oops/],
    ['the authority answers nonsense', 'POST /api/v2/signingCert', 200, '[]', 'ERR_CERTIFICATE_INVALID', /is not an object/],
    ['the log refuses', 'POST /api/v2/log/entries', 400, '{"message":"no such key"}', 'ERR_SERVICE_REFUSED', /no such key/],
    ['the log answers nonsense', 'POST /api/v2/log/entries', 201, '{}', 'ERR_LOG_FORMAT', /./],
    ['the log answers too much', 'POST /api/v2/log/entries', 201, 'x'.repeat(2_000_000), 'ERR_TOO_LARGE', /./],
    ['the timestamp is nonsense', 'POST /api/v1/timestamp', 201, Uint8Array.of(0x30, 0), 'ERR_TIMESTAMP_INVALID', /./],
  ];
  for (const [what, path, status, body, code, says] of refusals) {
    it(`publishes nothing when ${what}`, async () => {
      const image = await pushImage(registry.host, 'keyless/refused');
      const answer = { status, body };
      // A failure that may pass is tried again.
      const always = (): typeof answer => {
        stock.faults.set(path, always);
        return answer;
      };
      stock.faults.set(path, always);
      const ran = await workshop.sealward(['sign', ...services(...log('2'), ...stamps()), '-o', 'json', image.tagged]);
      stock.faults.clear();
      assert.match(ran.stdout, new RegExp(`"code": "${code}"`));
      assert.match(ran.stderr, says);
      assert.equal((await workshop.sealward(['verify', '--trusted-root', root, ...WHO, image.tagged])).code, 10);
    });
  }

  it('publishes nothing when what the services give does not verify: another root, an entry of something else', async () => {
    const other = await startStockSigstore();
    try {
      const image = await pushImage(registry.host, 'keyless/other');
      const foreign = workshop.file('other.json', JSON.stringify(other.sigstore.trustedRoot));
      const ran = await workshop.sealward(['sign', ...services(...log('2'), ...stamps()), '--trusted-root', foreign, '-o', 'json', image.tagged]);
      assert.match(ran.stderr, /--trusted-root/);
      const alone = await workshop.sealward([
        'sign',
        '--fulcio-url',
        stock.url,
        '--identity-token',
        TOKEN,
        ...log('2'),
        ...stamps(),
        '--trusted-root',
        foreign,
        '-o',
        'json',
        image.tagged,
      ]);
      assert.match(alone.stdout, /"code": "ERR_ENDORSEMENT_INVALID"/);
      assert.equal((await workshop.sealward(['verify', '--trusted-root', root, ...WHO, image.tagged])).code, 10);
    } finally {
      await other.stop();
    }
  });

  const questions: readonly [what: string, flags: () => readonly string[], code: string][] = [
    ['both a key and a token', () => [...services(...stamps()), '--key', 'k'], 'ERR_FLAG_CONFLICT'],
    ['neither a log nor timestamps', () => services(), 'ERR_FLAG_CONFLICT'],
    ['no trusted root', () => ['--fulcio-url', stock.url, ...stamps(), '--identity-token', TOKEN], 'ERR_TRUSTED_ROOT_MISSING'],
    [
      'a token that is none',
      () => ['--trusted-root', root, '--fulcio-url', stock.url, ...stamps(), '--identity-token', workshop.file('token', 'secret')],
      'ERR_TOKEN_INVALID',
    ],
    [
      'a token that is too large',
      () => ['--trusted-root', root, '--fulcio-url', stock.url, ...stamps(), '--identity-token', workshop.file('token', '.'.repeat(20_000))],
      'ERR_TOO_LARGE',
    ],
    ['no token', () => ['--trusted-root', root, '--fulcio-url', stock.url, ...stamps()], 'ERR_TOKEN_MISSING'],
    [
      'an authority without TLS elsewhere',
      () => ['--trusted-root', root, '--fulcio-url', 'http://fulcio.example', ...stamps(), '--identity-token', TOKEN],
      'ERR_USAGE',
    ],
    ['the first generation', () => services(...stamps(), '--signature-format', 'both'), 'ERR_FLAG_CONFLICT'],
  ];
  for (const [what, flags, code] of questions) {
    it(`cannot be asked with ${what}`, async () => {
      const image = await pushImage(registry.host, 'keyless/asked');
      const ran = await workshop.sealward(['sign', ...flags(), '-o', 'json', image.tagged]);
      assert.match(ran.stdout, new RegExp(`"code": "${code}"`), ran.stderr);
      assert.doesNotMatch(ran.stdout + ran.stderr, /secret|eyJ/);
    });
  }
});
