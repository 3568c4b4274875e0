/**
 * A registry that fails at each request in turn, in each of several ways, while something is written: the answer is a
 * coded error or all is there, verifiers see what was there before or whole signatures, and the same again succeeds.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SealwardError } from '../../src/core/errors.ts';
import { type Fault, MemoryRegistry } from '../../src/testing/index.ts';
import { type Prepared, prepareCopy, VERBS } from './verbs.ts';
import { visible, withClient } from './visible.ts';
import { assertWhole } from './whole.ts';

const TORTURE = Boolean(process.env['SEALWARD_TORTURE']);

interface Failure {
  readonly name: string;
  readonly fault: Partial<Fault>;
  /** Whether nothing may succeed with it; where one answer only is bad, a second try may be all that is needed. */
  readonly fatal?: boolean;
}

const FAILURES: readonly Failure[] = [
  { name: 'status 500 from there on', fault: { status: 500 }, fatal: true },
  { name: 'the connection dropped before the request is carried out, from there on', fault: { drop: 'before' }, fatal: true },
  { name: 'carried out, but the connection dropped before the answer', fault: { drop: 'after', times: 1 } },
  { name: 'other bytes', fault: { body: (real) => real.map((byte, at) => (at === real.length >> 1 ? byte ^ 1 : byte)), times: 1 } },
  { name: 'told to wait for an hour', fault: { status: 429, headers: { 'retry-after': '3600' }, times: 1 }, fatal: true },
  { name: 'status 500 once', fault: { status: 500, times: 1 }, fatal: true },
];

/** All of them at every request when there is time; otherwise one, and another one at the next request and for the next verb. */
function failuresAt(k: number): readonly Failure[] {
  return TORTURE ? FAILURES : FAILURES.filter((_, at) => (at + k) % FAILURES.length === 0);
}

async function attempt({ run }: Prepared, { fatal, name }: Failure, k: number): Promise<'done' | SealwardError> {
  try {
    await withClient(run);
  } catch (error) {
    assert.ok(error instanceof SealwardError && error.family !== 'InternalError', `request ${k}, ${name}: ${String((error as Error).stack)}`);
    return error;
  }
  assert.ok(!fatal, `request ${k}, ${name}: nothing was noticed`);
  return 'done';
}

async function seen({ images, signers }: Prepared): Promise<readonly (readonly string[])[]> {
  return Promise.all(images.map((image) => visible(image, signers)));
}

for (const referrersApi of [true, false]) {
  const where = `${referrersApi ? 'with' : 'without'} the referrers API`;
  for (const [turn, verb] of VERBS.entries()) {
    // Without much time each verb meets one kind of registry, and the next verb the other.
    if (!TORTURE && turn % 2 === (referrersApi ? 0 : 1)) continue;
    test(`${verb.name}, a failure at each request, ${where}`, async (t) => {
      const registry = await MemoryRegistry.start({ referrersApi });
      t.after(() => registry.close());
      const clean = await verb.prepare(registry, 'clean');
      const before = await seen(clean);
      registry.forget();
      await withClient(clean.run);
      const requests = registry.journal.length;
      assert.ok(requests >= 6, `only ${requests} requests`);
      const complete = await seen(clean);
      assert.notDeepEqual(complete, before);
      let errors = 0;
      for (let k = 0; k < requests; k++) {
        for (const [at, failure] of failuresAt(k + turn + (referrersApi ? 0 : 3)).entries()) {
          const name = `app${k}-${at}`;
          const prepared = await verb.prepare(registry, name);
          registry.fault({ path: `/${name}/`, skip: k, ...failure.fault });
          const outcome = await attempt(prepared, failure, k);
          registry.clearFaults();
          if (outcome !== 'done') errors++;
          const said = `request ${k}, ${failure.name}: ${String(outcome)}`;
          assertWhole(registry, name);
          const now = await seen(prepared);
          // What counted before still does, and nothing counts that a whole run would not have made.
          now.forEach((one, i) => {
            for (const old of before[i] ?? []) assert.ok(one.includes(old), `${said}: ${old} is gone`);
            for (const item of one) assert.ok(complete[i]?.includes(item), `${said}: ${item} came from nowhere`);
          });
          if (outcome === 'done') assert.deepEqual(now, complete, said);
          if (verb.several && now[0]?.length) assert.deepEqual(now, complete, `${said}: the index is signed before what it lists`);
          await withClient(prepared.run);
          assert.deepEqual(await seen(prepared), complete, `${said}; the second time`);
          assertWhole(registry, name);
        }
      }
      assert.ok(errors * 2 >= requests, `${errors} errors at ${requests} requests`);
    });
  }
}

const COPIES = [
  { from: true, to: true },
  { from: true, to: false },
  { from: false, to: true },
] as const;

for (const { from, to } of COPIES) {
  test(`copy, a failure at each request, ${from ? 'from' : 'not from'} a registry with the referrers API ${to ? 'to one' : 'to one without'}`, async (t) => {
    const source = await MemoryRegistry.start({ referrersApi: from });
    const destination = await MemoryRegistry.start({ referrersApi: to });
    t.after(() => Promise.all([source.close(), destination.close()]));
    const clean = await prepareCopy(source, destination, 'clean', 'clean');
    assert.deepEqual(await seen(clean), [[]]);
    source.forget();
    destination.forget();
    await withClient(clean.run);
    const steps = [source, destination].flatMap((registry) => registry.journal.map((_, k) => ({ registry, k })));
    const [complete] = (await seen(clean)) as [readonly string[]];
    assert.equal(complete.length, 5, complete.join(', '));
    for (const [n, { registry, k }] of steps.entries()) {
      // A whole run has some two hundred requests, many of them alike.
      if (!TORTURE && n % 4 !== 0) continue;
      for (const [at, failure] of failuresAt(n >> (TORTURE ? 0 : 2)).entries()) {
        const name = `app${n}-${at}`;
        const prepared = await prepareCopy(source, destination, name, name);
        const tag = (): string | undefined => destination.repository(name).tags.get('v1');
        const old = tag();
        registry.fault({ path: `/${name}/`, skip: k, ...failure.fault });
        const outcome = await attempt(prepared, failure, n);
        registry.clearFaults();
        const said = `${registry === source ? 'source' : 'destination'}, request ${k}, ${failure.name}: ${String(outcome)}`;
        assertWhole(destination, name);
        // The tag stands for what it stood for, or for the copy with everything that belongs to it.
        if (tag() === old) assert.ok(outcome !== 'done', said);
        else assert.deepEqual(await seen(prepared), [complete], said);
        await withClient(prepared.run);
        assert.equal(tag(), source.repository(name).tags.get('v1'), said);
        assert.deepEqual(await seen(prepared), [complete], `${said}; the second time`);
        assertWhole(destination, name);
      }
    }
  });
}
