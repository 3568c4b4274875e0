import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { answerOf, podObject } from '../../../test/running.ts';
import type { JudgedName } from '../../sdk/agent/index.ts';
import { FixedClock, gate } from '../../testing/index.ts';
import { type Held, Inventory, type Judge } from './inventory.ts';
import { readRunningPod } from './running-pod.ts';

const D = (letter: string): string => `sha256:${letter.repeat(64)}`;
const image = (letter: string): string => `r.example/app@${D(letter)}`;
const pod = (name: string, images: readonly string[], more?: Parameters<typeof podObject>[2]) => readRunningPod(podObject(name, images, more));

class Stage implements Judge {
  readonly clock = new FixedClock({ start: 1_000_000 });
  readonly changes: string[] = [];
  readonly asked: string[] = [];
  /** What is held, and what a registry would add. */
  held = new Map<string, JudgedName>();
  online = new Map<string, JudgedName>();
  count = 0;
  ready = true;
  known = true;
  readonly joined: string[] = [];
  readonly problems: string[] = [];
  /** Stands in for whoever is told. */
  tell = (_held: Held): void => undefined;
  readonly inventory: Inventory;

  constructor(t?: TestContext) {
    this.inventory = new Inventory({
      judge: this,
      ready: () => this.ready,
      clock: this.clock,
      place: (namespace) => (this.known ? { namespace } : undefined),
      changed: (held: Held, before) => {
        const { name, judged, confirmed } = held;
        this.changes.push(`${name.at(-1)} ${before?.code ?? '-'} ${judged?.code ?? '-'}${confirmed ? '' : '?'}`);
        this.tell(held);
      },
      joined: ({ name, pods }) => this.joined.push(`${name.at(-1)} ${pods.size}`),
      report: ({ message }) => this.problems.push(message),
      atOnce: 2,
    });
    t?.after(() => this.inventory.close());
  }

  async judgeHeld(name: string): Promise<JudgedName> {
    this.count++;
    return this.held.get(name) ?? answerOf(name, 'inconclusive', 'ERR_EVIDENCE_MISSING');
  }

  async judge(name: string): Promise<JudgedName> {
    this.asked.push(name);
    return this.online.get(name) ?? answerOf(name, 'inconclusive', 'ERR_REGISTRY_UNREACHABLE');
  }

