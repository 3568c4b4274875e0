/** What is proven in a thread is what is proven here, byte for byte; and whatever becomes of a thread, nobody waits for ever. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { Cluster } from '../../../test/agents.ts';
import { listedKey, release } from '../../../test/trust-repository.ts';
import { NOW } from '../../../test/tuf-repository.ts';
import { RegistryClient } from '../../clients/registry/index.ts';
import { parseReference } from '../../core/artifact/index.ts';
import { BUNDLE_MEDIA_TYPE } from '../../core/bundle/index.ts';
import { utf8 } from '../../core/encoding/index.ts';
import { type Anchors, joinAnchors } from '../../core/trust/index.ts';
import { digestOfAnchors, encodeFacts, type Subject } from '../../core/verify/index.ts';
import { buildReferrer, createTestKey, createTestSigstore, FixedClock, pushArtifact, type TestKey } from '../../testing/index.ts';
import { gatherAll } from '../evidence-of.ts';
import { attestImage, signImage } from '../index.ts';
import { carry, unpack } from './carried-view.ts';
import { factsFrom, type Sought } from './held-facts.ts';
import { prepareView, type View } from './view.ts';
import { type DocumentReader, Prover, type ProverOptions } from './prover.ts';

const second = createTestKey();
const stranger = createTestKey();
const POLICY = `apiVersion: sealward.dev/v1alpha1
kind: ImagePolicy
metadata: { name: all }
spec:
  match: { images: ["127.0.0.1:*/app"] }
  authorities: [{ name: release, key: { trustKey: release } }, { name: second, key: { trustKey: second } }]
  signatures: { anyOf: [release, second] }
  attestations:
    - { name: scan, type: "https://scan.test/v1", from: [release, second], conditions: ["predicate.found == 0"] }
    - { name: built, slsa: { builders: ["https://ci.test/*", { id: { regex: "https://ci[0-9]+[.]test" }, level: 2 }], sourceRepository: { exact: "https://git.test/app" } }, from: [release] }
`;
const PIECES = [
  'release',
  'release-legacy',
  'second-legacy',
  'stranger',
  'junk',
  'scan',
  'scan-by-second',
  'built',
  'built-elsewhere',
  'built-legacy',
] as const;
type Piece = (typeof PIECES)[number];

let cluster: Cluster;
let view: View;
/** Whoever signs waits now and then, and the clock of the cluster stands still. */
const people = new RegistryClient();

async function attach(piece: Piece, pinned: string): Promise<void> {
  const reference = parseReference(pinned);
  const registry = people;
  if (piece === 'junk') {
    const manifest = await registry.manifest(reference, reference.digest ?? '');
    assert.ok(manifest.state === 'complete');
    const payload = utf8(`junk ${randomUUID()}`);
    return void (await pushArtifact(registry, reference, buildReferrer({ artifactType: BUNDLE_MEDIA_TYPE, subject: manifest.value.descriptor, payload })));
  }
  const by: TestKey = piece.includes('second') ? second : piece === 'stranger' ? stranger : release;
  const signer = { publicKey: () => by.publicKey, algorithm: by.algorithm, sign: async (message: Uint8Array) => by.sign(message) };
  const common = { registry, reference, signer, format: piece.endsWith('legacy') ? 'legacy' : 'bundle' } as const;
  if (piece.startsWith('scan'))
    return void (await attestImage({ ...common, predicateType: 'https://scan.test/v1', predicate: { found: piece === 'scan' ? 0 : 1 } }));
  if (!piece.startsWith('built')) return void (await signImage(common));
  const predicate = {
    buildDefinition: {
      buildType: 'https://build.test',
      externalParameters: { source: `git+https://git.test/${piece === 'built-elsewhere' ? 'other' : 'app'}` },
    },
    runDetails: { builder: { id: piece === 'built-legacy' ? 'https://ci7.test' : 'https://ci.test/main' } },
  };
  await attestImage({ ...common, predicateType: 'https://slsa.dev/provenance/v1', predicate });
}

