/** What went wrong in admission webhooks of this field, each by its name, asked of ours over TLS with a real agent and a real registry behind it. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '../../src/core/encoding/index.ts';
import { judgeOf, letIn, pod, reviewOf, startWebhook, type TestWebhook } from '../admission.ts';
import { Cluster, type Image } from '../agents.ts';

let cluster: Cluster;
/** Within each group: at the top of a file they would hold for the tests of every other file as well. */
function eachAnew(): void {
  beforeEach(async () => {
    cluster = await Cluster.start();
  });
  afterEach(() => cluster.close());
}

const allowed = async (webhook: TestWebhook, object: JsonObject, more: JsonObject = {}): Promise<unknown> =>
  (await webhook.ask(reviewOf(object, more))).response['allowed'];
const pins = async (webhook: TestWebhook, image: Image): Promise<string | undefined> => {
  const { response } = await webhook.ask(reviewOf(pod(image.tagged)), { path: '/mutate' });
  if (!('patch' in response)) return undefined;
  return (JSON.parse(Buffer.from(response['patch'] as string, 'base64').toString()) as { readonly value: string }[])[1]?.value;
};
/** Another image under the tag v1. */
const movedTag = async (): Promise<Image> => {
  await cluster.push('app-other');
  return cluster.push('app', 'v1');
};
const spec = (object: JsonObject, more: JsonObject): JsonObject => ({ ...object, spec: { ...(object['spec'] as JsonObject), ...more } });

