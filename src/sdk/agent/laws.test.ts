/** What holds of an agent whatever its registry goes through: histories are generated, and two ways to one answer compared. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { Cluster, type Image } from '../../../test/agents.ts';
import { release } from '../../../test/trust-repository.ts';
import { createMemoryStore } from '../../clients/evidence/index.ts';
import { parseReference } from '../../core/artifact/index.ts';
import { BUNDLE_MEDIA_TYPE } from '../../core/bundle/index.ts';
import { utf8 } from '../../core/encoding/index.ts';
import { buildReferrer, createTestKey, type Fault, pushArtifact } from '../../testing/index.ts';
import { judgeImage } from '../index.ts';
import type { Agent, JudgedName } from './index.ts';

let cluster: Cluster;

const stranger = createTestKey();

/** Something that happens to an image, to its registry, or to whoever asks. */
type Event = 'sign' | 'sign-as-before' | 'sign-by-stranger' | 'junk' | 'ask' | 'gather' | 'wait' | 'leave-out' | 'empty-tags' | 'mend';
const EVENTS: readonly Event[] = ['sign', 'sign-as-before', 'sign-by-stranger', 'junk', 'ask', 'gather', 'wait', 'leave-out', 'empty-tags', 'mend'];

const EMPTY_INDEX = JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [] });

/** What the registry leaves out at the moment; those who sign meet it whole. */
let left: Fault[] = [];

function leaveOut(...faults: Fault[]): void {
  left = faults;
  cluster.registry.clearFaults();
  for (const fault of faults) cluster.registry.fault(fault);
}

async function whole(work: () => Promise<void>): Promise<void> {
  const before = left;
  leaveOut();
  await work();
  leaveOut(...before);
}

async function happens(event: Event, image: Image, agent: Agent): Promise<void> {
  switch (event) {
    case 'sign':
      return whole(() => cluster.sign(image));
    case 'sign-as-before':
      return whole(() => cluster.sign(image, release, 'legacy'));
    case 'sign-by-stranger':
      return whole(() => cluster.sign(image, stranger));
    case 'junk': {
      const junk = buildReferrer({ artifactType: BUNDLE_MEDIA_TYPE, subject: image.descriptor, payload: utf8(`junk ${cluster.clock.now()}`) });
      return whole(async () => void (await pushArtifact(cluster.client, { registry: cluster.registry.host, repository: 'app' }, junk)));
    }
    case 'ask':
      await agent.judge(image.pinned, cluster.ask());
      return;
    case 'gather':
      await agent.gather(image.pinned);
      return;
    case 'wait':
      return cluster.clock.advance(6000);
    case 'leave-out':
      return leaveOut(...left, { path: '/referrers/', body: EMPTY_INDEX });
    case 'empty-tags':
      return leaveOut(...left, { path: /\/manifests\/sha256-[0-9a-f]+\.(?:sig|att)$/, status: 404 });
    case 'mend':
      return leaveOut();
  }
}

const summary = ({ action, outcome, code, message }: JudgedName): readonly string[] => [action, outcome, code, message];
/** Each is a dozen of requests over HTTP. */
const RUNS = 12;
const history = fc.array(fc.constantFrom(...EVENTS), { minLength: 1, maxLength: 8 });

describe('an agent, whatever happened before', () => {
  before(async () => {
    cluster = await Cluster.start();
  });
  after(() => cluster.close());

  it('decides by a registry that has lost nothing as one who never heard of the image, and as the command line does', async () => {
    await fc.assert(
      fc.asyncProperty(history, async (events) => {
        leaveOut();
        const image = await cluster.push();
        const agent = await cluster.started();
        for (const event of events) await happens(event, image, agent);
        leaveOut();
        cluster.clock.advance(6000);
        assert.ok(await agent.gather(image.pinned));
        const [old, fresh] = [await agent.judge(image.pinned, cluster.ask()), await (await cluster.started()).judge(image.pinned, cluster.ask())];
        assert.deepEqual(summary(old), summary(fresh));
        const { trust, policies } = agent.inForce() ?? assert.fail();
        const place = { namespace: 'shop' };
        const { decision, evidence } = await judgeImage({
          registry: cluster.client,
          reference: parseReference(image.pinned),
          trust,
          policies,
          place,
          now: cluster.clock.now(),
        });
        assert.deepEqual(summary(old), [decision.action, decision.outcome, decision.code, decision.message]);
        assert.equal(old.evidence, evidence);
        await agent.close();
      }),
      { numRuns: RUNS },
    );
  });

  it('never takes back an allowance because something was left out or added', async () => {
    await fc.assert(
      fc.asyncProperty(history, async (events) => {
        leaveOut();
        const image = await cluster.push();
        const agent = await cluster.started();
        let allowed = false;
        for (const event of events) {
          await happens(event, image, agent);
          const answer = await agent.judge(image.pinned, cluster.ask());
          assert.ok(!allowed || answer.action === 'allow', `${events.join(', ')}: at ${event}`);
          allowed = answer.action === 'allow';
        }
        leaveOut();
        await agent.close();
      }),
      { numRuns: RUNS },
    );
  });

  it('decides from memory, from the store after a new start, and from the registry alike, word for word', async () => {
    await fc.assert(
      fc.asyncProperty(history, async (events) => {
        leaveOut();
        const image = await cluster.push();
        const store = createMemoryStore();
        const agent = await cluster.started({ store });
        for (const event of events) await happens(event, image, agent);
        leaveOut();
        cluster.clock.advance(6000);
        assert.ok(await agent.gather(image.pinned));
        const warm = await agent.judgeHeld(image.pinned, cluster.ask());
        await agent.close();
        const again = await (await cluster.started({ store })).judgeHeld(image.pinned, cluster.ask());
        assert.deepEqual([summary(again), again.evidence], [summary(warm), warm.evidence]);
        assert.deepEqual(again.decision?.policies, warm.decision?.policies);
      }),
      { numRuns: RUNS },
    );
  });
});
