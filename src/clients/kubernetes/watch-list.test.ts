import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { loopbackForTests } from '../../../test/loopback.ts';
import type { JsonObject } from '../../core/encoding/index.ts';
import type { SealwardError } from '../../core/errors.ts';
import { FixedClock } from '../../testing/index.ts';
import { type Change, type ClusterObject, KubernetesClient, RESOURCES, WatchList } from './index.ts';

const loopback = loopbackForTests();
const pod = (name: string, resourceVersion: string, uid = `uid-${name}`): JsonObject => ({ metadata: { name, namespace: 'shop', uid, resourceVersion } });
const list = (resourceVersion: string, ...items: JsonObject[]): string => JSON.stringify({ metadata: { resourceVersion }, items });
const event = (type: string, object: JsonObject): string => `${JSON.stringify({ type, object })}\n`;

type Answer = (response: ServerResponse) => void;

interface Scene {
  readonly held: WatchList<string>;
  readonly told: string[];
  readonly problems: SealwardError[];
  readonly clock: FixedClock;
  /** The next request is answered so; resolves when it has come, with its resourceVersion or "list". */
  readonly next: (answer: Answer) => Promise<string>;
  /** Resolves with the next n changes. */
  readonly changes: (count: number) => Promise<string[]>;
}

/** A watch list over a server that answers as the test says, request by request. */
function scene(t: TestContext, keep: (object: ClusterObject) => string = ({ resourceVersion }) => resourceVersion): Scene {
  const clock = new FixedClock({ skipSleep: true });
  const waiting: { answer: Answer; came: (what: string) => void }[] = [];
  const parked: { what: string; response: ServerResponse }[] = [];
  const pair = (): void => {
    while (waiting.length > 0 && parked.length > 0) {
      const { answer, came } = waiting.shift() as (typeof waiting)[0];
      const { what, response } = parked.shift() as (typeof parked)[0];
      answer(response);
      came(what);
    }
  };
  loopback.listener = (request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://x');
    parked.push({ what: searchParams.get('watch') === null ? 'list' : (searchParams.get('resourceVersion') ?? ''), response });
    pair();
  };
  const told: string[] = [];
  const problems: SealwardError[] = [];
  let look = (): void => {};
  const client = new KubernetesClient({ server: new URL(`http://127.0.0.1:${loopback.port}`), tls: {} }, { clock, random: () => 0 });
  const tell = (change: Change<string>): void => {
    told.push(`${change.type} ${change.key} ${change.type === 'removed' ? '' : change.value}`.trim());
    look();
  };
  const held = new WatchList(client, RESOURCES.pods, { keep, changed: tell, report: (problem) => void problems.push(problem), watchSeconds: 60 });
  t.after(async () => {
    await held.close();
    client.close();
  });
  return {
    held,
    told,
    problems,
    clock,
    next: (answer) =>
      new Promise((came) => {
        waiting.push({ answer, came });
        pair();
      }),
    changes: (count) =>
      new Promise((resolve) => {
        look = () => told.length >= count && resolve(told.splice(0, count));
        look();
      }),
  };
}

const says =
  (text: string, end = true): Answer =>
  (response) => {
    response.write(text);
    if (end) response.end();
  };
const refuses =
  (code: number): Answer =>
  (response) =>
    void response.writeHead(code).end(JSON.stringify({ kind: 'Status', code, message: 'no' }));

test('a list, then watches that go on from the last event or bookmark', async (t) => {
  const { held, next, changes } = scene(t);
  assert.equal(held.isSynced, false);
  assert.equal(await next(says(list('5', pod('a', '3'), pod('b', '4')))), 'list');
  await held.synced;
  assert.deepEqual(await changes(2), ['added shop/a 3', 'added shop/b 4']);
  assert.equal(await next(says(event('MODIFIED', pod('a', '6')) + event('DELETED', pod('b', '7')) + event('ADDED', pod('c', '8')))), '5');
  assert.deepEqual(await changes(3), ['changed shop/a 6', 'removed shop/b', 'added shop/c 8']);
  assert.equal(await next(says(event('BOOKMARK', { metadata: { resourceVersion: '20' } }))), '8', 'goes on from the last event');
  assert.equal(await next(says(event('ADDED', pod('d', '21')).slice(0, -3))), '20', 'goes on from the bookmark');
  assert.equal(await next(says(event('ADDED', pod('d', '21')))), '20', 'half a line was no event');
  assert.deepEqual(await changes(1), ['added shop/d 21']);
  assert.deepEqual(
    [...held.entries()],
    [
      ['shop/a', '6'],
      ['shop/c', '8'],
      ['shop/d', '21'],
    ],
  );
});