describe('admission', () => {
  eachAnew();

  it('CVE-2026-122321: a tag that moved after it was warmed is verified again, and what is pinned is what was verified', async (t) => {
    const webhook = await startWebhook(t, await cluster.started());
    const good = await cluster.push('app', 'v1');
    await cluster.sign(good);
    assert.equal(await pins(webhook, good), `${good.tagged}@${good.digest}`);
    const moved = await movedTag();
    assert.notEqual(moved.digest, good.digest);
    cluster.clock.advance(60_000);
    assert.equal(await pins(webhook, moved), undefined);
    assert.equal(await allowed(webhook, pod(moved.tagged)), false);
    assert.equal(await allowed(webhook, pod(good.pinned)), true);
  });

  it('CVE-2022-47633, CVE-2023-47630: whatever the registry says when, the digest that is pinned is one that was verified', async (t) => {
    const webhook = await startWebhook(t, await cluster.started());
    const good = await cluster.push('app', 'v1');
    await cluster.sign(good);
    const pinned = await pins(webhook, good);
    // Another image takes the tag between the two webhooks.
    assert.notEqual((await movedTag()).digest, good.digest);
    assert.equal(await allowed(webhook, pod(pinned ?? '')), true, 'the digest decides');
    assert.equal(pinned, `${good.tagged}@${good.digest}`);
  });

  it('kyverno 16275, ratify, portieris, policy-controller: init and ephemeral containers and image volumes count', async (t) => {
    const [good, bad] = [await cluster.push(), await cluster.push()];
    await cluster.sign(good);
    const webhook = await startWebhook(t, await cluster.started());
    const plain = pod(good.pinned);
    const places: readonly JsonObject[] = [
      { initContainers: [{ name: 'i', image: bad.pinned }] },
      { ephemeralContainers: [{ name: 'e', image: bad.pinned }] },
      { volumes: [{ name: 'v', image: { reference: bad.pinned } }] },
    ];
    assert.equal(await allowed(webhook, plain), true);
    for (const place of places) {
      assert.equal(await allowed(webhook, spec(plain, place)), false, JSON.stringify(place));
      assert.equal(await allowed(webhook, spec(plain, place), { operation: 'UPDATE', oldObject: plain, subResource: 'ephemeralcontainers' }), false);
    }
  });

  it('kyverno c437b48cab, 2aa25c1c9a, 5cb31abdd2, 18349a646d: of ten images one is unsigned, wherever it stands', async (t) => {
    const images = await Promise.all(Array.from({ length: 10 }, (_, i) => cluster.push(`app-${i}`)));
    for (const image of images.slice(0, 9)) await cluster.sign(image);
    const webhook = await startWebhook(t, await cluster.started());
    assert.equal(await allowed(webhook, pod(...images.slice(0, 9).map(({ pinned }) => pinned))), true);
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(images, { minLength: 10, maxLength: 10 }), async (order) => {
        assert.equal(await allowed(webhook, pod(...order.map(({ pinned }) => pinned))), false);
      }),
      { numRuns: 20 },
    );
  });

  it('kyverno 0b4d37bd87, CVE-2026-44310: an error at whatever stage denies, and so does an object without images', async (t) => {
    const boom = (): never => {
      throw new TypeError('undefined is not a function');
    };
    const stages: readonly Parameters<typeof startWebhook>[1][] = [
      { ...judgeOf(letIn), judge: boom },
      { ...judgeOf(letIn), judge: async () => boom() },
      { ...judgeOf(letIn), inForce: boom },
      judgeOf(() => new Proxy({} as ReturnType<typeof letIn>, { get: (_, key) => (key === 'then' ? undefined : boom()) })),
    ];
    const image = `r.example/a@sha256:${'a'.repeat(64)}`;
    for (const judge of stages) assert.equal(await allowed(await startWebhook(t, judge), pod(image)), false);
    const record = { decisions: { record: boom, lost: 0, journal: {} } as never, mode: 'strict' } as const;
    assert.equal(await allowed(await startWebhook(t, judgeOf(letIn), { log: record }), pod(image)), false);
    const labels = await startWebhook(t, judgeOf(letIn), { labelsOf: boom });
    assert.equal(await allowed(labels, pod(image)), false, 'CVE-2025-46342: a lookup of the namespace that fails');
    const fine = await startWebhook(t, judgeOf(letIn));
    assert.equal(await allowed(fine, pod(image)), true);
    for (const empty of [{}, { spec: {} }, { spec: { containers: [] } }, { spec: { containers: [{ name: 'a' }] } }])
      assert.equal(await allowed(fine, empty), false);
  });

  it('CVE-2023-34091, policy-controller: a terminating object, and one with fewer replicas, is looked at when its image changes', async (t) => {
    const [good, bad] = [await cluster.push(), await cluster.push()];
    await cluster.sign(good);
    const webhook = await startWebhook(t, await cluster.started());
    const terminating = { ...pod(bad.pinned), metadata: { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['a/b'] } };
    assert.equal(await allowed(webhook, terminating, { operation: 'UPDATE', oldObject: pod(good.pinned) }), false);
    const scaled = { spec: { replicas: 0, template: pod(bad.pinned) } };
    const kind = { group: 'apps', version: 'v1', kind: 'Deployment' };
    assert.equal(await allowed(webhook, scaled, { operation: 'UPDATE', oldObject: { spec: { replicas: 3, template: pod(good.pinned) } }, kind }), false);
  });

  it('kyverno 51083229bc: the second answer is the first, cold and warm', async (t) => {
    const [good, bad] = [await cluster.push(), await cluster.push()];
    await cluster.sign(good);
    const webhook = await startWebhook(t, await cluster.started());
    const both = [pod(good.pinned), pod(bad.pinned), pod(good.tagged)];
    const told = () => Promise.all(both.map(async (object) => (await webhook.ask(reviewOf(object))).text));
    const cold = await told();
    assert.deepEqual([await told(), await told()], [cold, cold]);
  });

  it('CVE-2026-22039 and others: an image whose registry nobody allowed, or which is an address inside, is not asked for', async (t) => {
    const agent = await cluster.started({ registries: ['registry.example'] });
    const webhook = await startWebhook(t, agent);
    for (const image of [
      '169.254.169.254/latest/meta-data:v1',
      '127.0.0.1:1/a:v1',
      'localhost/a:v1',
      `${cluster.registry.host}/app:v1`,
      'oci:/etc/passwd',
      '[::1]:80/a:v1',
    ]) {
      assert.equal(await allowed(webhook, pod(image)), false, image);
    }
    assert.equal(cluster.registry.count(''), 0);
  });

  it('an image with a name as long as an object may be is refused with the reason, and so is one that cannot be printed', async (t) => {
    const webhook = await startWebhook(t, await cluster.started());
    for (const name of ['a', '/a', ':a', '@', '\u202e\u0000', '\u{1f600}', ' ']) {
      const { response } = await webhook.ask(reviewOf(pod(`r.example/${name.repeat(Math.floor(1_000_000 / name.length))}`)));
      const { message, code } = response['status'] as { readonly message: string; readonly code: number };
      assert.deepEqual([response['allowed'], code], [false, 403], name);
      assert.match(message, /may not run: An image reference or a digest is not well formed/, JSON.stringify(name));
      assert.ok(message.length <= 2048 && !/\p{C}/u.test(message), JSON.stringify(name));
    }
  });
});
