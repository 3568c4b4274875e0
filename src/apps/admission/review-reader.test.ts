import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pod, reviewOf } from '../../../test/admission.ts';
import { type JsonObject, utf8 } from '../../core/encoding/index.ts';
import { Deadline } from './deadline.ts';
import { createReviewReader } from './review-reader.ts';

const large = (object: JsonObject): Uint8Array => utf8(JSON.stringify(reviewOf({ ...object, metadata: { annotations: { big: 'x'.repeat(5_000_000) } } })));

test('large reviews wait for a thread only as long as somebody waits for them, and nothing of them is held twice meanwhile', async (t) => {
  const reader = createReviewReader({ custom: new Map(), isServed: true }, 1);
  t.after(() => reader.close());
  const [patient, over] = [new Deadline(30_000, 0), new Deadline(0, 0)];
  t.after(() => patient.end());
  await new Promise<void>((resolve) => void over.onExpiry(resolve));
  const bytes = large(pod('r.example/a:1'));
  const before = process.memoryUsage().arrayBuffers;
  const first = reader.read(bytes, patient);
  const late = Array.from({ length: 20 }, async () => reader.read(bytes, over));
  const last = reader.read(large(pod('r.example/b:1')), patient);
  assert.ok(process.memoryUsage().arrayBuffers - before < 4 * bytes.length);
  for (const one of late) await assert.rejects(one, { code: 'ERR_DEADLINE' });
  for (const [read, image] of [
    [first, 'r.example/a:1'],
    [last, 'r.example/b:1'],
  ] as const)
    assert.deepEqual((await read).images, [{ path: 'spec.containers[0].image', image, name: 'c0' }]);
});
