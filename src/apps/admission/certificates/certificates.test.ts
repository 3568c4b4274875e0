import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { createTlsAuthority } from '../../../testing/index.ts';
import { bundleOf, encodeState, type Lives, nextStep, parseState } from './authority-state.ts';
import { FileCertificates } from './files.ts';
import { issueAuthority, issueServer } from './issue.ts';
import { type AuthorityKeeper, folderKeeper } from './keep-authority.ts';
import { SelfMadeCertificates } from './self-made.ts';

const DAY = 86_400_000;
const START = Date.UTC(2026, 10, 27);
const LIVES: Lives = { lifeMs: 7 * DAY, authorityLifeMs: 365 * DAY, settleMs: 10 * 60_000 };
const NAMES = ['sealward.sealward-system.svc', '127.0.0.1'];

function memoryKeeper(): AuthorityKeeper & { text: string | undefined } {
  let version = 0;
  return {
    text: undefined,
    async load() {
      return this.text === undefined ? undefined : { text: this.text, version: `${version}` };
    },
    async save(text, known) {
      if (known !== (this.text === undefined ? undefined : `${version}`)) return false;
      this.text = text;
      version++;
      return true;
    },
  };
}

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-certificates-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const certificatesIn = (bundle: string): X509Certificate[] =>
  (bundle.match(/-----BEGIN[^]*?-----END CERTIFICATE-----/g) ?? []).map((pem) => new X509Certificate(pem));
const isBelieved = (leaf: string, bundle: string): boolean => certificatesIn(bundle).some((authority) => new X509Certificate(leaf).verify(authority.publicKey));

