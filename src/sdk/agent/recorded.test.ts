/** What recorded decisions were made from stays in the store, and makes them again, byte for byte. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Cluster, POLICY } from '../../../test/agents.ts';
import { release } from '../../../test/trust-repository.ts';
import { createMemoryStore, type EvidenceStore } from '../../clients/evidence/index.ts';
import { formatDigest, parseReference } from '../../core/artifact/index.ts';
import { BUNDLE_MEDIA_TYPE } from '../../core/bundle/index.ts';
import { utf8 } from '../../core/encoding/index.ts';
import { decodeEvidence, encodeDecision } from '../../core/verify/index.ts';
import { buildImage, buildIndex, buildReferrer, createTestKey, gate, pushArtifact } from '../../testing/index.ts';
import { judgeEvidence } from '../index.ts';
import type { JudgedName } from './index.ts';

/** From what the store alone keeps: the same bytes. */
async function isMadeAgain({ decision, request, evidence, known, inForce }: JudgedName, store: EvidenceStore): Promise<void> {
  assert.ok(decision && request && evidence !== undefined && known !== undefined && inForce);
  const bytes = store.bytes(known);
  assert.ok(bytes && store.record('pins', known), 'it is there, and stays');
  const then = decodeEvidence(bytes, (digest) => store.bytes(digest));
  const again = await judgeEvidence(then, request, inForce);
  const from = { known, policies: inForce.policies, trust: inForce.trust, request };
  assert.deepEqual(encodeDecision(again.decision, { ...from, evidence: again.evidence }), encodeDecision(decision, { ...from, evidence }));
}

describe('what a recorded decision was made from', () => {
  let cluster: Cluster;
  beforeEach(async () => {
    cluster = await Cluster.start();
  });
  afterEach(() => cluster.close());

  it('makes it again when more is known, from memory and from the store alike', async () => {
    const store = createMemoryStore();
    const image = await cluster.push();
    const agent = await cluster.started({ store, recordsKeptMs: 86_400_000 });
    const answers: JudgedName[] = [await agent.judge(image.pinned, cluster.ask())];
    await cluster.sign(image, createTestKey());
    cluster.clock.advance(6000);
    answers.push(await agent.judge(image.pinned, cluster.ask()));
    await cluster.sign(image);
    cluster.clock.advance(6000);
    answers.push(await agent.judge(image.pinned, cluster.ask()), await agent.judge(image.pinned, cluster.ask()));
    await agent.close();
    const next = await cluster.started({ store, recordsKeptMs: 86_400_000 });
    answers.push(await next.judge(image.pinned, cluster.ask()));
    await next.close();
    assert.deepEqual(
      answers.map(({ code, from }) => `${code} ${from}`),
      ['NO_SIGNATURE registry', 'KEY_MISMATCH registry', 'VERIFIED registry', 'VERIFIED memory', 'VERIFIED store'],
    );
    for (const answer of answers) await isMadeAgain(answer, store);
  });

  it('makes it again of an image under a signed index, of what a registry leaves out, and of its labels', async () => {
    cluster.publish({ 'policy/signed.yaml': POLICY.replace('spec:', 'spec:\n  labels: { team: shop }') });
    const store = createMemoryStore();
    const child = buildImage({ 'a.txt': 'a' }, { labels: { team: 'shop' } });
    const name = { registry: cluster.registry.host, repository: 'app' };
    const { digest } = await pushArtifact(cluster.client, name, buildIndex([child]), 'multi');
    const [index, image] = [digest, child.descriptor.digest].map((one) => `${cluster.registry.host}/app@${formatDigest(one)}`) as [string, string];
    await cluster.sign({ pinned: index });
    const agent = await cluster.started({ store, recordsKeptMs: 86_400_000 });
    assert.ok(await agent.gather(index));
    const answers = [await agent.judge(image, cluster.ask())];
    cluster.clock.advance(600_000);
    const empty = JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [] });
    cluster.registry.fault({ path: '/referrers/', body: empty });
    for (const one of [index, image]) assert.ok(await agent.gather(one));
    answers.push(await agent.judge(image, cluster.ask()));
    cluster.registry.clearFaults();
    cluster.registry.fault({ path: '/v2/', drop: 'before' });
    await agent.close();
    const next = await cluster.started({ store, recordsKeptMs: 86_400_000 });
    answers.push(await next.judge(image, cluster.ask()));
    await next.close();
    assert.deepEqual(
      answers.map(({ code, from }) => `${code} ${from}`),
      ['VERIFIED registry', 'VERIFIED memory', 'VERIFIED store'],
    );
    for (const answer of answers) await isMadeAgain(answer, store);
  });

  it('makes it again in whatever order it was found: several signatures of one payload, and several documents that nobody can read', async () => {
    const store = createMemoryStore();
    const [signed, junk] = [await cluster.push(), await cluster.push()];
    for (const key of [createTestKey(), release, createTestKey()]) await cluster.sign(signed, key, 'legacy');
    for (const text of ['{"mediaType":1}', 'no JSON', '{}', '[]'])
      await pushArtifact(
        cluster.client,
        parseReference(junk.pinned),
        buildReferrer({ artifactType: BUNDLE_MEDIA_TYPE, subject: junk.descriptor, payload: utf8(text) }),
      );
    const agent = await cluster.started({ store, recordsKeptMs: 86_400_000 });
    const answers = [await agent.judge(signed.pinned, cluster.ask()), await agent.judge(junk.pinned, cluster.ask())];
    await agent.close();
    assert.deepEqual(
      answers.map(({ code }) => code),
      ['VERIFIED', 'BUNDLE_MALFORMED'],
    );
    for (const answer of answers) await isMadeAgain(answer, store);
  });

  it('names none where there is nothing to keep: past a deadline, and of a registry that may not be asked', async () => {
    const store = createMemoryStore();
    const image = await cluster.push();
    const agent = await cluster.started({ store, recordsKeptMs: 86_400_000 });
    const silent = gate();
    cluster.registry.fault({ path: '/referrers/', before: silent });
    const asked = agent.judge(image.pinned, cluster.ask());
    await silent.reached;
    cluster.clock.advance(10_000);
    const late = await asked;
    silent.open();
    const shut = await cluster.started({ store, recordsKeptMs: 86_400_000, registries: ['r.test'] });
    const refused = await shut.judge(image.pinned, cluster.ask());
    assert.deepEqual([late.code, late.known, refused.code, refused.known], ['ERR_DEADLINE', undefined, 'ERR_REGISTRY_NOT_ALLOWED', undefined]);
  });

  it('is not kept where nothing is recorded, and not pinned by a dry run', async () => {
    const image = await cluster.push();
    await cluster.sign(image);
    const plain = createMemoryStore();
    assert.equal((await (await cluster.started({ store: plain })).judge(image.pinned, cluster.ask())).known, undefined);
    const store = createMemoryStore();
    const agent = await cluster.started({ store, recordsKeptMs: Number.POSITIVE_INFINITY });
    const { known } = await agent.judge(image.pinned, cluster.ask({ dryRun: true }));
    const late = await agent.judge(image.pinned, cluster.ask({ dryRun: true }));
    assert.equal(late.known, known);
    await agent.close();
    assert.deepEqual([store.records('pins'), store.bytes(known ?? '') !== undefined], [[], true]);
  });
});
