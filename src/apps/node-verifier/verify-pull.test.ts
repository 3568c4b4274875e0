/** What a node answers to containerd, with a registry that comes and goes, and trust in a folder. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import { Cluster, type Image, POLICY, writeTrust } from '../../../test/agents.ts';
import { digestFrom, parseReference } from '../../core/artifact/index.ts';
import { createTestKey, gate } from '../../testing/index.ts';
import { parseNodeVerifierConfig } from './config.ts';
import type { Pull } from './pull.ts';
import { type PullVerdict, verifyPull } from './verify-pull.ts';

const root = mkdtempSync(join(tmpdir(), 'sealward-node-'));
after(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
let folder: string;
let cluster: Cluster;
/** Within each group: at the top of a file they would hold for the tests of every other file as well. */
function eachAnew(): void {
  beforeEach(async () => {
    folder = join(root, `node${folders++}`);
    cluster = await Cluster.start();
    writeTrust(join(folder, 'trust'), cluster.trust);
  });
  afterEach(() => cluster.close());
}

const CONFIG = 'trust: { from: trust, memory: memory }\nevidence: evidence\nrecords: { folder: records, most: 3 }\n';
const pullOf = ({ tagged, digest }: Image): Pull => ({
  reference: { ...parseReference(tagged), digest: digestFrom(digest) as NonNullable<ReturnType<typeof digestFrom>> },
});
/** As a process of its own does: nothing is kept but what lies on the disk. */
const verify = (image: Image, config = CONFIG): Promise<PullVerdict> =>
  verifyPull(pullOf(image), parseNodeVerifierConfig(join(folder, 'node-verifier.yaml'), config), { userAgent: 'test', clock: cluster.clock });
const publish = (texts: Record<string, string> = { 'policy/signed.yaml': POLICY }): void => {
  cluster.publish(texts);
  writeTrust(join(folder, 'trust'), cluster.trust);
};

describe('the node verifier', () => {
  eachAnew();

  it('lets in what is signed, refuses the rest with its reason, and keeps both on record', async () => {
    const [signed, unsigned, other] = [await cluster.push(), await cluster.push(), await cluster.push()];
    await cluster.sign(signed);
    await cluster.sign(other, createTestKey());
    assert.deepEqual([(await verify(signed)).allowed, (await verify(unsigned)).allowed], [true, false]);
    const refused = await verify(other);
    assert.equal(refused.allowed, false);
    assert.match(refused.reason, /may not run by the policy signed: .* \(KEY_MISMATCH\)$/);
    const records = readdirSync(join(folder, 'records'));
    assert.equal(records.length, 3);
    assert.deepEqual(
      records.map((name) => (JSON.parse(readFileSync(join(folder, 'records', name), 'utf8')) as { decision: { code: string } }).decision.code).sort(),
      ['KEY_MISMATCH', 'NO_SIGNATURE', 'VERIFIED'],
    );
    cluster.clock.advance(10_000);
    await verify(signed);
    assert.equal(readdirSync(join(folder, 'records')).length, 3, 'the oldest went');
  });

  it('answers from what it holds when the registry lets nobody in, and obeys a revocation all the same', async () => {
    const [held, fresh] = [await cluster.push(), await cluster.push()];
    await cluster.sign(held);
    await cluster.sign(fresh);
    assert.equal((await verify(held)).allowed, true);
    cluster.registry.fault({ path: '', status: 403 });
    assert.equal((await verify(held)).allowed, true);
    const unknown = await verify(fresh);
    assert.deepEqual([unknown.allowed, unknown.judged.outcome], [false, 'inconclusive'], 'nobody says that it is unsigned');
    cluster.trust.denials = [{ id: 'd1', kind: 'digest', digest: held.digest, reason: 'stolen', addedAt: cluster.clock.now() }];
    publish();
    const denied = await verify(held);
    assert.deepEqual([denied.allowed, denied.judged.code], [false, 'DENIED']);
    assert.match(denied.reason, /stolen/);
  });

  it('knows no namespace: what is meant for one holds, unless another is satisfied', async () => {
    const image = await cluster.push();
    await cluster.sign(image);
    const strict = POLICY.replace('name: signed', 'name: shop')
      .replace('match: {', 'match: { namespaces: [shop],')
      .replace('trustKey: release', 'trustKey: nobody');
    publish({ 'policy/shop.yaml': strict.replace('trustKey: nobody', 'trustKey: release') });
    assert.equal((await verify(image)).allowed, true);
    const unsigned = await cluster.push();
    assert.equal((await verify(unsigned)).allowed, false);
  });

  it('goes on with the trust that it remembers when none can be had, while its lease lasts', async () => {
    const image = await cluster.push();
    await cluster.sign(image);
    assert.equal((await verify(image)).allowed, true);
    rmSync(join(folder, 'trust'), { recursive: true });
    assert.equal((await verify(image)).allowed, true);
    const other = await cluster.push();
    await cluster.sign(other);
    cluster.clock.advance(400 * 24 * 3600 * 1000);
    assert.equal((await verify(image)).allowed, true, 'what was admitted under a live lease may restart');
    const late = await verify(other);
    assert.deepEqual([late.allowed, late.judged.code], [false, 'TRUST_STALE']);
    rmSync(join(folder, 'memory'), { recursive: true });
    await assert.rejects(verify(image), { code: /ERR_/ });
  });

  it('answers by its deadline', async () => {
    const image = await cluster.push();
    await cluster.sign(image);
    const held = gate();
    cluster.registry.fault({ path: '/referrers/', before: held });
    const asked = verify(image);
    await held.reached;
    cluster.clock.advance(8000);
    const late = await asked;
    held.open();
    assert.deepEqual([late.allowed, late.judged.outcome, late.judged.code], [false, 'inconclusive', 'ERR_DEADLINE']);
  });

  it('refuses when the decision cannot be recorded', async () => {
    const image = await cluster.push();
    await cluster.sign(image);
    writeFileSync(join(folder, 'records'), 'no folder');
    await assert.rejects(verify(image), { code: 'ERR_DECISION_UNKEPT' });
  });
});
