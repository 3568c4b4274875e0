/** A server of one's own in the hands of others: Sigstore's client for JavaScript, notation, and the people who keep its trust. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { bundleToJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { DSSEBundleBuilder, FulcioSigner, MessageSignatureBundleBuilder, RekorWitness, TSAWitness } from '@sigstore/sign';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import {
  EXTENDED_KEY_USAGE,
  encodeCertificate,
  encodeTbsCertificate,
  extendedKeyUsageExtension,
  fingerprintOf,
  generateKeyPair,
  keyUsageExtension,
} from '../../src/core/crypto/index.ts';
import { encodeName, encodePem } from '../../src/core/encoding/index.ts';
import { createTestKey } from '../../src/testing/index.ts';
import { serverCommand } from '../../src/apps/quickstart/more-commands.ts';
import { readServerConfig } from '../../src/apps/server/index.ts';
import { type ControlRecord, controlRecords, type OwnServer, startOwnServer, WORKLOAD } from '../own-server.ts';
import { requirePeers } from '../peers.ts';
import { requireToken, softToken } from '../soft-token.ts';
import { pushImage, startMemoryRegistry, type StoryRegistry } from './registries.ts';
import { type Ran, Workshop } from './workshop.ts';

/** A key of notation's with a certificate of its own, from a while ago: a timestamp of the same second may be from before it. */
function notationKey(workshop: Workshop): void {
  const key = createTestKey('ecdsa-p256');
  const name = encodeName('sealward.test', 'sealward.test');
  const tbs = encodeTbsCertificate(
    {
      serial: 7n,
      issuer: name,
      subject: name,
      notBefore: Date.now() - 3_600_000,
      notAfter: Date.now() + 86_400_000,
      spki: key.publicKey.spki,
      extensions: [keyUsageExtension('digitalSignature'), extendedKeyUsageExtension([EXTENDED_KEY_USAGE.codeSigning])],
    },
    key.algorithm,
  );
  const pem = encodePem('CERTIFICATE', encodeCertificate(tbs, key.algorithm, key.sign(tbs)));
  const at = (path: string, text: string): string => workshop.file(`config/notation/${path}`, text);
  at('truststore/x509/ca/own/own.crt', pem);
  const certPath = at('localkeys/own.crt', pem);
  const keyPath = at('localkeys/own.key', key.privateKey.export({ format: 'pem', type: 'pkcs8' }));
  at('signingkeys.json', JSON.stringify({ default: 'own', keys: [{ name: 'own', keyPath, certPath }] }));
}