describe('proving in threads', () => {
  before(async () => {
    cluster = await Cluster.start();
    cluster.trust.keys = [listedKey(), listedKey({ name: 'second' }, second.publicKey)];
    cluster.publish({ 'policy/all.yaml': POLICY });
    const agent = await cluster.started();
    view = await prepareView(agent.inForce() ?? assert.fail(JSON.stringify(agent.status().trust)));
  });
  after(async () => {
    people.close();
    await cluster.close();
  });

  describe('a document that is proven in a thread', () => {
    const prover = new Prover({ clock: new FixedClock(), inline: 0, threads: 2 });
    after(() => prover.close());

    it('gives the same facts and the same values of conditions as one that is proven here, byte for byte', async () => {
      let proven = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 6 }), fc.nat({ max: 5 }), async (pieces, some) => {
          const { pinned } = await cluster.push();
          for (const piece of pieces) await attach(piece, pinned);
          const reference = parseReference(pinned);
          const digest = reference.digest ?? assert.fail();
          const sought: Sought = { repository: reference, signatures: reference, digest };
          const subject: Subject = { digests: { [digest.algorithm]: digest.hex } };
          const there = prover.reader(subject, view, Number.POSITIVE_INFINITY);
          const here = new Prover({ clock: cluster.clock, threads: 0 }).reader(subject, view, 0);
          let read = 0;
          // Some of the documents here, and the others there.
          const mixed: DocumentReader = (...one) => (read++ < some ? here : there)(...one);
          const told = async (reader: DocumentReader): Promise<string> => {
            const evidence = await gatherAll({ registry: cluster.client, repository: reference, digest, now: NOW, reader });
            const { facts, values, evidence: name } = factsFrom(sought, evidence, undefined, view, {});
            proven += facts.signatures.length;
            return JSON.stringify([Buffer.from(encodeFacts(facts)).toString(), [...values].sort(([a], [b]) => (a < b ? -1 : 1)), name]);
          };
          const expected = await told(here);
          assert.equal(await told(there), expected);
          assert.equal(await told(mixed), expected);
        }),
        { numRuns: 8, endOnFailure: true },
      );
      assert.ok(proven > 20 && prover.size.threads === 2, `${proven} signatures in ${prover.size.threads} threads`);
    });

    it('is proven again by whoever looks by another view, or asks about another digest', async () => {
      const { pinned } = await cluster.push();
      await attach('release', pinned);
      const reference = parseReference(pinned);
      const digest = reference.digest ?? assert.fail();
      const subject: Subject = { digests: { [digest.algorithm]: digest.hex } };
      const evidence = await gatherAll({
        registry: cluster.client,
        repository: reference,
        digest,
        now: NOW,
        reader: prover.reader(subject, view, Number.POSITIVE_INFINITY),
      });
      const sought: Sought = { repository: reference, signatures: reference, digest };
      const signersOf = (by: View, about: Subject): number =>
        factsFrom(sought, { ...evidence, subject: about }, undefined, by, {}).facts.signatures.filter(
          ({ signers, about: matched }) => signers.length > 0 && matched !== undefined,
        ).length;
      assert.equal(signersOf(view, subject), 1);
      assert.equal(signersOf({ ...view, key: 'other', anchors: { ...view.anchors, keys: [] } }, subject), 0);
      assert.equal(signersOf(view, { digests: { sha256: '5'.repeat(64) } }), 0);
    });

    it('answers of an agent that proves everything in threads as of one that proves nothing there', async () => {
      const image = await cluster.push();
      for (const piece of ['release', 'scan', 'built'] as const) await attach(piece, image.pinned);
      const [apart, here] = [await cluster.started({ proving: { inline: 0 } }), await cluster.started({ proving: { threads: 0 } })];
      const [a, b] = [await apart.judge(image.pinned, cluster.ask()), await here.judge(image.pinned, cluster.ask())];
      assert.deepEqual([a.action, a.code, a.message, a.evidence, a.decision?.policies], ['allow', 'VERIFIED', b.message, b.evidence, b.decision?.policies]);
    });
  });

  describe('a view that travels', () => {
    it('comes out as it went in: keys, authorities, logs and patterns', async () => {
      const anchors = joinAnchors(createTestSigstore().anchors, view.anchors);
      const carried = structuredClone(carry({ key: 'k', anchors, conditions: view.conditions }));
      const { anchors: same, conditions } = await unpack(carried);
      assert.equal(digestOfAnchors(same), digestOfAnchors(anchors));
      const named = ({ keys, authorities, logs, certificateLogs, timestampAuthorities }: Anchors): unknown[] =>
        [...keys, ...authorities, ...logs, ...certificateLogs, ...timestampAuthorities].map((anchor): unknown => [anchor.name, anchor.window, anchor.operator]);
      assert.deepEqual(named(same), named(anchors));
      const builders = conditions.flatMap(({ condition }) => (condition.kind === 'slsa' ? condition.builders.map(({ id }) => id) : []));
      const values = ['https://ci.test/main', 'https://ci.test/a/b', 'https://ci7.test', 'https://ci7.test/', ''];
      assert.deepEqual(
        values.map((value) => builders.map(({ matches }) => matches(value))),
        [
          [true, false],
          [false, false],
          [false, true],
          [false, false],
          [false, false],
        ],
      );
      assert.deepEqual(
        conditions.map(({ condition: { id } }) => id),
        view.conditions.map(({ condition: { id } }) => id),
      );
    });
  });

  describe('a thread', () => {
    const clock = new FixedClock();
    let prover: Prover;
    const readBy = (program: string, more: Partial<ProverOptions> = {}) => {
      const start = `import { parentPort } from 'node:worker_threads'; ${program}`;
      prover = new Prover({ clock, inline: 0, threads: 1, program: new URL(`data:text/javascript,${encodeURIComponent(start)}`), ...more });
      return prover.reader({ digests: { sha256: '5'.repeat(64) } }, view, clock.now() + 1000);
    };
    const ask = async (reader: DocumentReader): Promise<unknown> => reader('referrers-api', { kind: 'bundle', annotations: {} }, utf8('{}'));
    afterEach(() => prover.close());

    it('that dies over a document is replaced once, and then it is said', async () => {
      await assert.rejects(ask(readBy("parentPort.on('message', () => process.exit(1))")), { code: 'ERR_SERVICE_UNAVAILABLE' });
      assert.deepEqual(prover.size, { threads: 0, waiting: 0 });
      await assert.rejects(ask(readBy("parentPort.on('message', () => { throw new Error('broken') })")), { code: 'ERR_SERVICE_UNAVAILABLE' });
      await assert.rejects(ask(readBy('no program')), { code: 'ERR_SERVICE_UNAVAILABLE' });
    });

    it('that does not answer in time is ended, and the next document has another one', async () => {
      const answer = { document: { digest: 'd', place: 'file' }, signatures: [], unreadable: [], values: [] };
      const reader = readBy(`parentPort.on('message', ({ place }) => { if (place === 'file') parentPort.postMessage({ proven: ${JSON.stringify(answer)} }) })`);
      const stuck = ask(reader);
      const waiting = reader('file', { kind: 'bundle', annotations: {} }, utf8('{}'));
      assert.deepEqual(prover.size, { threads: 1, waiting: 1 });
      const late = assert.rejects(stuck, { code: 'ERR_DEADLINE' });
      prover.reader({ digests: {} }, view, 0);
      clock.advance(999);
      assert.deepEqual(prover.size, { threads: 1, waiting: 1 });
      const patient = prover.reader({ digests: { sha256: '5'.repeat(64) } }, view, clock.now() + 10_000)(
        'file',
        { kind: 'bundle', annotations: {} },
        utf8('{}'),
      );
      clock.advance(1);
      await late;
      await assert.rejects(Promise.resolve(waiting), { code: 'ERR_DEADLINE' });
      assert.equal((await patient).digest, 'd');
    });

    it('that proves something when all ends is ended, whoever waits is told, and nothing is begun', async () => {
      const reader = readBy("parentPort.on('message', () => undefined)");
      const asked = [ask(reader), ask(reader)].map((one) => assert.rejects(one, { code: 'ERR_SERVICE_UNAVAILABLE' }));
      await prover.close();
      await Promise.all(asked);
      await assert.rejects(ask(reader), { code: 'ERR_SERVICE_UNAVAILABLE' });
      assert.deepEqual(prover.size, { threads: 0, waiting: 0 });
    });

    it('is not begun for what is proven quickly', async () => {
      const reader = readBy('', { inline: 100 * (1 + view.anchors.keys.length) });
      const read = (size: number) => reader('referrers-api', { kind: 'bundle', annotations: {} }, new Uint8Array(size));
      assert.ok(!(read(99) instanceof Promise));
      assert.deepEqual(prover.size, { threads: 0, waiting: 0 });
      const over = read(2);
      assert.ok(over instanceof Promise, 'what is read in one gathering adds up');
      await assert.rejects(over, { code: 'ERR_SERVICE_UNAVAILABLE' });
    });
  });
});
