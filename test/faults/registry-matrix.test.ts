/**
 * Every way in which a registry fails, times what is known of the image: nothing (cold), asked just now (warm), asked an hour
 * ago by a process that is gone (stale). What is held is decided as before, whatever the registry does; what is new is
 * inconclusive, with the place that did not answer, and never "unsigned".
 */
import assert from 'node:assert/strict';
import { after, afterEach, describe, it } from 'node:test';
import type { EvidenceStore } from '../../src/clients/evidence/index.ts';
import type { Fault } from '../../src/testing/index.ts';
import { type Judge, JUDGES, Matrix, PATIENCE, type Told } from './matrix.ts';
import type { WireFault } from './wire.ts';

/** In a row, after which a host is left alone (docs/reference/registry-access.md). */
const BREAKER_FAILURES = 5;

interface Failure {
  readonly name: string;
  readonly wire?: (matrix: Matrix) => WireFault;
  readonly http?: Partial<Fault>;
  /** What a new image is answered with. */
  readonly code: string;
  /** In the message, besides the name of the registry. */
  readonly says: RegExp;
  /** It ends with the deadline alone. */
  readonly hangs?: boolean;
  /** Whether the registry speaks TLS; what breaks the wire breaks a wire with TLS. */
  readonly tls?: boolean;
}

const half = (real: Uint8Array): Uint8Array => real.subarray(0, real.length >> 1);

const FAILURES: readonly Failure[] = [
  { name: 'refuse', wire: () => ({ kind: 'refuse' }), code: 'ERR_REGISTRY_UNREACHABLE', says: /nothing listens there/ },
  ...[0, 1000, 2500].map((at): Failure => {
    return { name: `reset at byte ${at}`, wire: () => ({ kind: 'reset', at }), code: 'ERR_REGISTRY_UNREACHABLE', says: /closed the connection/ };
  }),
  { name: 'an end without the word of TLS for it', wire: () => ({ kind: 'cut', at: 2500 }), code: 'ERR_REGISTRY_UNREACHABLE', says: /closed the connection/ },
  // The second is within the handshake.
  ...[0, 600, 2500].map((at): Failure => {
    return { name: `stall at byte ${at}`, wire: () => ({ kind: 'stall', at }), code: 'ERR_DEADLINE', says: /referrers API/, hangs: true };
  }),
  { name: 'one byte per second', wire: ({ clock }) => ({ kind: 'trickle', clock }), code: 'ERR_DEADLINE', says: /referrers API/ },
  { name: 'truncation: the connection ends', http: { truncateAfter: 20 }, code: 'ERR_REGISTRY_UNREACHABLE', says: /closed the connection/ },
  { name: 'truncation: the body ends', http: { body: half }, code: 'ERR_MANIFEST_INVALID', says: /not strict JSON/ },
  { name: 'wrong length: too short', http: { headers: { 'content-length': '7' } }, code: 'ERR_MANIFEST_INVALID', says: /not strict JSON/ },
  { name: 'wrong length: too long', http: { headers: { 'content-length': '99999' } }, code: 'ERR_DEADLINE', says: /referrers API/, hangs: true },
  { name: '429 with Retry-After', http: { status: 429, headers: { 'retry-after': '3600' } }, code: 'ERR_REGISTRY_THROTTLED', says: /wait for 3600 seconds/ },
  { name: '429 without', http: { status: 429 }, code: 'ERR_REGISTRY_THROTTLED', says: /asks to wait/ },
  { name: '500', http: { status: 500 }, code: 'ERR_REGISTRY_FAILED', says: /500/ },
  { name: '503 bursts', http: { status: 503, times: 60 }, code: 'ERR_REGISTRY_FAILED', says: /503/ },
  { name: 'bad TLS', wire: () => ({ kind: 'no TLS' }), code: 'ERR_REGISTRY_UNREACHABLE', says: /cannot agree on TLS/ },
  {
    name: 'expired certificate',
    wire: ({ others }) => ({ kind: 'elsewhere', port: others.expired }),
    code: 'ERR_REGISTRY_UNREACHABLE',
    says: /CERT_HAS_EXPIRED/,
  },
  {
    name: 'certificate of an authority that nobody knows',
    wire: ({ others }) => ({ kind: 'elsewhere', port: others.unknown }),
    code: 'ERR_REGISTRY_UNREACHABLE',
    says: /is not trusted/,
  },
  {
    name: 'certificate for another name',
    wire: ({ others }) => ({ kind: 'elsewhere', port: others.misnamed }),
    code: 'ERR_REGISTRY_UNREACHABLE',
    says: /ALTNAME/,
  },
  {
    name: 'redirect to plain HTTP',
    http: { status: 307, headers: { location: 'http://registry.test/v2/' } },
    tls: true,
    code: 'ERR_CONTENT_REFUSED',
    says: /that would leave TLS/,
  },
  {
    name: 'redirect loop',
    http: { status: 302, headers: { location: '?again' } },
    code: 'ERR_CONTENT_REFUSED',
    says: /redirected more than 3 times/,
  },
];

