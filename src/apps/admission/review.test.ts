import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type JsonObject, LIMITS, utf8 } from '../../core/encoding/index.ts';
import { parseReview } from './review.ts';

const REQUEST: JsonObject = {
  uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
  kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
  operation: 'UPDATE',
  namespace: 'shop',
  name: 'web',
  userInfo: { username: 'ann' },
  object: { kind: 'Deployment' },
  oldObject: { kind: 'Deployment' },
};
const parse = (request: JsonObject, around: JsonObject = {}) =>
  parseReview(utf8(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request, ...around })));

test('a review is read as it was sent; the namespace is that of the request, and what Go leaves out is empty', () => {
  const review = parse({ ...REQUEST, operation: 'CREATE', oldObject: null, name: '', dryRun: true });
  assert.deepEqual(review, {
    head: {
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      group: 'apps',
      kind: 'Deployment',
      subresource: '',
      operation: 'CREATE',
      namespace: 'shop',
      name: '',
      user: 'ann',
      dryRun: true,
    },
    object: { kind: 'Deployment' },
  });
  assert.equal(parse(REQUEST).head.dryRun, false);
});

test('whatever is no AdmissionReview of v1 is refused', () => {
  const refused = (request: JsonObject, around: JsonObject = {}): void => assert.throws(() => parse(request, around), { code: 'ERR_REVIEW_INVALID' });
  refused(REQUEST, { apiVersion: 'admission.k8s.io/v1beta1' });
  refused(REQUEST, { kind: 'Pod' });
  refused(REQUEST, { request: null });
  refused(REQUEST, { request: [] });
  for (const change of [
    { uid: '' },
    { uid: 'x'.repeat(129) },
    { uid: 7 },
    { kind: null },
    { kind: 'Pod' },
    { operation: 'PATCH' },
    { object: null },
    { object: [] },
    { oldObject: null },
    { dryRun: 'yes' },
    { namespace: 1 },
    { userInfo: 'ann' },
  ]) {
    refused({ ...REQUEST, ...change });
  }
});

test('bytes that are no JSON, bombs of depth and reviews one byte over the bound never get further', () => {
  assert.throws(() => parseReview(utf8('hello')), { code: 'ERR_JSON_INVALID' });
  assert.throws(() => parseReview(utf8('{"a":1,"a":2}')), { code: 'ERR_JSON_INVALID' });
  assert.throws(() => parseReview(utf8(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`)), { code: 'ERR_JSON_INVALID' });
  assert.throws(() => parseReview(new Uint8Array(LIMITS.admissionReviewBytes + 1)), { code: 'ERR_TOO_LARGE' });
  assert.throws(() => parseReview(new Uint8Array(LIMITS.admissionReviewBytes)), { code: 'ERR_JSON_INVALID' });
});
