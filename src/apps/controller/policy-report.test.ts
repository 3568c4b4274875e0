import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerOf, podObject } from '../../../test/running.ts';
import type { JsonObject } from '../../core/encoding/index.ts';
import type { JudgedName } from '../../sdk/agent/index.ts';
import type { Held } from './inventory.ts';
import { inventoryJson } from './inventory-json.ts';
import { composeReport } from './policy-report.ts';
import { readRunningPod } from './running-pod.ts';

const name = (letter: string): string => `r.example/app@sha256:${letter.repeat(64)}`;
const held = (letter: string, judged: JudgedName | undefined, pods = ['p'], owner?: string): Held => ({
  namespace: 'shop',
  name: name(letter),
  pods: new Map(pods.map((pod) => [`shop/${pod}`, readRunningPod(podObject(pod, [name(letter)], owner === undefined ? {} : { owner }))])),
  ...(judged ? { judged } : {}),
  confirmed: true,
  judgedAt: 5_000_000,
  changedAt: 4_000_000,
  inVain: 0,
});
const results = (report: JsonObject | undefined): JsonObject[] => (report?.['results'] ?? []) as JsonObject[];

test('each image and policy has its result, and the owners of what runs', () => {
  const report = composeReport('shop', [
    held('a', answerOf(name('a'), 'verified', 'VERIFIED'), ['p', 'q'], 'web'),
    held('b', answerOf(name('b'), 'rejected', 'NO_SIGNATURE')),
    held('c', answerOf(name('c'), 'inconclusive', 'ERR_DEADLINE')),
    held('d', undefined),
  ]);
  assert.deepEqual(report?.['summary'], { pass: 1, fail: 1, warn: 0, error: 1, skip: 0 });
  assert.deepEqual(
    results(report).map(({ result, policy, rule, severity }) => [result, policy, rule, severity]),
    [
      ['fail', 'signed', 'NO_SIGNATURE', 'high'],
      ['error', 'signed', 'ERR_DEADLINE', 'medium'],
      ['pass', 'signed', 'VERIFIED', 'info'],
    ],
    'what is wrong comes first',
  );
  const pass = results(report)[2];
  assert.deepEqual(pass?.['resources'], [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'uid-web', namespace: 'shop' }]);
  assert.deepEqual(
    pass['timestamp'],
    { seconds: 4000, nanos: 0 },
    'since when it is so: a report that says when it was looked at would be written without end',
  );
  assert.equal(composeReport('shop', [held('d', undefined)]), undefined);
});

test('what no policy speaks of is said all the same', () => {
  const denied: JudgedName = { ...answerOf(name('a'), 'verified', 'VERIFIED'), outcome: 'rejected', code: 'DENIED', action: 'deny' };
  const report = composeReport('shop', [held('a', denied)]);
  assert.deepEqual(
    results(report).map(({ policy, rule, result }) => [policy, rule, result]),
    [
      ['sealward', 'DENIED', 'fail'],
      ['signed', 'VERIFIED', 'pass'],
    ],
  );
});

test('its size is bounded, and what is cut is counted and is what is well', () => {
  const many = Array.from({ length: 700 }, (_, i): Held => {
    const image = `r.example/app${i}@sha256:${'a'.repeat(64)}`;
    const judged = i % 100 === 7 ? answerOf(image, 'rejected', 'NO_SIGNATURE') : answerOf(image, 'verified', 'VERIFIED');
    return { ...held('a', { ...judged, message: 'x'.repeat(5000) }), name: image };
  });
  const report = composeReport('shop', many);
  assert.equal(results(report).length, 500);
  assert.equal(results(report).filter(({ result }) => result === 'fail').length, 7);
  assert.deepEqual(report?.['summary'], { pass: 693, fail: 7, warn: 0, error: 0, skip: 0 });
  assert.equal(((report['metadata'] as JsonObject)['annotations'] as JsonObject)['sealward.dev/results-left-out'], '200');
  assert.ok(JSON.stringify(report).length < 1_400_000);
});

test('its bytes are bounded, whatever letters and names strangers choose: a report that cannot be written hides what it would say', () => {
  const long = 'ß'.repeat(253);
  const many = Array.from({ length: 400 }, (_, i): Held => {
    const image = `r.example/${i}${'🎼'.repeat(250)}`;
    const pods = Array.from({ length: 10 }, (__, at) => readRunningPod(podObject(`p${at}`, [image], { owner: `${at}${long}` })));
    const judged = { ...answerOf(image, i % 2 === 0 ? 'rejected' : 'verified', i % 2 === 0 ? 'NO_SIGNATURE' : 'VERIFIED'), message: '語'.repeat(5000) };
    return { ...held('a', judged), name: image, pods: new Map(pods.map((pod) => [`shop/${pod.name}`, pod])) };
  });
  const report = composeReport('shop', many);
  assert.ok(Buffer.byteLength(JSON.stringify(report)) < 1_100_000);
  assert.ok(results(report).length > 50 && results(report).every(({ result }) => result === 'fail'));
  const { annotations } = (report as JsonObject)['metadata'] as JsonObject;
  assert.equal((annotations as JsonObject)['sealward.dev/results-left-out'], String(400 - results(report).length));
});

test('names of strangers are shown as one line', () => {
  const report = composeReport('shop', [held('a', { ...answerOf(name('a'), 'rejected', 'NO_SIGNATURE'), message: 'evil\n\u001b[2J\u202Ename' })]);
  assert.equal(results(report)[0]?.['message'], 'evil [2J name');
});

test('the inventory says which digests run where, and until when that holds', () => {
  const json = inventoryJson([held('a', answerOf(name('a'), 'verified', 'VERIFIED', 9_000_000), ['q', 'p'])], 6_000_000);
  const [digest] = json['digests'] as JsonObject[];
  assert.equal(digest?.['digest'], `sha256:${'a'.repeat(64)}`);
  const [run] = digest['runs'] as JsonObject[];
  assert.deepEqual(
    [run?.['namespace'], run?.['pods'], run?.['podNames'], run?.['outcome'], run?.['until']],
    ['shop', 2, ['p', 'q'], 'verified', '1970-01-01T02:30:00.000Z'],
  );
});