describe('certificates of its own', () => {
  it('are for the names that the API server calls, and for servers alone', () => {
    const authority = issueAuthority(START, LIVES.authorityLifeMs);
    const leaf = new X509Certificate(issueServer(authority, NAMES, START, LIVES.lifeMs).cert);
    assert.ok(leaf.checkIssued(new X509Certificate(authority.cert)));
    assert.equal(leaf.subjectAltName, 'DNS:sealward.sealward-system.svc, IP Address:127.0.0.1');
    assert.deepEqual([leaf.ca, new X509Certificate(authority.cert).ca], [false, true]);
    assert.equal(leaf.validToDate.getTime(), START + 7 * DAY);
    assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1']);
    const last = issueServer(authority, NAMES, START + 364 * DAY, LIVES.lifeMs);
    assert.equal(new X509Certificate(last.cert).validToDate.getTime(), START + 365 * DAY, 'not past its authority');
  });

  it('are renewed when two thirds of their life are over, and not before', async () => {
    const certificates = new SelfMadeCertificates({ ...LIVES, keeper: memoryKeeper(), publisher: { publish: async () => {} }, names: NAMES });
    assert.throws(() => certificates.current(), { code: 'ERR_CERTIFICATE_INVALID' });
    assert.equal(await certificates.tick(START), true);
    const first = certificates.current();
    assert.equal(await certificates.tick(START + 4.6 * DAY), false);
    assert.equal(await certificates.tick(START + 4.7 * DAY), true);
    assert.notEqual(certificates.current().cert, first.cert);
    assert.ok(certificates.notAfter() > START + 11 * DAY);
  });

  it('whatever fails and whenever replicas look, what one shows was told to everybody before', async () => {
    const look = fc.record({ replica: fc.integer({ min: 0, max: 2 }), hours: fc.integer({ min: 1, max: 200 }), fails: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(look, { minLength: 60, maxLength: 60 }), async (looks) => {
        let now = START;
        let fails = false;
        const told: { readonly at: number; readonly bundle: string }[] = [];
        const publisher = {
          async publish(bundle: string) {
            if (fails) throw new Error('the API server is gone');
            told.push({ at: now, bundle });
          },
        };
        const keeper = memoryKeeper();
        const replicas = [0, 1, 2].map(() => new SelfMadeCertificates({ ...LIVES, keeper, publisher, names: NAMES }));
        await replicas[0]?.tick(now);
        for (const { replica, hours, fails: failing } of looks) {
          now += hours * 3_600_000;
          fails = failing;
          const looking = replicas[replica] as SelfMadeCertificates;
          const failed = await looking.tick(now).then(
            () => false,
            () => true,
          );
          if (failed && told.length === 0) continue;
          const shown = [looking.current().cert];
          const known = (told.at(-1) as (typeof told)[number]).bundle;
          // Only of an authority that nobody believes any more there is no time to tell first.
          const wasOver = certificatesIn(told[0]?.bundle ?? '').every((one) => one.validToDate.getTime() <= now);
          for (const cert of shown) assert.ok(isBelieved(cert, known) || wasOver || (failing && told.length <= 1), `shown at ${now}`);
        }
      }),
      { numRuns: 15 },
    );
  });

  it('a new authority is told of first, used after a while, and the old one forgotten when nothing of it is left', () => {
    let state = nextStep(undefined, START, LIVES)?.state;
    assert.ok(state);
    const { current } = state;
    assert.equal(nextStep(state, START + 200 * DAY, LIVES), undefined);
    const due = START + 244 * DAY;
    state = nextStep(state, due, LIVES)?.state;
    assert.ok(state?.next);
    assert.equal(state.current.cert, current.cert, 'it still issues');
    const telling = nextStep(state, due, LIVES);
    assert.equal(telling?.kind, 'publish');
    assert.equal(certificatesIn(bundleOf(telling.state)).length, 2);
    assert.equal(nextStep(telling.state, due + LIVES.settleMs - 1, LIVES), undefined);
    const turned = nextStep(telling.state, due + LIVES.settleMs, LIVES)?.state;
    assert.equal(turned?.current.cert, state.next.cert);
    assert.deepEqual(
      turned.former.map(({ secret }) => secret),
      [current.secret],
      'the old path still counts',
    );
    assert.equal(nextStep(turned, due + LIVES.settleMs + LIVES.lifeMs - 1, LIVES), undefined);
    assert.deepEqual(nextStep(turned, due + LIVES.settleMs + LIVES.lifeMs, LIVES)?.state.former, []);
  });

  it('after two years without a look it begins anew at once', () => {
    const state = nextStep(undefined, START, LIVES)?.state;
    const late = nextStep(state, START + 730 * DAY, LIVES);
    assert.equal(late?.kind, 'save');
    assert.notEqual(late.state.current.cert, state?.current.cert);
  });

  it('of two replicas that begin at one time, one authority stays', async () => {
    const keeper = memoryKeeper();
    const publisher = { publish: async () => {} };
    const [a, b] = [0, 1].map(() => new SelfMadeCertificates({ ...LIVES, keeper, publisher, names: NAMES }));
    await Promise.all([a?.tick(START), b?.tick(START)]);
    assert.deepEqual(a?.secrets(), b?.secrets());
    const authority = parseState(keeper.text ?? '').current;
    for (const one of [a, b]) assert.ok(isBelieved(one?.current().cert ?? '', authority.cert));
  });

  it('are kept in a file for its owner alone, and read again after a new start', async (t) => {
    const folder = join(newFolder(t), 'authority');
    const options = { ...LIVES, publisher: { publish: async () => {} }, names: NAMES };
    const first = new SelfMadeCertificates({ ...options, keeper: folderKeeper(folder) });
    await first.tick(START);
    assert.equal(statSync(join(folder, 'authority.json')).mode & 0o777, 0o600);
    const again = new SelfMadeCertificates({ ...options, keeper: folderKeeper(folder) });
    await again.tick(START + DAY);
    assert.deepEqual(again.secrets(), first.secrets());
    assert.equal(await folderKeeper(folder).save('other', 'a version of long ago'), false);
  });

  it('a state that cannot be read is refused, and stays as it is', async (t) => {
    const folder = newFolder(t);
    const good = encodeState({ current: { ...issueAuthority(START, DAY), secret: 'a'.repeat(64) }, former: [] });
    assert.equal(encodeState(parseState(good)), good);
    for (const text of [
      '',
      '{}',
      'x',
      good.slice(0, -10),
      good.replace('"version": 1', '"version": 2'),
      good.replace('BEGIN CERT', 'BEGIN DERT'),
      good.replace('aaaa', 'AAAA'),
    ]) {
      writeFileSync(join(folder, 'authority.json'), text);
      const certificates = new SelfMadeCertificates({ ...LIVES, keeper: folderKeeper(folder), publisher: { publish: async () => {} }, names: NAMES });
      await assert.rejects(certificates.tick(START), { code: 'ERR_STATE_INVALID' });
      assert.equal(readFileSync(join(folder, 'authority.json'), 'utf8'), text);
    }
  });
});

describe('certificates in files', () => {
  it('are taken when they change, and only when key and certificate belong together', async (t) => {
    const folder = newFolder(t);
    const paths = { certificates: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
    const files = new FileCertificates(paths);
    await assert.rejects(files.tick(START), { code: 'ERR_FILE_UNREADABLE' });
    const authority = createTlsAuthority();
    const [first, second] = [authority.issue('a.example'), authority.issue('b.example')];
    writeFileSync(paths.certificates, first.cert);
    writeFileSync(paths.key, first.key);
    assert.deepEqual([await files.tick(START), await files.tick(START), files.current()], [true, false, { cert: first.cert, key: first.key }]);
    writeFileSync(paths.certificates, second.cert);
    await assert.rejects(files.tick(START), { code: 'ERR_CERTIFICATE_INVALID' });
    assert.equal(files.current().cert, first.cert, 'what was good goes on');
    writeFileSync(paths.key, second.key);
    assert.deepEqual([await files.tick(START), files.current().cert], [true, second.cert]);
    writeFileSync(paths.key, 'no key');
    await assert.rejects(files.tick(START), { code: 'ERR_KEY_INVALID' });
    writeFileSync(paths.certificates, 'no certificate');
    await assert.rejects(files.tick(START), (error: { code: string }) => /^ERR_(?:PEM|CERTIFICATE)_INVALID$/.test(error.code));
    assert.ok(files.notAfter() > Date.now());
  });
});
