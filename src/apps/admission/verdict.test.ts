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
  const others = [
    verdictOn([a, b], inForce, ['7', '9']),
    verdictOn([a, b], inForce, ['7']),
    verdictOn([a, b], { ...inForce }, ['7', '8']),
    verdictOn([a, { ...b, judgement: { ...b.judgement } }], inForce, ['7', '8']),
    verdictOn([a, { ...b, image: 'r.example/b:1' }], inForce, ['7', '8']),
    verdictOn([a, { ...b, warning: 'look' }], inForce, ['7', '8']),
    verdictOn([a], inForce, ['7', '8']),
    verdictOn([a, { ...b, denial }], inForce, ['7', '8']),
    verdictOn([{ ...a, denial }, b], inForce, ['7', '8']),
  ];
  for (const [i, other] of others.entries()) assert.notEqual(other, first, `${i}`);
  assert.deepEqual(
    others.map(({ verdict }) => verdict.allowed),
    [true, true, true, true, true, true, true, false, false],
  );
  assert.equal(others[5]?.outcome, 'warned');
});

test('the text of a verdict that is given again names whom it answers', () => {
  const { verdict } = verdictOn([a], inForce, ['7']);
  for (const uid of ['705ab4f5-6393-11e8-b7cc-42010a800002', 'a"\\\u0000\ud800']) {
    const { response, ...around } = JSON.parse(encodeAnswer(uid, verdict)) as { readonly response: object };
    assert.deepEqual(around, { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' });
    assert.deepEqual(response, { uid, allowed: true, auditAnnotations: verdict.annotations });
  }
});
