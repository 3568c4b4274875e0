import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerOf, podObject } from '../../../test/running.ts';
import type { CandidateJudgement } from '../../core/verify/index.ts';
import type { JudgedName } from '../../sdk/agent/index.ts';
import { FirstRuns } from './first-runs.ts';
import type { Held } from './inventory.ts';
import { readRunningPod } from './running-pod.ts';

const NOON = Date.parse('2026-01-01T12:00:00Z');
const image = (letter: string): string => `r.example/app@sha256:${letter.repeat(64)}`;

/** Verified by signatures that were dated then; undefined: not dated; null: it does not count, though it was dated last of all. */
function signed(name: string, dates: readonly (number | undefined | null)[]): JudgedName {
  const answer = answerOf(name, 'verified', 'VERIFIED');
  const candidates = dates.map((at): CandidateJudgement => {
    const datedAt = at === null ? NOON + 1 : at;
    return { document: 'd', place: 'referrers-api', signer: 's', counts: at !== null, ...(datedAt === undefined ? {} : { datedAt }) };
  });
  const [policy] = answer.decision?.policies ?? [];
  assert.ok(policy && answer.decision);
  const requirement = { name: 'signatures', outcome: 'verified', wanted: 'x', code: 'VERIFIED', candidates } as const;
  return { ...answer, decision: { ...answer.decision, policies: [{ ...policy, requirements: [requirement] }] } };
}

class Stage {
  readonly told: (number | undefined)[] = [];
  counts = true;
  readonly runs: FirstRuns;

  constructor(most?: number) {
    this.runs = new FirstRuns({ told: (seconds) => this.told.push(seconds), counts: () => this.counts, ...(most === undefined ? {} : { most }) });
  }

  held(judged: JudgedName, namespace = 'shop', times = ['2026-01-01T12:00:00Z']): Held {
    const pods = times.map((createdAt, at) => readRunningPod(podObject(`p${at}`, [judged.name], { namespace, createdAt })));
    return {
      namespace,
      name: judged.name,
      pods: new Map(pods.map((pod) => [`${namespace}/${pod.name}`, pod])),
      judged,
      confirmed: true,
      judgedAt: 0,
      changedAt: 0,
      inVain: 0,
    };
  }

  judge(judged: JudgedName, namespace?: string, times?: string[]): (number | undefined)[] {
    this.runs.judged(this.held(judged, namespace, times));
    return this.told.splice(0);
  }
}

test('the time goes from the newest signature that counts to the first Pod, and is told once for each digest', () => {
  const stage = new Stage();
  assert.deepEqual(stage.judge(signed(image('a'), [NOON - 90_000, NOON - 60_000, null]), 'shop', ['2026-01-01T12:05:00Z', '2026-01-01T12:00:00Z']), [60]);
  assert.deepEqual(stage.judge(signed(image('a'), [NOON - 60_000]), 'bank'), []);
  assert.deepEqual(stage.judge(signed(image('b'), [NOON - 1000])), [1]);
  assert.deepEqual(stage.judge(signed(image('c'), [NOON + 400])), [0], 'Pods are dated to the second');
});

test('what nobody dated is told as that, though another signature was dated', () => {
  const stage = new Stage();
  assert.deepEqual(stage.judge(signed(image('a'), [NOON - 60_000, undefined])), [undefined]);
  assert.deepEqual(stage.judge(answerOf(image('b'), 'verified', 'VERIFIED')), [], 'where no signature is asked for there is none to be dated');
});

test('nothing is told of what ran before, ran unsigned, or is known by its tag alone', () => {
  const stage = new Stage();
  stage.runs.known([stage.held(signed(image('a'), [NOON]))]);
  assert.deepEqual(stage.judge(signed(image('a'), [NOON])), []);
  assert.deepEqual(stage.judge(answerOf(image('b'), 'rejected', 'NO_SIGNATURE')), []);
  assert.deepEqual(stage.judge(signed(image('b'), [NOON])), []);
  assert.deepEqual(stage.judge(signed(image('c'), [NOON + 5000])), [], 'it was signed after it was let in');
  assert.deepEqual(stage.judge(signed('r.example/app:v1', [NOON])), []);
});

test('what was not known at first is told when it is', () => {
  const stage = new Stage();
  assert.deepEqual(stage.judge(answerOf(image('a'), 'inconclusive', 'ERR_DEADLINE')), []);
  stage.runs.judged({ ...stage.held(answerOf(image('a'), 'rejected', 'NO_SIGNATURE')), confirmed: false });
  assert.deepEqual(stage.judge(signed(image('a'), [NOON - 5000])), [5]);
});

test('whoever does not lead remembers, and counts nothing again when he does; only so many are remembered', () => {
  const stage = new Stage(2);
  stage.counts = false;
  assert.deepEqual(stage.judge(signed(image('a'), [NOON])), []);
  stage.counts = true;
  assert.deepEqual(stage.judge(signed(image('a'), [NOON])), []);
  for (const letter of ['b', 'c']) assert.deepEqual(stage.judge(signed(image(letter), [NOON])), [0]);
  assert.deepEqual(stage.judge(signed(image('a'), [NOON])), [0], 'it was forgotten');
});
