/** One story, told on each of the three registries. */
import { describe, type TestContext, test } from 'node:test';
import { type Peer, requirePeers } from '../peers.ts';
import { REGISTRIES, type StoryRegistry } from './registries.ts';
import { Workshop } from './workshop.ts';

export interface Scene {
  readonly registry: StoryRegistry;
  readonly workshop: Workshop;
}

export type Story = (t: TestContext, scene: Scene) => Promise<void>;

/** Without the programs that it needs, the story is skipped by name on a laptop and fails in CI. */
export function onEveryRegistry(what: string, peers: readonly Peer[], story: Story, registries = REGISTRIES): void {
  // Side by side, because most of the time is spent in programs of one thread.
  describe(what, { concurrency: registries.length }, () => {
    for (const { name, peers: serving, start } of registries) {
      test(`on ${name}`, async (t) => {
        if (!requirePeers(t, ...serving, ...peers)) return;
        const registry = await start();
        const workshop = new Workshop();
        t.after(async () => {
          workshop.remove();
          await registry.stop();
        });
        await story(t, { registry, workshop });
      });
    }
  });
}

/** Those without the referrers API, where all signatures of an image stand in one index. */
export function onFallbackRegistries(what: string, peers: readonly Peer[], story: Story): void {
  const without = REGISTRIES.filter(({ referrersApi }) => !referrersApi);
  onEveryRegistry(what, peers, story, without);
}

/** The same without a registry, or with one that the story starts itself. */
export function atWork(what: string, peers: readonly Peer[], story: (t: TestContext, workshop: Workshop) => Promise<void>): void {
  test(what, async (t) => {
    if (!requirePeers(t, ...peers)) return;
    const workshop = new Workshop();
    t.after(() => workshop.remove());
    await story(t, workshop);
  });
}
