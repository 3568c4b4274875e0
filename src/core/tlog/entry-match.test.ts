/** An entry counts only for its own signature, key, digest, payload and envelope: each comparison has a case that fails without it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hash } from '../crypto/index.ts';
import { utf8 } from '../encoding/index.ts';
import { type EntryClaim, entryMatches, type EntrySubject, type EntryVerifier } from './index.ts';

const SIGNATURE = utf8('the signature');
const CERTIFICATE: EntryVerifier = { kind: 'certificate', der: utf8('the certificate') };
const of = (text: string) => (name: 'sha256' | 'sha384' | 'sha512') => hash(name, utf8(text));
const digest = (text: string) => ({ hash: 'sha256', bytes: hash('sha256', utf8(text)) }) as const;

/** A signed envelope, as the judge knows it when it has the envelope's own bytes. */
const SUBJECT: Required<EntrySubject> = {
  signature: SIGNATURE,
  verifier: CERTIFICATE,
  signed: of('the encoding that was signed'),
  payload: of('the payload'),
  payloadType: 'text/plain',
  envelope: of('the envelope'),
  keyDetails: 'PKIX_ED25519',
};

const OTHERS: Required<{ readonly [name in keyof EntrySubject]: Partial<EntrySubject> }> = {
  signature: { signature: utf8('another signature') },
  verifier: { verifier: { kind: 'certificate', der: utf8('another certificate') } },
  signed: { signed: of('something else') },
  payload: { payload: of('another payload') },
  payloadType: { payloadType: 'text/html' },
  envelope: { envelope: of('another envelope') },
  keyDetails: { keyDetails: 'PKIX_ED25519_PH' },
};

const own = { signature: SIGNATURE, verifier: CERTIFICATE };

/** Each kind of claim, with the members of the subject that it must be compared with. */
const CLAIMS: readonly { readonly claim: EntryClaim; readonly compared: readonly (keyof EntrySubject)[] }[] = [
  {
    claim: { kind: 'hashedrekord', version: '0.0.1', signedDigest: digest('the encoding that was signed'), signatures: [own] },
    compared: ['signature', 'verifier', 'signed'],
  },
  {
    claim: {
      kind: 'hashedrekord',
      version: '0.0.2',
      signedDigest: digest('the encoding that was signed'),
      signatures: [{ ...own, keyDetails: 'PKIX_ED25519' }],
    },
    compared: ['signature', 'verifier', 'signed', 'keyDetails'],
  },
  {
    claim: { kind: 'dsse', version: '0.0.1', payloadHash: digest('the payload'), envelopeHash: digest('the envelope'), signatures: [own] },
    compared: ['signature', 'verifier', 'payload', 'envelope'],
  },
  {
    claim: { kind: 'dsse', version: '0.0.2', payloadHash: digest('the payload'), signatures: [{ ...own, keyDetails: 'PKIX_ED25519' }] },
    compared: ['signature', 'verifier', 'payload', 'keyDetails'],
  },
  {
    claim: {
      kind: 'intoto',
      version: '0.0.2',
      payloadHash: digest('the payload'),
      payloadType: 'text/plain',
      signatures: [own],
    },
    compared: ['signature', 'verifier', 'payload', 'payloadType'],
  },
  {
    claim: {
      kind: 'intoto',
      version: '0.0.1',
      payloadHash: digest('the payload'),
      envelopeHash: digest('the envelope'),
      signatures: [{ verifier: CERTIFICATE }],
    },
    compared: ['verifier', 'payload', 'envelope'],
  },
];

const refused = (claim: EntryClaim, subject: EntrySubject, what: string): void => {
  const answer = entryMatches(claim, subject);
  assert.equal(answer.ok ? 'ok' : answer.reason, 'LOG_ENTRY_MISMATCH', what);
};

for (const { claim, compared } of CLAIMS) {
  test(`an entry ${claim.kind} ${claim.version} matches by ${compared.join(', ')}`, () => {
    assert.deepEqual(entryMatches(claim, SUBJECT), { ok: true });
    for (const [name, other] of Object.entries(OTHERS)) {
      const subject = { ...SUBJECT, ...other };
      if ((compared as readonly string[]).includes(name)) refused(claim, subject, name);
      else assert.deepEqual(entryMatches(claim, subject), { ok: true }, name);
    }
    refused(claim, { ...SUBJECT, verifier: { ...CERTIFICATE, kind: 'publicKey' } }, 'a key of the same bytes');
  });
}

const [HASHEDREKORD, , DSSE, , , INTOTO_1] = CLAIMS.map(({ claim }) => claim) as [EntryClaim, EntryClaim, EntryClaim, EntryClaim, EntryClaim, EntryClaim];
const { signature, verifier, signed } = SUBJECT;

test('an entry about an envelope does not match what is no envelope, and one about another hash is not guessed at', () => {
  refused(DSSE, { signature, verifier, signed }, 'no payload');
  refused(HASHEDREKORD, { ...SUBJECT, signed: (name) => (name === 'sha384' ? signed(name) : undefined) }, 'the digest is known under another hash');
  assert.deepEqual(entryMatches({ ...HASHEDREKORD, signedDigest: { hash: 'sha512', bytes: signed('sha512') as Uint8Array } }, SUBJECT), { ok: true });
});

test("a bundle's envelope is not the bytes that the log saw, so its hash may stay uncompared; an entry bound by it alone may not", () => {
  const { envelope: _, ...bundle } = SUBJECT;
  assert.deepEqual(entryMatches(DSSE, bundle), { ok: true });
  refused(INTOTO_1, bundle, 'nothing binds the signature');
  refused({ ...DSSE, signatures: INTOTO_1.signatures }, bundle, 'nothing binds the signature');
});

test('an entry that claims nothing matches nothing', () => {
  refused({ kind: 'dsse', version: '0.0.2', signatures: [own] }, SUBJECT, 'no digest');
  refused({ ...HASHEDREKORD, signatures: [] }, SUBJECT, 'no signatures');
  refused({ kind: 'hashedrekord', version: '0.0.2', signatures: [{ verifier: CERTIFICATE }] }, SUBJECT, 'only a key');
});

test('of several signatures one must be ours with our key: halves of two do not add up', () => {
  const stranger = { signature: utf8('another signature'), verifier: { kind: 'certificate', der: utf8('another certificate') } } as const;
  assert.deepEqual(entryMatches({ ...DSSE, signatures: [stranger, own] }, SUBJECT), { ok: true });
  refused(
    {
      ...DSSE,
      signatures: [
        { ...own, verifier: stranger.verifier },
        { ...stranger, verifier: CERTIFICATE },
      ],
    },
    SUBJECT,
    'halves',
  );
});
