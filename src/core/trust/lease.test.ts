import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leaseAt } from './lease.ts';

const state = {
  lease: { issuedAt: 1000, endsAt: 9000 },
  tiers: [
    { name: 'production', duration: 2000 },
    { name: 'edge', duration: 90_000 },
  ],
};

test('a lease ends with its tier, and never after the timestamp that gave it', () => {
  assert.deepEqual(leaseAt(state, 8999), { endsAt: 9000, live: true, age: 7999 });
  assert.equal(leaseAt(state, 9000).live, false);
  assert.deepEqual([leaseAt(state, 2999, 'production').live, leaseAt(state, 3000, 'production').live], [true, false]);
  assert.equal(leaseAt(state, 0, 'edge').endsAt, 9000);
  assert.equal(leaseAt(state, 0).age, 0);
  assert.throws(() => leaseAt(state, 0, 'none'), { code: 'ERR_CONFIG_INVALID' });
});
