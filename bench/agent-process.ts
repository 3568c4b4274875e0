/** The process of bench/agent.ts that is measured: an agent over a folder of evidence, told which images there are by the records in it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FolderStore } from '../src/clients/evidence/index.ts';
import { openRegistry } from '../src/clients/registry/index.ts';
import { Agent } from '../src/sdk/index.ts';
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

const pass = async (): Promise<number> => {
  const start = performance.now();
  for (const image of images) {
    const answer = await agent.judgeHeld(image, ask);
    if (answer.action !== 'allow') throw new Error(`an image of the benchmark is refused: ${answer.message}`);
  }
  return performance.now() - start;
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
const start = performance.now();
let asked = 0;
while (performance.now() - start < 2000)
  for (let i = 0; i < 100; i++, asked++) await agent.judge(images[asked % images.length] as string, { ...ask, deadline: Number(now) + 5000, dryRun: true });
const warmPerSecond = asked / ((performance.now() - start) / 1000);
console.log(JSON.stringify({ loadMs, residentMiB, againMs: median(after), warmPerSecond }));
await agent.close();
