/** What recorded decisions were made from stays in the store, and makes them again, byte for byte. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Cluster } from '../../../test/agents.ts';
import { createMemoryStore } from '../../clients/evidence/index.ts';
import { decodeEvidence, encodeDecision } from '../../core/verify/index.ts';
import { createTestKey } from '../../testing/index.ts';
import { judgeEvidence } from '../index.ts';
import type { JudgedName } from './index.ts';

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
    for (const { decision, request, evidence, known, inForce } of answers) {
      assert.ok(decision && request && evidence !== undefined && known !== undefined && inForce);
      const bytes = store.bytes(known);
      assert.ok(bytes && store.record('pins', known), 'it is there, and stays');
      const again = await judgeEvidence(
        decodeEvidence(bytes, (digest) => store.bytes(digest)),
        request,
        inForce,
      );
      const from = { known, policies: inForce.policies, trust: inForce.trust, request };
      assert.deepEqual(encodeDecision(again.decision, { ...from, evidence: again.evidence }), encodeDecision(decision, { ...from, evidence }));
    }
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
