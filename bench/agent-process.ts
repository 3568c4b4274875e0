/** The process of bench/agent.ts that is measured: an agent over a folder of evidence, told which images there are by the records in it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FolderStore } from '../src/clients/evidence/index.ts';
import { openRegistry } from '../src/clients/registry/index.ts';
import { Agent } from '../src/sdk/agent/index.ts';
import { median } from './interleaved.ts';

const [folder = '', now = '0'] = process.argv.slice(2);
const collect = (globalThis as unknown as { gc: () => void }).gc;
let state = 'before';
const members = async (): Promise<Map<string, Uint8Array>> =>
  new Map(readdirSync(join(folder, state)).map((name) => [name, new Uint8Array(readFileSync(join(folder, state, name)))]));
const store = new FolderStore(join(folder, 'store'));
const images = store.records('answers').map(({ key }) => key);
const clock = { now: () => Number(now), after: () => () => undefined, sleep: async () => undefined };
const agent = new Agent({
  trust: { from: 'configmap:bench/trust', root: (await members()).get('1.root.json') as Uint8Array, configMap: members },
  store,
  registry: openRegistry(),
  clock,
});
await agent.start();
const ask = { place: { namespace: 'shop' } };

/** Milliseconds of the processor since a moment: waiting for it counts for nobody. */
const cpuSince = (before: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
};
const pass = async (): Promise<number> => {
  const before = process.cpuUsage();
  for (const image of images) {
    const answer = await agent.judgeHeld(image, ask);
    if (answer.action !== 'allow') throw new Error(`an image of the benchmark is refused: ${answer.message}`);
  }
  return cpuSince(before);
};
const loadMs = await pass();
collect();
collect();
const residentMiB = process.memoryUsage.rss() / 1024 / 1024;
const after: number[] = [];
for (let i = 0; i < 9; i++) {
  if (i === 0) {
    state = 'after';
    await agent.updateTrust();
  }
  after.push(await pass());
}
const before = process.cpuUsage();
const warm = { ...ask, deadline: Number(now) + 5000, dryRun: true };
const ASKED = 100_000;
for (let i = 0; i < ASKED; i++) await agent.judge(images[i % images.length] as string, warm);
const warmPerSecond = ASKED / (cpuSince(before) / 1000);
console.log(JSON.stringify({ loadMs, residentMiB, againMs: median(after), warmPerSecond }));
await agent.close();
