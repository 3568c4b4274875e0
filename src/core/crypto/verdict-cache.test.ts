import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createVerdictCache } from './index.ts';

it('a verdict cache keeps what was used last, and no more than its limit', () => {
  const cache = createVerdictCache(2);
  assert.equal(cache.has('a'), false);
  cache.add('a');
  cache.add('b');
  assert.ok(cache.has('a'));
  cache.add('c');
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => cache.has(key)),
    [true, false, true],
  );
  cache.add('c');
  assert.ok(cache.has('a'));
});
