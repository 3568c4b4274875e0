import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../core/encoding/index.ts';
import { signAwsRequest } from './aws-signature.ts';

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const now = Date.UTC(2015, 7, 30, 12, 36, 0);

// Worked through in AWS's documentation of Signature Version 4.
test('the published example comes out to the last digit', () => {
  const request = {
    method: 'GET',
    url: new URL('https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08'),
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body: new Uint8Array(),
  } as const;
  const { headers, authorization } = signAwsRequest(request, credentials, { region: 'us-east-1', service: 'iam', now });
  assert.deepEqual(headers, { 'x-amz-date': '20150830T123600Z' });
  assert.equal(
    authorization,
    'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
  );
});

test('the token of temporary credentials is signed with the rest', () => {
  const request = { method: 'POST', url: new URL('https://kms.eu-west-1.amazonaws.com/'), headers: {}, body: utf8('{}') } as const;
  const { headers, authorization } = signAwsRequest(request, { ...credentials, sessionToken: 'session' }, { region: 'eu-west-1', service: 'kms', now });
  assert.equal(headers['x-amz-security-token'], 'session');
  assert.match(authorization, /SignedHeaders=host;x-amz-date;x-amz-security-token,/);
  assert.doesNotMatch(authorization, /wJalr|session,/);
});
