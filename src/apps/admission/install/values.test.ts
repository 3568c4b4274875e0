import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chartFiles } from './chart-files.ts';
import { valuesSchema } from './chart.ts';
import { parseValues, withValue } from './values.ts';

const SCHEMA = valuesSchema(chartFiles());

test('values are read from YAML, and single ones set by their path, text as it was written', () => {
  const values = parseValues('trust: {from: a, tier: prod}\nreplicas: 2\n', 'values.yaml');
  const set = ['trust.from=https://trust.example/a=b', 'replicas=3', 'webhooks.enabled=false', 'image.tag=20261127', 'cluster=007'].reduce(
    (before, assignment) => withValue(before, assignment, SCHEMA),
    values,
  );
  assert.deepEqual(set, {
    trust: { from: 'https://trust.example/a=b', tier: 'prod' },
    replicas: 3,
    webhooks: { enabled: false },
    image: { tag: '20261127' },
    cluster: '007',
  });
  assert.deepEqual(values, { trust: { from: 'a', tier: 'prod' }, replicas: 2 }, 'the values themselves stay');
  assert.deepEqual(parseValues('', 'empty.yaml'), {});
});

test('what is no map, no YAML or no assignment is refused by name', () => {
  assert.throws(() => parseValues('- a', 'x.yaml'), { code: 'ERR_CONFIG_INVALID', message: '"x.yaml" is no map of values' });
  assert.throws(() => parseValues('a: [', 'x.yaml'), { code: 'ERR_CONFIG_INVALID', message: /"x\.yaml" is no YAML/ });
  assert.throws(() => parseValues('a: 1\na: 2', 'x.yaml'), { code: 'ERR_CONFIG_INVALID', message: /unique/ });
  for (const wrong of ['trust.from', '=a', 'a..b=c', 'list[0]=a', '__proto__.x=1'])
    assert.throws(() => withValue({}, wrong, SCHEMA), { code: 'ERR_USAGE' }, wrong);
});
