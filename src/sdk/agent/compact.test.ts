import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { JsonValue } from '../../core/encoding/index.ts';
import { Compactor } from './compact.ts';

it('what is compacted says what it said', () => {
  const compactor = new Compactor();
  const named = fc.record({ names: fc.array(fc.string({ unit: 'binary' })), claims: fc.jsonValue(), at: fc.jsonValue() }, { noNullPrototype: true });
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), named), (value) => {
      const before = JSON.stringify(value);
      assert.deepEqual(compactor.compact(value as JsonValue), value);
      assert.equal(JSON.stringify(value), before, 'what came in is left alone');
    }),
  );
});

it('what repeats is there once, however much came between', () => {
  const compactor = new Compactor();
  const signer = (i: number) => ({ key: `key ${i}`, certificate: { names: ['https://ci.test/build.yml'], claims: { issuer: 'https://issuer.test' } } });
  const [a, b] = [compactor.compact(signer(1)), compactor.compact(signer(2))];
  assert.equal(a.certificate.names, b.certificate.names);
  assert.equal(a.certificate.claims, b.certificate.claims);
  for (let i = 0; i < 30_000; i++) compactor.compact({ key: `other ${i}`, names: [`${i}`] });
  assert.deepEqual(compactor.compact(signer(3)), signer(3));
});