/** What ends early over TLS must not be taken for the whole, either; handshakes take their time, so that one who judges is enough. */
const OVER_TLS = FAILURES.filter(({ name }) => /^(?:truncation|wrong length)/.test(name)).map(
  (failure): Failure => ({ ...failure, name: `${failure.name}, over TLS`, tls: true }),
);

let matrix: Matrix;
let store: EvidenceStore;
/** An answer was begun that does not end. */
let hung = Promise.withResolvers<void>();
const matrices = { plain: await Matrix.start(false), tls: await Matrix.start(true) };
after(() => Promise.all(Object.values(matrices).map((one) => one.close())));

/** Nothing is broken, and nothing is held. */
function begin({ wire, tls = wire !== undefined }: Pick<Failure, 'wire' | 'tls'>): void {
  matrix = tls ? matrices.tls : matrices.plain;
  mend();
  store = matrix.store();
}
/** Within each group: at the top of a file they would hold for the tests of every other file as well. */
function eachAnew(): void {
  afterEach(() => matrix.endJudges());
}

function mend(): void {
  matrix.wire.break(undefined);
  matrix.registry.clearFaults();
  matrix.registry.forget();
}

function fail({ wire, http, hangs }: Failure): void {
  matrix.registry.forget();
  matrix.wire.break(wire?.(matrix));
  hung = Promise.withResolvers();
  const { resolve } = hung;
  const tell = (real: Uint8Array): Uint8Array => (resolve(), real);
  if (http) matrix.registry.fault({ path: '', ...(hangs ? { body: tell } : {}), ...http });
}

/** The answer; where the failure never ends by itself, time goes on to the deadline as soon as somebody hangs. */
async function answer(judge: Judge, name: string, { hangs, wire }: Failure): Promise<Told> {
  const told = judge(name);
  if (hangs) {
    await Promise.race([told, wire ? matrix.wire.stalled : hung.promise]);
    matrix.clock.advance(PATIENCE);
  }
  return told;
}

