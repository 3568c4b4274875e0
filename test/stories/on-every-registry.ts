/** One story, told on each of the three registries. */
import { type TestContext, test } from 'node:test';
import { type Peer, requirePeers } from '../peers.ts';
import { REGISTRIES, type StoryRegistry } from './registries.ts';
import { Workshop } from './workshop.ts';

export interface Scene {
  readonly registry: StoryRegistry;
  readonly workshop: Workshop;
}

/** Without the programs that it needs, the story is skipped by name on a laptop and fails in CI. */
export function onEveryRegistry(what: string, peers: readonly Peer[], story: (t: TestContext, scene: Scene) => Promise<void>): void {
  for (const { name, peers: serving, start } of REGISTRIES) {
    test(`${what}, on ${name}`, async (t) => {
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
}

/** The same without a choice of registry: the one in memory, which has the referrers API. */
export function atWork(what: string, peers: readonly Peer[], story: (t: TestContext, workshop: Workshop) => Promise<void>): void {
  test(what, async (t) => {
    if (!requirePeers(t, ...peers)) return;
    const workshop = new Workshop();
    t.after(() => workshop.remove());
    await story(t, workshop);
  });
}
