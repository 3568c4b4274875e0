/** An answer is given again only where nothing that it rests on is another. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Cluster, type Image, POLICY } from '../../../test/agents.ts';
import { listedKey, release } from '../../../test/trust-repository.ts';
import { NOW } from '../../../test/tuf-repository.ts';
import { createMemoryStore } from '../../clients/evidence/index.ts';
import type { Agent, Ask, JudgedName } from './index.ts';

describe('an answer of a moment ago', () => {
  let cluster: Cluster;
  let image: Image;
  let agent: Agent;
  beforeEach(async () => {
    cluster = await Cluster.start();
    image = await cluster.push();
    await cluster.sign(image);
    agent = await cluster.started();
    await agent.judge(image.pinned, cluster.ask());
  });
  afterEach(() => cluster.close());

  const recall = (more: Partial<Ask> = {}, name = image.pinned): JudgedName | undefined => agent.recall(name, cluster.ask(more));
  /** Judged from memory, and what is recalled then. */
  async function judged(more: Partial<Ask> = {}, name = image.pinned): Promise<JudgedName> {
    const answer = await agent.judge(name, cluster.ask(more));
    assert.equal(recall(more, name), answer);
    return answer;
  }

  it('is the very same value, for the name as it was written', async () => {
    await judged();
    assert.equal(await agent.judge(image.pinned, cluster.ask()), recall());
    const both = image.tagged + image.pinned.slice(image.pinned.indexOf('@'));
    assert.equal(recall({}, both), undefined);
    const answer = await judged({}, both);
    assert.deepEqual([answer.name, answer.request?.tag, answer.digest], [both, 'v1', image.digest]);
  });

  it('is forgotten after a second, when the clock is set back, and at the moment that the decision itself names', async () => {
    await judged();
    cluster.clock.advance(999);
    assert.ok(recall());
    cluster.clock.advance(1);
    assert.equal(recall(), undefined);
    const late = await judged();
    assert.equal(late.request?.now, NOW + 1000);
    cluster.clock.advance(-1);
    assert.equal(recall(), undefined);
    cluster.trust.keys = [listedKey({ window: { from: NOW - 1000, to: NOW + 1500 } })];
    cluster.publish({ 'policy/signed.yaml': POLICY });
    await agent.updateTrust();
    cluster.clock.advance(301);
    const { decision } = await judged();
    assert.equal(decision?.until, NOW + 1501);
    cluster.clock.advance(201);
    assert.equal(recall(), undefined);
    assert.equal((await agent.judge(image.pinned, cluster.ask())).action, 'deny');
  });

  it('is that of one place', async () => {
    const labels = { team: 'a' };
    const places: Ask['place'][] = [
      {},
      { namespace: 'shop' },
      { namespace: 'bank' },
      { namespace: 'shop', cluster: 'eu-1' },
      { namespace: 'shop', environment: 'production' },
      { namespace: 'shop', namespaceLabels: labels },
      { namespace: 'shop', namespaceLabels: { ...labels } },
    ];
    const answers: JudgedName[] = [];
    for (const place of places) {
      if (place.namespace !== 'shop' || Object.keys(place).length > 1) assert.equal(recall({ place }), undefined, JSON.stringify(place));
      answers.push(await judged({ place }));
      assert.deepEqual(answers.at(-1)?.request?.place, place);
    }
    for (const [i, place] of places.entries()) assert.equal(recall({ place }), i < 3 ? undefined : answers[i]);
    for (let i = 0; i < 20; i++) await judged({ place: { namespace: `n${i}` } });
    assert.equal(recall({ place: { namespace: 'shop' } }), undefined, 'the places of one image are bounded');
  });

  it('says whether the image ran there before', async () => {
    const before = await judged({ admittedBefore: true });
    const asked: string[] = [];
    assert.equal(recall({ admittedBefore: (digest) => (asked.push(digest), true) }), before);
    assert.deepEqual(asked, [image.digest]);
    assert.equal(recall({ admittedBefore: () => false }), undefined);
  });

  it('ends with the trust, the policies and the facts that it rests on', async () => {
    const elsewhere = { place: { namespace: 'bank' } };
    await judged(elsewhere);
    const first = await judged();
    await cluster.sign(image, release, 'legacy');
    await agent.gather(image.pinned);
    assert.equal(recall(), undefined, 'what was found since may ask for another answer');
    const second = await judged();
    assert.notEqual(second.evidence, first.evidence);
    assert.equal(recall(elsewhere), undefined, 'nor in another place');
    cluster.trust.keys = [listedKey({ state: 'revoked-all', reason: 'stolen' })];
    cluster.publish({ 'policy/signed.yaml': POLICY });
    await agent.updateTrust();
    assert.equal(recall(), undefined);
    assert.equal((await agent.judge(image.pinned, cluster.ask())).action, 'deny');
    assert.equal(recall(), undefined, 'and a denial is never given again');
  });

  it('is never that of a tag alone', async () => {
    assert.equal((await agent.judge(image.tagged, cluster.ask())).action, 'allow');
    assert.equal((await agent.judge(image.tagged, cluster.ask())).action, 'allow');
    assert.equal(recall({}, image.tagged), undefined);
  });

  it('is written down as let in, unless it was for a dry run', async () => {
    const store = createMemoryStore();
    agent = await cluster.started({ store });
    await agent.judge(image.pinned, cluster.ask({ dryRun: true }));
    await judged({ dryRun: true });
    assert.equal(store.record('admitted', image.digest), undefined);
    assert.ok(recall());
    await agent.close();
    assert.ok(store.record('admitted', image.digest));
  });
});