  async settle(): Promise<void> {
    await this.inventory.judgeAll();
    while (this.inventory.waiting > 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('the inventory', () => {
  it('judges an image once for each namespace that runs it, from what is held, and lets it go with its last Pod', async (t) => {
    const stage = new Stage(t);
    stage.held.set(image('a'), answerOf(image('a'), 'verified', 'VERIFIED'));
    for (const name of ['one', 'two']) stage.inventory.podChanged(undefined, pod(name, [image('a')]));
    stage.inventory.podChanged(undefined, pod('three', [image('a')], { namespace: 'bank' }));
    await stage.inventory.judgeAll();
    assert.deepEqual(
      stage.inventory.held.map(({ namespace, pods, judged }) => [namespace, pods.size, judged?.code]),
      [
        ['bank', 1, 'VERIFIED'],
        ['shop', 2, 'VERIFIED'],
      ],
    );
    assert.deepEqual([stage.asked, stage.changes.length], [[], 2]);
    stage.inventory.podChanged(pod('one', [image('a')]), undefined);
    assert.equal(stage.inventory.held.length, 2);
    stage.inventory.podChanged(pod('two', [image('a')]), pod('two', [image('a')], { phase: 'Succeeded' }));
    assert.deepEqual(
      stage.inventory.held.map(({ namespace }) => namespace),
      ['bank'],
      'what has ended runs no more',
    );
  });

  it('judges nothing before there is trust, and everything then', async (t) => {
    const stage = new Stage(t);
    stage.ready = false;
    stage.held.set(image('a'), answerOf(image('a'), 'verified', 'VERIFIED'));
    stage.inventory.podChanged(undefined, pod('one', [image('a')]));
    await stage.settle();
    assert.deepEqual([stage.count, stage.changes], [0, []]);
    stage.ready = true;
    await stage.settle();
    assert.deepEqual(stage.changes, ['a - VERIFIED']);
  });

  it('asks for what is not held, a few at a time, and tells of the answer', async (t) => {
    const stage = new Stage(t);
    for (const letter of ['a', 'b', 'c']) stage.online.set(image(letter), answerOf(image(letter), 'rejected', 'NO_SIGNATURE'));
    const held = gate();
    let most = 0;
    let now = 0;
    stage.judge = async (name) => {
      most = Math.max(most, ++now);
      await held.pass();
      now--;
      return stage.online.get(name) as JudgedName;
    };
    stage.inventory.podChanged(undefined, pod('one', ['a', 'b', 'c'].map(image)));
    await stage.inventory.judgeAll();
    await held.reached;
    assert.equal(stage.inventory.waiting, 3);
    held.open();
    await stage.settle();
    assert.equal(most, 2);
    assert.ok(stage.inventory.held.every(({ judged }) => judged?.code === 'NO_SIGNATURE'));
  });

  it('tells of a refusal at once, and confirms it when the registry was asked; what is signed meanwhile is found', async (t) => {
    const stage = new Stage(t);
    for (const letter of ['a', 'b', 'c']) stage.held.set(image(letter), answerOf(image(letter), 'rejected', letter === 'c' ? 'DENIED' : 'NO_SIGNATURE'));
    stage.online.set(image('a'), answerOf(image('a'), 'rejected', 'NO_SIGNATURE'));
    stage.online.set(image('b'), answerOf(image('b'), 'verified', 'VERIFIED'));
    stage.inventory.podChanged(undefined, pod('one', ['a', 'b', 'c'].map(image)));
    await stage.settle();
    assert.deepEqual(stage.changes.slice(0, 5).sort(), [
      'a - NO_SIGNATURE?',
      'a NO_SIGNATURE NO_SIGNATURE',
      'b - NO_SIGNATURE?',
      'b NO_SIGNATURE VERIFIED',
      'c - DENIED',
    ]);
    assert.ok(!stage.asked.includes(image('c')), 'nobody is asked about what is denied');
  });

  it('says that it could not be found out only when it was tried', async (t) => {
    const stage = new Stage(t);
    stage.online.set(image('a'), answerOf(image('a'), 'verified', 'VERIFIED'));
    stage.inventory.podChanged(undefined, pod('one', ['a', 'b'].map(image)));
    await stage.settle();
    assert.deepEqual(stage.changes.slice(0, 2).sort(), ['a - VERIFIED', 'b - ERR_REGISTRY_UNREACHABLE']);
  });

  it('judges again at the moment that a decision names, and no sooner', async (t) => {
    const stage = new Stage(t);
    const start = stage.clock.now();
    stage.held.set(image('a'), answerOf(image('a'), 'verified', 'VERIFIED', start + 60_000));
    stage.held.set(image('b'), answerOf(image('b'), 'verified', 'VERIFIED', start + 3 * 3_600_000));
    stage.inventory.podChanged(undefined, pod('one', [image('a'), image('b')]));
    await stage.inventory.judgeAll();
    const counted = stage.count;
    stage.held.set(image('a'), answerOf(image('a'), 'rejected', 'SIGNATURE_TOO_OLD'));
    stage.online.set(image('a'), answerOf(image('a'), 'rejected', 'SIGNATURE_TOO_OLD'));
    stage.clock.advance(59_000);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(stage.count, counted);
    stage.clock.advance(1000);
    while (!stage.changes.includes('a VERIFIED SIGNATURE_TOO_OLD?')) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(stage.count, counted + 1, 'the other one was left alone');
  });

  it('asks again after a minute for what could not be found out', async (t) => {
    const stage = new Stage(t);
    stage.inventory.podChanged(undefined, pod('one', [image('a')]));
    await stage.settle();
    const asked = stage.asked.length;
    stage.online.set(image('a'), answerOf(image('a'), 'verified', 'VERIFIED'));
    stage.clock.advance(60_000);
    while (stage.inventory.held[0]?.judged?.code !== 'VERIFIED') await new Promise((resolve) => setImmediate(resolve));
    assert.equal(stage.asked.length, asked + 1);
  });

  it('asks less and less often while nothing changes, and soon again when something did', async (t) => {
    const stage = new Stage(t);
    stage.inventory.podChanged(undefined, pod('one', [image('a')]));
    await stage.settle();
    const minutes: number[] = [];
    for (let minute = 1; minute <= 62; minute++) {
      const asked = stage.asked.length;
      stage.clock.advance(60_000);
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      if (stage.asked.length > asked) minutes.push(minute);
    }
    assert.deepEqual(minutes, [1, 3, 7, 15, 30, 45, 60]);
    stage.online.set(image('a'), answerOf(image('a'), 'rejected', 'NO_SIGNATURE'));
    await stage.settle();
    const asked = stage.asked.length;
    stage.clock.advance(60_000);
    while (stage.asked.length === asked) await new Promise((resolve) => setImmediate(resolve));
  });

  it('does not change its mind each time that it asks a registry which is gone about what was not signed before', async (t) => {
    const stage = new Stage(t);
    stage.held.set(image('a'), answerOf(image('a'), 'rejected', 'NO_SIGNATURE'));
    stage.inventory.podChanged(undefined, pod('one', [image('a')]));
    await stage.settle();
    for (let minute = 0; minute < 10; minute++) {
      stage.clock.advance(60_000);
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    assert.deepEqual(stage.changes, ['a - NO_SIGNATURE?', 'a NO_SIGNATURE ERR_REGISTRY_UNREACHABLE']);
  });

  it('waits for what it asked for, and does not judge it over and over meanwhile', async (t) => {
    const stage = new Stage(t);
    stage.inventory.podChanged(undefined, pod('one', [image('a')]));
    await stage.settle();
    const held = gate();
    stage.judge = async (name) => {
      await held.pass();
      return answerOf(name, 'verified', 'VERIFIED');
    };
    stage.clock.advance(60_000);
    await held.reached;
    const counted = stage.count;
    for (let i = 0; i < 50; i++) {
      stage.clock.advance(100);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(stage.count, counted);
    held.open();
    while (stage.inventory.held[0]?.judged?.code !== 'VERIFIED') await new Promise((resolve) => setImmediate(resolve));
  });

  it('answers for a Pod that comes while a registry is asked about the same image of one that went', async (t) => {
    const stage = new Stage(t);
    const held = gate();
    stage.judge = async (name) => {
      await held.pass();
      return answerOf(name, 'rejected', 'NO_SIGNATURE');
    };
    stage.inventory.podChanged(undefined, pod('one', [image('a')]));
    await held.reached;
    stage.inventory.podChanged(pod('one', [image('a')]), undefined);
    stage.inventory.podChanged(undefined, pod('two', [image('a')]));
    await stage.inventory.judgeAll();
    held.open();
    await stage.settle();
    assert.deepEqual(
      stage.inventory.held.map(({ pods, judged, confirmed }) => [[...pods.keys()], judged?.code, confirmed]),
      [[['shop/two'], 'NO_SIGNATURE', true]],
    );
  });

  it('takes no answer that was begun before trust moved: what it refuses may be allowed by now', async (t) => {
    const stage = new Stage(t);
    const held = gate();
    stage.judge = async (name) => {
      await held.pass();
      return answerOf(name, 'rejected', 'NO_SIGNATURE');
    };
    stage.inventory.podChanged(undefined, pod('one', [image('a')]));
    await held.reached;
    stage.held.set(image('a'), answerOf(image('a'), 'verified', 'VERIFIED'));
    await stage.inventory.judgeAll();
    held.open();
    await stage.settle();
    assert.deepEqual(stage.changes, ['a - VERIFIED']);
  });

  it('takes an answer though something moved in another namespace: whoever edits labels there keeps nobody from an answer', async (t) => {
    const stage = new Stage(t);
    const held = gate();
    stage.judge = async (name) => {
      stage.asked.push(name);
      await held.pass();
      return answerOf(name, 'rejected', 'NO_SIGNATURE');
    };
    stage.inventory.podChanged(undefined, pod('one', [image('a')]));
    stage.inventory.podChanged(undefined, pod('one', [image('b')], { namespace: 'shop-2' }));
    while (stage.asked.length < 2) await new Promise((resolve) => setImmediate(resolve));
    await stage.inventory.judgeNamespace('shop');
    stage.held.set(image('a'), answerOf(image('a'), 'verified', 'VERIFIED'));
    held.open();
    while (stage.changes.length < 2) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(stage.changes.sort(), ['a - VERIFIED', 'b - NO_SIGNATURE']);
    assert.deepEqual(stage.asked, [image('a'), image('b')], 'each was asked for once');
  });

  it('judges nothing in a namespace of which nobody knows which policies hold, and all of it once that is known', async (t) => {
    const stage = new Stage(t);
    stage.known = false;
    stage.held.set(image('a'), answerOf(image('a'), 'rejected', 'DENIED'));
    stage.inventory.podChanged(undefined, pod('one', [image('a')]));
    stage.inventory.podChanged(undefined, pod('one', [image('a')], { namespace: 'bank' }));
    await stage.settle();
    assert.deepEqual([stage.count, stage.changes], [0, []]);
    stage.known = true;
    await stage.inventory.judgeNamespace('shop');
    assert.deepEqual(
      stage.inventory.held.map(({ namespace, judged }) => [namespace, judged?.code]),
      [
        ['bank', undefined],
        ['shop', 'DENIED'],
      ],
    );
  });

  it('tells of each Pod more of an image that was judged', async (t) => {
    const stage = new Stage(t);
    stage.held.set(image('a'), answerOf(image('a'), 'rejected', 'DENIED'));
    stage.inventory.podChanged(undefined, pod('one', [image('a')]));
    await stage.settle();
    stage.inventory.podChanged(pod('one', [image('a')]), pod('one', [image('a')]));
    stage.inventory.podChanged(undefined, pod('two', [image('a')]));
    assert.deepEqual(stage.joined, ['a 2']);
  });

  it('goes on when one image cannot be judged, or whoever is told of it fails', async (t) => {
    const stage = new Stage(t);
    for (const letter of ['b', 'c']) stage.held.set(image(letter), answerOf(image(letter), 'verified', 'VERIFIED'));
    const judgeHeld = stage.judgeHeld.bind(stage);
    stage.judgeHeld = async (name) => {
      if (name === image('a')) throw new Error('broken');
      return judgeHeld(name);
    };
    stage.tell = ({ name }) => {
      if (name === image('b')) throw new Error('deaf');
    };
    stage.inventory.podChanged(undefined, pod('one', ['a', 'b', 'c'].map(image)));
    await stage.settle();
    assert.deepEqual(stage.changes, ['b - VERIFIED', 'c - VERIFIED']);
    assert.match(stage.problems.join(), /broken.*deaf/);
  });

  it('law: after any coming and going it holds what the Pods that run name, and nothing else', async () => {
    const letters = fc.subarray(['a', 'b', 'c']);
    const step = fc.record({
      name: fc.constantFrom('p', 'q', 'r'),
      namespace: fc.constantFrom('shop', 'bank'),
      images: letters,
      phase: fc.constantFrom('Running', 'Failed', 'gone'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const stage = new Stage();
        const now = new Map<string, ReturnType<typeof pod>>();
        for (const { name, namespace, images, phase } of steps) {
          const key = `${namespace}/${name}`;
          const after = phase === 'gone' ? undefined : pod(name, images.map(image), { namespace, phase });
          stage.inventory.podChanged(now.get(key), after);
          if (after) now.set(key, after);
          else now.delete(key);
        }
        await stage.settle();
        const expected = new Set([...now.values()].flatMap(({ namespace, images, runs }) => (runs ? images.map(({ name }) => `${namespace} ${name}`) : [])));
        assert.deepEqual(new Set(stage.inventory.held.map(({ namespace, name }) => `${namespace} ${name}`)), expected);
        assert.ok(stage.inventory.held.every(({ judged }) => judged !== undefined));
        await stage.inventory.close();
      }),
      { numRuns: 60 },
    );
  });
});
