import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IMAGE_DIGEST, judgeOf, letIn } from '../../../test/admission.ts';
import { encodeAnswer } from './answer.ts';
import { type ImageAnswer, verdictOn } from './verdict.ts';

const inForce = judgeOf(letIn).inForce();
assert.ok(inForce);
const answer = (image: string): ImageAnswer => ({ image, judgement: letIn(image) });
const [a, b] = [answer(`r.example/a@${IMAGE_DIGEST}`), answer(`r.example/b@${IMAGE_DIGEST}`)];

test('a verdict is given again where answers and leaves are the same ones, and only there', () => {
  const first = verdictOn([a, b], inForce, ['7', '8']);
  assert.equal(verdictOn([{ ...a }, { ...b }], inForce, ['7', '8']), first);
  assert.equal(first.verdict.annotations['decision'], '7,8');
  const denial = { code: 'TAG_UNPINNED', status: 403, message: 'no' } as const;
  const others: readonly Parameters<typeof verdictOn>[] = [
    [[a, b], inForce, ['7', '9']],
    [[a, b], inForce, ['7']],
    [[a, b], { ...inForce }, ['7', '8']],
    [[a, { ...b, judgement: { ...b.judgement } }], inForce, ['7', '8']],
    [[a, { ...b, image: 'r.example/b:1' }], inForce, ['7', '8']],
    [[a, { ...b, warning: 'look' }], inForce, ['7', '8']],
    [[a], inForce, ['7', '8']],
    [[a, { ...b, denial }], inForce, ['7', '8']],
    [[{ ...a, denial }, b], inForce, ['7', '8']],
  ];
  const said = others.map((other, i) => {
    // Each is held against the same one: what is said of another takes its place.
    const before = verdictOn([a, b], inForce, ['7', '8']);
    const { verdict, outcome } = verdictOn(...other);
    assert.notEqual(verdict, before.verdict, `${i}`);
    return outcome;
  });
  assert.deepEqual(said, ['allowed', 'allowed', 'allowed', 'allowed', 'allowed', 'warned', 'allowed', 'denied', 'denied']);
});

test('the text of a verdict that is given again names whom it answers', () => {
  const { verdict } = verdictOn([a], inForce, ['7']);
  for (const uid of ['705ab4f5-6393-11e8-b7cc-42010a800002', 'a"\\\u0000\ud800']) {
    const { response, ...around } = JSON.parse(encodeAnswer(uid, verdict)) as { readonly response: object };
    assert.deepEqual(around, { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' });
    assert.deepEqual(response, { uid, allowed: true, auditAnnotations: verdict.annotations });
  }
});