describe('a server of one’s own, with others', () => {
  let server: OwnServer;
  let registry: StoryRegistry;
  let workshop: Workshop;
  before(async () => {
    [server, registry] = await Promise.all([startOwnServer(), startMemoryRegistry()]);
    workshop = new Workshop();
  });
  after(async () => {
    await Promise.all([server.stop(), registry.stop()]);
    workshop.remove();
  });
  const passes = (ran: Ran): Ran => {
    assert.equal(ran.code, 0, ran.stderr);
    return ran;
  };

  it('sigstore-js signs files and envelopes to it, and everybody takes them', async () => {
    const signer = new FulcioSigner({ fulcioBaseURL: server.url, identityProvider: { getToken: () => server.token() } });
    const witnesses = [new RekorWitness({ rekorBaseURL: server.url, majorApiVersion: 2 }), new TSAWitness({ tsaBaseURL: server.url })];
    const data = Buffer.from('a release');
    const file = await new MessageSignatureBundleBuilder({ signer, witnesses }).create({ data });
    const statement = {
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'a', digest: { sha256: fingerprintOf(data) } }],
      predicateType: 'https://sealward.test/p',
      predicate: {},
    };
    const envelope = await new DSSEBundleBuilder({ signer, witnesses }).create({
      data: Buffer.from(JSON.stringify(statement)),
      type: 'application/vnd.in-toto+json',
    });
    const root = TrustedRoot.fromJSON(JSON.parse(readFileSync(server.trustedRoot, 'utf8')));
    const verifier = new Verifier(toTrustMaterial(root), { tlogThreshold: 1, tsaThreshold: 1, ctlogThreshold: 1 });
    const policy = { subjectAlternativeName: WORKLOAD, extensions: { issuer: `${server.url}/oidc` } };
    verifier.verify(toSignedEntity(file, data), policy);
    verifier.verify(toSignedEntity(envelope), policy);
    const who = [
      '--trusted-root',
      server.trustedRoot,
      '--certificate-identity',
      WORKLOAD,
      '--certificate-oidc-issuer',
      `${server.url}/oidc`,
      '--use-signed-timestamps',
    ];
    const blob = workshop.file('blob', data);
    const [first, second] = [
      workshop.file('file.json', JSON.stringify(bundleToJSON(file))),
      workshop.file('envelope.json', JSON.stringify(bundleToJSON(envelope))),
    ];
    passes(await workshop.sealward(['verify-blob', ...who, '--bundle', first, blob]));
    passes(await workshop.sealward(['verify-blob-attestation', ...who, '--bundle', second, blob]));
  });

  it('notation dates its signatures by it', async (t) => {
    if (!requirePeers(t, 'notation')) return;
    const image = await pushImage(registry.host, 'others/notation');
    const home = { XDG_CONFIG_HOME: workshop.path('config') };
    const notation = (...args: readonly string[]): Promise<Ran> => workshop.run('notation', args, home);
    notationKey(workshop);
    const root = join(server.folder, 'offline/root.pem');
    const stamps = ['--timestamp-url', `${server.url}/timestamp`, '--timestamp-root-cert', root];
    const stores = workshop.path('config/notation/truststore/x509/tsa/own');
    mkdirSync(stores, { recursive: true });
    copyFileSync(root, join(stores, 'root.pem'));
    workshop.file(
      'config/notation/trustpolicy.json',
      JSON.stringify({
        version: '1.0',
        trustPolicies: [
          {
            name: 'all',
            registryScopes: ['*'],
            signatureVerification: { level: 'strict', verifyTimestamp: 'always' },
            trustStores: ['ca:own', 'tsa:own'],
            trustedIdentities: ['*'],
          },
        ],
      }),
    );
    passes(await notation('sign', '--insecure-registry', image.byDigest));
    assert.notEqual((await notation('verify', '--insecure-registry', image.byDigest)).code, 0, 'without a timestamp it is refused');
    passes(await notation('sign', '--insecure-registry', ...stamps, image.byDigest));
    passes(await notation('verify', '--insecure-registry', image.byDigest));
  });

  it('several people take its trust over, each with a key of their own, and cosign follows from the first root', async (t) => {
    if (!requirePeers(t, 'cosign3')) return;
    const people: Record<string, { key: string; pub: string }> = {};
    for (const [name, kind] of [
      ['alice', 'ecdsa-p256'],
      ['bob', 'ecdsa-p384'],
      ['carol', 'ed25519'],
    ] as const)
      people[name] = await workshop.keys(kind);
    const folder = ['--folder', join(server.folder, 'trust')];
    const offline = ['--key', join(server.folder, 'offline/trust.key'), '--password-file', join(server.folder, 'offline/password')];
    const keeps = async (...args: readonly string[]): Promise<Ran> => passes(await workshop.sealward(['trust', ...args, ...folder]));
    const signers = Object.entries(people).flatMap(([name, { pub }]) => ['--signer', `${name}=${pub}`]);
    await keeps('role', 'root', ...signers, '--remove', 'offline', '--threshold', '2');
    await keeps('sign', ...offline);
    await keeps('sign', '--key', people['alice']?.key ?? '');
    const online = ['--key', join(server.folder, 'keys/trust.key'), '--password-file', join(server.folder, 'secrets/key-password')];
    const early = await workshop.sealward(['trust', 'publish', ...folder, ...online]);
    assert.notEqual(early.code, 0, 'one of the new people is not two');
    await keeps('sign', '--key', people['carol']?.key ?? '');
    await keeps('publish', ...online);
    assert.equal((await fetch(`${server.url}/trust/2.root.json`)).status, 200);
    passes(await workshop.run('cosign3', ['initialize', '--mirror', `${server.url}/trust`, '--root', server.tufRoot]));
    // What it says of the freshness, the server still says alone.
    await server.restart();
    assert.deepEqual(await (await fetch(`${server.operations}/readyz`)).json(), { ready: true, problems: [] });
  });

  it('is trusted from its first root, and verified by without a network after that, and no longer than its lease', async () => {
    const own = await startOwnServer();
    const image = await pushImage(registry.host, 'others/served');
    const served = ['--trust-url', `${own.url}/trust`];
    const who = ['--certificate-identity', WORKLOAD, '--certificate-oidc-issuer', `${own.url}/oidc`];
    const cli = (...args: readonly string[]) => workshop.sealward(args);
    try {
      const before = await cli('verify', ...served, ...who, image.tagged);
      assert.match(before.stderr, /ERR_TRUST_ROOT/);
      const token = workshop.file('served-token', await own.token());
      const root = workshop.file('first.json', readFileSync(own.tufRoot));
      passes(await cli('sign', ...served, '--trust-root', root, '--identity-token', token, image.tagged));
      passes(await cli('verify', ...served, ...who, image.tagged));
      const foreign = await cli('verify', ...served, '--trust-root', server.tufRoot, ...who, image.tagged);
      assert.match(foreign.stderr, /ERR_TRUST_ROOT/, 'another root of the same version');
      const both = await cli('verify', ...served, '--trusted-root', own.trustedRoot, ...who, image.tagged);
      assert.match(both.stderr, /ERR_FLAG_CONFLICT/);
      await own.halt();
      passes(await cli('verify', ...served, ...who, image.tagged));
      // Nobody remembers anything elsewhere, and nobody answers.
      const elsewhere = await workshop.sealward(['verify', ...served, '--trust-root', root, ...who, image.tagged], {
        env: { XDG_STATE_HOME: workshop.path('empty') },
      });
      assert.notEqual(elsewhere.code, 0);
    } finally {
      await own.stop();
    }
  });

  it('has what is denied refused, and single denials are not passed over by flags', async () => {
    const own = await startOwnServer();
    const image = await pushImage(registry.host, 'others/denied');
    const cache = { env: { XDG_STATE_HOME: workshop.path('cache-of-denied') } };
    const served = ['--trust-url', `${own.url}/trust`, '--trust-root', own.tufRoot];
    const who = ['--certificate-identity', WORKLOAD, '--certificate-oidc-issuer', `${own.url}/oidc`];
    const keeps = async (...args: readonly string[]): Promise<Ran> =>
      passes(
        await workshop.sealward([
          'trust',
          ...args,
          '--folder',
          join(own.folder, 'trust'),
          '--key',
          join(own.folder, 'offline/trust.key'),
          '--password-file',
          join(own.folder, 'offline/password'),
        ]),
      );
    const publish = async (): Promise<void> => {
      const online = ['--key', join(own.folder, 'keys/trust.key'), '--password-file', join(own.folder, 'secrets/key-password')];
      passes(await workshop.sealward(['trust', 'publish', '--folder', join(own.folder, 'trust'), ...online]));
    };
    try {
      const token = workshop.file('denied-token', await own.token());
      passes(await workshop.sealward(['sign', ...served, '--identity-token', token, image.tagged], cache));
      const ask = () => workshop.sealward(['verify', ...served, ...who, image.tagged], { env: { XDG_STATE_HOME: workshop.path(`cache-${asked++}`) } });
      let asked = 0;
      passes(await ask());
      await keeps('key', 'suspend', 'authority/1', '--reason', 'a look at it');
      await publish();
      const suspended = await ask();
      assert.equal(suspended.code, 1, suspended.stdout + suspended.stderr);
      await keeps('deny', 'digest', image.digest, '--reason', 'bad');
      await publish();
      assert.match((await ask()).stderr, /denies one digest/);
    } finally {
      await own.stop();
    }
  });

  it('gets another key for certificates, and what was signed under the old one stays good', async () => {
    const own = await startOwnServer();
    const more = { more: [serverCommand] };
    const at = (name: string): string => join(own.folder, name);
    const services = ['--signing-config', own.signingConfig, '--trusted-root', own.trustedRoot];
    const blob = workshop.file('rotated', 'a release');
    const signs = async (name: string): Promise<string> => {
      const token = workshop.file('rotated-token', await own.token());
      passes(await workshop.sealward(['sign-blob', ...services, '--identity-token', token, '--bundle', workshop.path(name), blob]));
      return workshop.path(name);
    };
    const who = ['--trusted-root', own.trustedRoot, '--certificate-identity', WORKLOAD, '--certificate-oidc-issuer', `${own.url}/oidc`];
    try {
      const old = await signs('old.json');
      const rotate = ['server', 'rotate', 'authority', '--config', own.config, '--offline', at('offline')];
      const said = passes(await workshop.sealward(rotate, more)).stdout;
      assert.match(said, /keys\/authority-2\.key[^]*trust sign[^]*formerCertificates/);
      // What it says is typed as it stands: nobody knows what is in the password files.
      const commands = said.match(/(?<=^ +sealward )trust .+$/gm) ?? [];
      assert.deepEqual(
        commands.map((command) => command.split(' ')[1]),
        ['sign', 'publish'],
      );
      for (const command of commands) passes(await workshop.sealward(command.split(' ')));
      const yaml = readFileSync(own.config, 'utf8');
      const next = yaml
        .replace(/"?keys\/authority\.key"?/, 'keys/authority-2.key')
        .replace('certificates: certificates/authority.pem', 'certificates: certificates/authority-2.pem\n  formerCertificates: [certificates/authority.pem]');
      writeFileSync(own.config, next);
      const before = await controlRecords(own);
      await own.restart();
      const renewed = await signs('new.json');
      // Who reads the control log sees which key was in force since when, and what was published, by whom.
      const words = ({ type, action, name }: ControlRecord): string => `${type} ${action} ${name}`;
      assert.equal(before.filter(({ type, action }) => type === 'key/v1' && action === 'activate').length, 8);
      assert.deepEqual(
        before
          .slice(
            0,
            before.findIndex(({ action }) => action === 'publish'),
          )
          .slice(-2)
          .map(words),
        ['policy/v1 configure server.yaml', 'access/v1 start server.yaml'],
      );
      const published = before.filter(({ action }) => action === 'publish').map(words);
      assert.deepEqual(
        [...new Set(published)].sort(),
        ['deny', 'exceptions', 'keys', 'policy', 'root', 'targets'].map((role) => `policy/v1 publish ${role}.json`),
      );
      const since = (await controlRecords(own)).slice(before.length);
      const [activated, retired, configured, , ...later] = since;
      assert.deepEqual(
        [activated, retired, configured].map((record) => record && words(record)),
        ['key/v1 activate authority', 'key/v1 retire authority', 'policy/v1 configure server.yaml'],
      );
      assert.deepEqual([activated?.details['previous'], retired?.details['successor']], [retired?.sha256, activated?.sha256]);
      const changed = later.filter(({ action }) => action === 'publish');
      assert.deepEqual(changed.map(words).sort(), ['policy/v1 publish keys.json', 'policy/v1 publish targets.json']);
      for (const { details } of changed) {
        assert.deepEqual([details['version'], details['previous'], (details['signedBy'] as string[]).length], [2, 1, 1]);
        assert.ok(Object.keys(details['files'] as object).length > 0);
      }
      const restarted = (await controlRecords(own)).length;
      await own.restart();
      assert.deepEqual((await controlRecords(own)).slice(restarted).map(words), ['access/v1 start server.yaml'], 'nothing else is new');
      for (const bundle of [old, renewed]) passes(await workshop.sealward(['verify-blob', ...who, '--bundle', bundle, blob]));
      const { chains } = (await (await fetch(`${own.url}/api/v2/trustBundle`)).json()) as { chains: unknown[] };
      assert.equal(chains.length, 2);
      const wrong = await workshop.sealward([...rotate.slice(0, -1), at('keys')], more);
      assert.match(wrong.stderr, /ERR_FILE_UNREADABLE/);
    } finally {
      await own.stop();
    }
  });

  it('keeps the key of its authority on a token, and gets its PIN from a file', async (t) => {
    if (!requireToken(t)) return;
    const token = await softToken('sealward server');
    assert.ok(token);
    try {
      await token.add('authority', generateKeyPair('ecdsa-p384').privateKey);
      const pin = workshop.file('pin', '1234');
      const { COSIGN_PKCS11_PIN: _, ...environment } = token.environment;
      const reference = `${token.reference('authority').replace(/\?.*$/, '')}?module-path=${token.module}&pin-source=${pin}`;
      const hsm = await startOwnServer({ init: { keys: { authority: reference } }, keyOptions: { environment } });
      try {
        assert.equal(readServerConfig(hsm.config).authority?.key, reference);
        const bundle = workshop.path('hsm.json');
        const services = ['--signing-config', hsm.signingConfig, '--trusted-root', hsm.trustedRoot, '--identity-token', await hsm.token()];
        passes(await workshop.sealward(['sign-blob', ...services, '--bundle', bundle, workshop.file('hsm', 'signed')]));
        writeFileSync(pin, '9999');
        await hsm.halt();
        await assert.rejects(hsm.restart(), (error: Error) => {
          assert.doesNotMatch(error.message, /9999/);
          return (error as { code?: string }).code?.startsWith('ERR_KEY_') === true;
        });
      } finally {
        await hsm.stop();
      }
    } finally {
      token.remove();
    }
  });
});
