import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Histogram, Registry } from 'prom-client';
import { tallies, Times } from './tallies.ts';

const BOUNDS = [0.001, 0.5, 1, 10];
const lines = (text: string): string[] => text.split('\n').sort();
const sorted = (line: string): string => line.replace(/\{(.*)\}/, (_, labels: string) => `{${labels.split(',').sort().join(',')}}`);

test('times are told as prom-client tells them', async () => {
  const seconds = fc.oneof(fc.constantFrom(0, ...BOUNDS), fc.double({ min: 0, max: 20, noNaN: true }));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.constantFrom('read', 'judge'), seconds), { maxLength: 30 }), async (taken) => {
      const registry = new Registry();
      const options = { name: 'seconds', help: 'How long', bounds: BOUNDS, stages: ['read', 'judge'] };
      const theirs = new Histogram({ ...options, labelNames: ['stage'], buckets: BOUNDS, registers: [registry] });
      const ours = new Times(options);
      for (const stage of options.stages) theirs.zero({ stage });
      for (const [stage, took] of taken) {
        theirs.observe({ stage }, took);
        ours.observe(stage, took);
      }
      assert.deepEqual(lines(ours.text()).map(sorted), lines((await registry.metrics()).trimEnd()).map(sorted));
    }),
    { numRuns: 50 },
  );
});

test('what was counted is told whenever somebody asks, and once', async () => {
  const registry = new Registry();
  const counter = tallies({ name: 'answers_total', help: 'Answers', labelNames: ['outcome'], registers: [registry] });
  const [yes, no] = [counter({ outcome: 'yes' }), counter({ outcome: 'no' })];
  yes.count += 2;
  for (let i = 0; i < 2; i++) assert.match(await registry.metrics(), /^answers_total\{outcome="yes"\} 2\nanswers_total\{outcome="no"\} 0$/m);
  no.count++;
  assert.match(await registry.metrics(), /^answers_total\{outcome="no"\} 1$/m);
});