for (const [what, answer] of [
  ['by its status', refuses(410)],
  ['in the middle of a watch', says(event('ADDED', pod('x', '6')) + event('ERROR', { kind: 'Status', code: 410, message: 'too old' }))],
] as const) {
  test(`a version that is too old, told ${what}: listed again, and what went meanwhile is told`, async (t) => {
    const { held, next, changes, problems } = scene(t);
    await next(says(list('5', pod('a', '3'), pod('b', '4'), pod('c', '5'))));
    await changes(3);
    await next(answer);
    assert.equal(await next(says(list('90', pod('a', '3'), pod('b', '70', 'another')))), 'list');
    const gone = what === 'by its status' ? [] : ['added shop/x 6'];
    const after = ['removed shop/b', 'removed shop/c', ...(gone.length ? ['removed shop/x'] : []), 'added shop/b 70'];
    assert.deepEqual(await changes(gone.length + after.length), [...gone, ...after], 'one that was made again under its name is another one');
    assert.equal(held.size, 2);
    assert.deepEqual(problems, [], 'which is as it should be, and no problem');
  });
}

test('a server that is away, or talks nonsense, is asked again; what is held stays', async (t) => {
  const { held, next, changes, problems, clock } = scene(t);
  await next(refuses(403));
  await next(says(list('5', pod('a', '3'))));
  await changes(1);
  const began = clock.now();
  assert.equal(await next((response) => response.socket?.destroy()), '5');
  assert.equal(await next(refuses(500)), '5', 'an outage: the watch goes on where it was');
  assert.equal(held.get('shop/a'), '3');
  assert.ok(clock.now() - began >= 400, 'it waits between');
  assert.equal(await next(says('nonsense\n')), '5');
  assert.equal(await next(says(list('8', pod('a', '7')))), 'list', 'nonsense: nobody knows what was missed');
  assert.deepEqual(await changes(1), ['changed shop/a 7']);
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['ERR_CLUSTER_DENIED', 'ERR_CLUSTER_UNAVAILABLE', 'ERR_CLUSTER_UNAVAILABLE', 'ERR_CLUSTER_ANSWER'],
  );
});

test('a watch may say nothing for as long as it lasts, and is given up half a minute after that', async (t) => {
  const { held, next, changes, problems, clock } = scene(t);
  await next(says(list('5')));
  await held.synced;
  let open: ServerResponse | undefined;
  await next((response) => {
    open = response;
    response.writeHead(200).flushHeaders();
  });
  clock.advance(44_000); // 45 s with this randomness, and the least rate of other bodies would have been 20
  open?.write(event('ADDED', pod('a', '6')));
  assert.deepEqual(await changes(1), ['added shop/a 6']);
  const again = next(says(event('ADDED', pod('b', '7'))));
  clock.advance(31_000);
  assert.equal(await again, '6');
  await changes(1);
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['ERR_DEADLINE'],
  );
});

test('what cannot be kept is told, not kept, and stops nothing', async (t) => {
  const { held, next, changes, problems } = scene(t, ({ name, resourceVersion }) => {
    if (name === 'bad') throw new Error('no such thing');
    return resourceVersion;
  });
  await next(says(list('5', pod('bad', '3'), pod('a', '4'))));
  await next(says(event('MODIFIED', pod('bad', '6')) + event('MODIFIED', pod('a', '7'))));
  assert.deepEqual(await changes(2), ['added shop/a 4', 'changed shop/a 7']);
  assert.deepEqual([problems.length, held.size, problems[0]?.code], [2, 1, 'ERR_INVARIANT']);
});

test('after an hour of watches that miss nothing it lists again all the same', async (t) => {
  const { next, changes, clock } = scene(t);
  const quiet: Answer = (response) => response.writeHead(200).flushHeaders();
  await next(says(list('5', pod('a', '3'))));
  await changes(1);
  assert.equal(await next(quiet), '5');
  const soon = next(quiet);
  clock.advance(1_800_000);
  assert.equal(await soon, '5');
  const late = next(says(list('9', pod('a', '8'))));
  clock.advance(1_800_000);
  assert.equal(await late, 'list', 'a server that was restored would have told it nothing');
  assert.deepEqual(await changes(1), ['changed shop/a 8']);
});