for (const kind of JUDGES) {
  describe(`a registry that fails, for ${kind}`, () => {
    eachAnew();

    for (const failure of kind === 'an agent' ? [...FAILURES, ...OVER_TLS] : FAILURES) {
      it(`${failure.name}, cold: inconclusive, with the place; and decided as soon as it is over`, async () => {
        begin(failure);
        const judge = await matrix.judge(kind, store);
        fail(failure);
        for (const image of [matrix.signed, matrix.unsigned]) {
          const { said, message } = await answer(judge, image, failure);
          assert.equal(said, `inconclusive ${failure.code}`, message);
          assert.match(message, failure.says);
          assert.match(message, /registry\.test/);
          mend();
          fail(failure);
        }
        await matrix.idle();
        mend();
        matrix.clock.advance(5001);
        assert.equal((await judge(matrix.signed)).said, 'verified VERIFIED');
        assert.equal((await judge(matrix.unsigned)).said, 'rejected NO_SIGNATURE');
      });

      it(`${failure.name}, warm: the same decision, and an agent asks nothing`, async () => {
        begin(failure);
        const judge = await matrix.judge(kind, store);
        const known = [matrix.signed, matrix.unsigned, matrix.tagged];
        const earlier: Told[] = [];
        for (const image of known) earlier.push(await judge(image));
        assert.deepEqual(
          earlier.map(({ said }) => said),
          ['verified VERIFIED', 'rejected NO_SIGNATURE', 'verified VERIFIED'],
        );
        fail(failure);
        const isAgent = kind === 'an agent';
        for (const [n, image] of known.entries()) assert.deepEqual(await (isAgent ? judge(image) : answer(judge, image, failure)), earlier[n], image);
        if (isAgent) assert.equal(matrix.registry.journal.length, 0);
      });

      it(`${failure.name}, stale: decided from what is held`, async () => {
        begin(failure);
        const first = await matrix.judge(kind, store);
        const known = [matrix.signed, matrix.unsigned, matrix.tagged];
        const earlier: string[] = [];
        for (const image of known) earlier.push((await first(image)).said);
        await matrix.stop();
        matrix.clock.advance(3600_000);
        const judge = await matrix.judge(kind, store);
        for (const [n, image] of known.entries()) {
          mend();
          fail(failure);
          const { said, message } = await answer(judge, image, failure);
          assert.equal(said, earlier[n], `${image}: ${message}`);
        }
      });
    }

    it('503 bursts, short ones, cold: asked again, and decided', async () => {
      begin({});
      const judge = await matrix.judge(kind, store);
      matrix.registry.fault({ path: '', status: 503, times: 3 });
      assert.equal((await judge(matrix.signed)).said, 'verified VERIFIED');
      matrix.registry.fault({ path: '', status: 503, times: 3, headers: { 'retry-after': '2' } });
      assert.equal((await judge(matrix.unsigned)).said, 'rejected NO_SIGNATURE');
    });

    for (const { name, http, tls = false } of FAILURES) {
      if (!http || name.startsWith('wrong length: too long')) continue;
      it(`${name}, at each single request, cold: never "unsigned"`, async () => {
        begin({ tls });
        const clean = await matrix.judge(kind, store);
        await clean(matrix.signed);
        const requests = matrix.registry.journal.length;
        assert.ok(requests >= 3, `${requests} requests`);
        for (let k = 0; k < requests; k++) {
          mend();
          const judge = await matrix.judge(kind, matrix.store());
          matrix.registry.fault({ path: '', ...http, skip: k, times: http.times ?? 1 });
          const { said, message } = await judge(matrix.signed);
          assert.match(said, /^(?:verified|inconclusive) /, `request ${k}: ${said} ${message}`);
        }
      });
    }
  });
}

describe('a herd of new images, with limits for each host', () => {
  eachAnew();

  const NEW = 60;
  /** What is under way before the first answer comes, and the failures that are needed to see it. */
  const MOST = 16 + BREAKER_FAILURES;

  for (const name of ['429 with Retry-After', '500', 'bad TLS']) {
    it(`${name}: everybody is told, nothing storms, and one question finds out that it is over`, async () => {
      const failure = FAILURES.find((one) => one.name === name) ?? assert.fail(name);
      begin(failure);
      matrix.limited = true;
      const judge = await matrix.judge('an agent', store);
      const [place] = matrix.signed.split('@');
      const herd = Array.from({ length: NEW }, (_, n) => `${place}@sha256:${n.toString(16).padStart(64, '0')}`);
      fail(failure);
      const before = matrix.wire.connections;
      const asked = (): number => (failure.wire ? matrix.wire.connections - before : matrix.registry.journal.length);
      const told = await Promise.all(herd.map(judge));
      await matrix.idle();
      const codes = new Set(told.map(({ said }) => said));
      const reasons = [failure.code, failure.http?.status === 429 ? 'ERR_REGISTRY_THROTTLED' : 'ERR_REGISTRY_PAUSED'];
      for (const said of codes)
        assert.ok(
          reasons.some((code) => said === `inconclusive ${code}`),
          said,
        );
      assert.ok(asked() <= MOST, `${asked()} requests for ${NEW} images`);
      const reached = asked();
      // Still within the time that it named, or that it is left alone for: nothing more goes there.
      matrix.clock.advance(200);
      await Promise.all(herd.map(judge));
      assert.equal(asked(), reached);
      mend();
      matrix.clock.advance(3600_001);
      assert.equal((await judge(matrix.signed)).said, 'verified VERIFIED');
      assert.equal((await judge(matrix.unsigned)).said, 'rejected NO_SIGNATURE');
    });
  }
});
