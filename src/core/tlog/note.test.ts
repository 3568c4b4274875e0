/** Signed notes: their strict form, the keys that sign them, and what cosignatures add. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { parsePublicKey } from '../crypto/index.ts';
import { concatBytes, encodeBase64, LIMITS, utf8 } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import {
  cosignedSubtree,
  cosignedText,
  emptyRoot,
  encodeCheckpoint,
  encodeNote,
  encodeVerifierKey,
  isKeyName,
  NOTE_KEY_TYPE,
  type Note,
  type NoteKeyType,
  type NoteSignature,
  noteKeyId,
  noteVerifier,
  type NoteVerifier,
  parseCheckpoint,
  parseNote,
  parseVerifierKey,
  signLine,
  TLS_ECDSA_SHA256,
  treeHead,
  verifyNote,
} from './index.ts';

interface Signer {
  readonly type: NoteKeyType;
  readonly verifier: NoteVerifier;
  readonly sign: (message: Uint8Array) => Uint8Array;
}

function signer(name: string, type: NoteKeyType, pair: { publicKey: KeyObject; privateKey: KeyObject }): Signer {
  const verifier = noteVerifier(name, type, parsePublicKey(pair.publicKey.export({ format: 'der', type: 'spki' })));
  const hash = pair.publicKey.asymmetricKeyType === 'ec' || pair.publicKey.asymmetricKeyType === 'rsa' ? 'sha256' : null;
  return { type, verifier, sign: (message) => new Uint8Array(sign(hash, message, pair.privateKey)) };
}

const ED25519 = generateKeyPairSync('ed25519');
const LOG = signer('example.com/log', NOTE_KEY_TYPE.ed25519, ED25519);
const SIGNERS: Readonly<Record<string, Signer>> = {
  ed25519: LOG,
  'ecdsa p-256': signer('p256.example', NOTE_KEY_TYPE.ecdsa, generateKeyPairSync('ec', { namedCurve: 'P-256' })),
  'ecdsa p-384': signer('p384.example', NOTE_KEY_TYPE.ecdsa, generateKeyPairSync('ec', { namedCurve: 'P-384' })),
  'ecdsa p-521': signer('p521.example', NOTE_KEY_TYPE.ecdsa, generateKeyPairSync('ec', { namedCurve: 'P-521' })),
  cosignature: signer('w1.example', NOTE_KEY_TYPE.cosignature, generateKeyPairSync('ed25519')),
  subtree: signer('w2.example', NOTE_KEY_TYPE.subtree, generateKeyPairSync('ml-dsa-44')),
  rsa: signer('rsa.example', NOTE_KEY_TYPE.vendor, generateKeyPairSync('rsa', { modulusLength: 2048 })),
};

const TEXT = encodeCheckpoint({ origin: 'example.com/log', size: 0n, root: emptyRoot() });
const TIME = 1_700_000_000n;

function uint64(value: bigint): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, value);
  return out;
}

/** The line that a signer adds to a note of this text; cosigners state a time. */
function line(by: Signer, text = TEXT, time = TIME): NoteSignature {
  const { name, id, statement } = by.verifier;
  if (statement === 'text') return { name, id, signature: by.sign(utf8(text)) };
  const message = statement === 'cosignature/v1' ? cosignedText({ bytes: utf8(text) }, time) : (cosignedSubtree({ text }, name, time) as Uint8Array);
  return { name, id, signature: concatBytes(uint64(time), by.sign(message)) };
}

const note = (...signatures: NoteSignature[]): Note => parseNote(encodeNote(TEXT, signatures));
const refused = (source: Uint8Array | string, message: RegExp, code = 'ERR_LOG_FORMAT'): void => {
  assert.throws(
    () => parseNote(source),
    (error) => error instanceof SealwardError && error.code === code && message.test(error.message),
    String(source).slice(0, 80),
  );
};

for (const [kind, by] of Object.entries(SIGNERS)) {
  test(`a note signed with ${kind} verifies, in its own words only`, () => {
    const { verifier } = by;
    const own = line(by);
    const timed = verifier.statement === 'text' ? {} : { time: TIME };
    assert.deepEqual(verifyNote(note(own), [verifier]), { ok: true, signatures: [{ verifier, ...timed }] });
    for (let bit = 0; bit < own.signature.length * 8; bit += own.signature.length > 72 ? 53 : 1) {
      const signature = own.signature.slice();
      signature[bit >> 3] = (signature[bit >> 3] as number) ^ (1 << (bit & 7));
      const verdict = verifyNote(note({ ...own, signature }), [verifier]);
      assert.equal(verdict.ok ? 'ok' : verdict.reason, 'SIGNATURE_INVALID', `bit ${bit}`);
    }
    for (const signature of [own.signature.subarray(1), own.signature.subarray(0, -1), own.signature.subarray(0, 8), concatBytes(own.signature, utf8('x'))]) {
      assert.equal(verifyNote(note({ ...own, signature }), [verifier]).ok, false);
    }
    const other = parseNote(encodeNote(TEXT.replace('\n0\n', '\n1\n'), [own]));
    assert.equal(verifyNote(other, [verifier]).ok, false);
    assert.deepEqual(parseVerifierKey(encodeVerifierKey(verifier, by.type)).id, verifier.id);
    assert.equal(verifyNote(note(own), [parseVerifierKey(encodeVerifierKey(verifier, by.type))]).ok, true);
  });
}

test('the key IDs are those of published keys', () => {
  // The key of transparency-dev/tessera's test data, and that of the Go checksum database.
  assert.equal(parseVerifierKey('example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx').id, 0x33d7b496);
  const testdata = parseVerifierKey('example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx');
  assert.equal(noteKeyId(testdata.name, NOTE_KEY_TYPE.ed25519, testdata.key.raw), 0x33d7b496);
  assert.equal(parseVerifierKey('sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8').id, 0x033de0ae);
});

test('one key under two types signs two different things', () => {
  const cosigner = signer(LOG.verifier.name, NOTE_KEY_TYPE.cosignature, ED25519);
  assert.notEqual(cosigner.verifier.id, LOG.verifier.id);
  const swapped = { ...line(LOG), id: cosigner.verifier.id };
  assert.equal(verifyNote(note(swapped), [cosigner.verifier]).ok, false);
  const time = line(cosigner);
  assert.equal(verifyNote(note({ ...time, id: LOG.verifier.id }), [LOG.verifier]).ok, false);
});

test('signatures of unknown keys change nothing, wherever they stand', () => {
  const { verifier } = LOG;
  const junk: NoteSignature[] = [
    { name: 'unknown.example', id: verifier.id, signature: utf8('junk') },
    { name: verifier.name, id: verifier.id ^ 1, signature: utf8('junk') },
    line(SIGNERS['cosignature'] as Signer),
  ];
  const own = line(LOG);
  const plain = verifyNote(note(own), [verifier]);
  for (const signatures of [
    [...junk, own],
    [own, ...junk],
    [junk[0] as NoteSignature, own, junk[1] as NoteSignature],
  ]) {
    assert.deepEqual(verifyNote(note(...signatures), [verifier]), plain);
  }
  const none = verifyNote(note(...junk), [verifier]);
  assert.equal(none.ok ? 'ok' : none.reason, 'KEY_MISMATCH');
  const noVerifiers = verifyNote(note(own), []);
  assert.equal(noVerifiers.ok ? 'ok' : noVerifiers.reason, 'KEY_MISMATCH');
});

test('a signature of a known key that fails refuses the note, however many others verify', () => {
  const known = Object.values(SIGNERS);
  const verifiers = known.map(({ verifier }) => verifier);
  assert.equal(verifyNote(note(...known.map((by) => line(by))), verifiers).ok, true);
  const [own, bad] = [line(LOG), { ...line(LOG), signature: new Uint8Array(64) }];
  for (const signatures of [
    [own, bad],
    [bad, own],
  ]) {
    const verdict = verifyNote(note(...signatures), verifiers);
    assert.equal(verdict.ok ? 'ok' : verdict.reason, 'SIGNATURE_INVALID');
  }
  // The same line twice is one signature.
  assert.deepEqual(verifyNote(note(own, own), verifiers), verifyNote(note(own), verifiers));
});

test('a cosignature without a time proves consistency, not freshness; a time beyond 2^63 - 1 is refused', () => {
  const witness = SIGNERS['subtree'] as Signer;
  assert.deepEqual(verifyNote(note(line(witness, TEXT, 0n)), [witness.verifier]), { ok: true, signatures: [{ verifier: witness.verifier }] });
  for (const by of [witness, SIGNERS['cosignature'] as Signer]) {
    assert.equal(verifyNote(note(line(by, TEXT, (1n << 63n) - 1n)), [by.verifier]).ok, true);
    assert.equal(verifyNote(note(line(by, TEXT, 1n << 63n)), [by.verifier]).ok, false);
  }
});

test('ML-DSA cosigners cannot sign what is no checkpoint', () => {
  const witness = SIGNERS['subtree'] as Signer;
  const text = 'not a checkpoint\n';
  assert.equal(cosignedSubtree({ text }, 'w', 1n), undefined);
  assert.equal(cosignedSubtree({ text: `${'o'.repeat(256)}${TEXT.slice(TEXT.indexOf('\n'))}` }, 'w', 1n), undefined);
  assert.equal(cosignedSubtree({ text: TEXT }, 'w'.repeat(256), 1n), undefined);
  assert.equal(verifyNote(parseNote(encodeNote(text, [line(witness)])), [witness.verifier]).ok, false);
});

test('ML-DSA cosigners state names of up to 255 bytes, of themselves and of the log', () => {
  const origin = 'o'.repeat(255);
  const text = `${origin}${TEXT.slice(TEXT.indexOf('\n'))}`;
  const long = signer('w'.repeat(255), NOTE_KEY_TYPE.subtree, generateKeyPairSync('ml-dsa-44'));
  const own = line(long, text);
  assert.deepEqual(verifyNote(parseNote(encodeNote(text, [own])), [long.verifier]), { ok: true, signatures: [{ verifier: long.verifier, time: TIME }] });
});

test('the line that a key adds names the key, and states a time where it cosigns', async () => {
  for (const [kind, by] of Object.entries(SIGNERS)) {
    const made = await signLine(TEXT, by, TIME);
    assert.deepEqual([made.name, made.id], [by.verifier.name, by.verifier.id], kind);
    const timed = by.verifier.statement === 'text' ? {} : { time: TIME };
    assert.deepEqual(verifyNote(note(made), [by.verifier]), { ok: true, signatures: [{ verifier: by.verifier, ...timed }] }, kind);
  }
});

test('the tree head of a certificate log verifies in its own length, algorithm and time only', () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ct = signer('ct.example/log', NOTE_KEY_TYPE.treeHead, pair);
  const { name, id } = ct.verifier;
  const lineOf = (text: string, time: bigint, change: (der: Uint8Array) => readonly Uint8Array[]): NoteSignature => {
    const der = ct.sign(treeHead({ text }, time) ?? assert.fail('no checkpoint'));
    return { name, id, signature: concatBytes(uint64(time), ...change(der)) };
  };
  const head = (algorithm: number, length: number): Uint8Array => Uint8Array.of(algorithm >> 8, algorithm & 0xff, length >> 8, length & 0xff);
  const whole = (der: Uint8Array): readonly Uint8Array[] => [head(TLS_ECDSA_SHA256, der.length), der];
  const verdict = (made: NoteSignature, text = TEXT): boolean => verifyNote(parseNote(encodeNote(text, [made])), [ct.verifier]).ok;
  assert.equal(verdict(lineOf(TEXT, TIME, whole)), true);
  for (const [why, change] of [
    ['one byte less than it says', (der: Uint8Array) => [head(TLS_ECDSA_SHA256, der.length), der.subarray(0, -1)]],
    ['one byte more', (der: Uint8Array) => [...whole(der), Uint8Array.of(0)]],
    ['another length', (der: Uint8Array) => [head(TLS_ECDSA_SHA256, der.length + 1), der]],
    ['another algorithm', (der: Uint8Array) => [head(0x0401, der.length), der]],
    ['nothing behind its head', () => [head(TLS_ECDSA_SHA256, 0)]],
    ['half a head', () => [Uint8Array.of(4, 3, 0)]],
    ['a time alone', () => []],
  ] as const) {
    assert.equal(verdict(lineOf(TEXT, TIME, change)), false, why);
  }
  const other = lineOf(TEXT, TIME, whole);
  assert.equal(verdict({ ...other, signature: concatBytes(uint64(TIME + 1n), other.signature.subarray(8)) }), false, 'another time');
  assert.equal(verdict(other, TEXT.replace('\n0\n', '\n1\n')), false, 'another tree');
  assert.equal(verdict(other, `${TEXT}a line that it would not cover\n`), false);
  assert.equal(treeHead({ text: `${TEXT}a line that it would not cover\n` }, TIME), undefined);
});

const B64 = encodeBase64(utf8('idid signature'));

test('the text ends at the last blank line', () => {
  const parsed = parseNote(`one\n\n\u2014 fake ${B64}\n\ntwo\n\n\u2014 real ${B64}\n`);
  assert.equal(parsed.text, `one\n\n\u2014 fake ${B64}\n\ntwo\n`);
  assert.deepEqual(
    parsed.signatures.map(({ name }) => name),
    ['real'],
  );
  assert.deepEqual(parsed.bytes, utf8(parsed.text));
});

test('malformed notes are refused', () => {
  const good = `text\n\n\u2014 name ${B64}\n`;
  assert.equal(parseNote(good).text, 'text\n');
  refused('', /no blank line/);
  refused('text\n', /no blank line/);
  refused('text\n\n', /carries no signature/);
  refused(`text\n\u2014 name ${B64}\n`, /no blank line/);
  refused(good.slice(0, -1), /does not end/);
  refused(`${good}\n`, /carries no signature/);
  refused(good.replace('\u2014 ', '- '), /signature line/);
  refused(good.replace('\u2014 ', '\u2014'), /signature line/);
  refused(good.replace('name', 'na+me'), /signature line/);
  refused(good.replace('name', 'na\u00a0me'), /signature line/);
  refused(good.replace('name ', ''), /signature line/);
  refused(good.replace('name', ''), /signature line/);
  refused(good.replace(B64, ''), /too short|signature line/);
  refused(good.replace(B64, 'aWRpZA=='), /too short/);
  refused(good.replace(B64, `${B64} `), /base64/);
  refused(good.replace(B64, B64.replace('=', '')), /base64/);
  refused(good.replace('text', 'te\txt'), /control/);
  refused(good.replace(/\n/g, '\r\n'), /control/);
  refused(good.replace('text', 'te\0xt'), /control/);
  refused(good.replace('text', 'te\ud800xt'), /UTF-8/);
  refused(concatBytes(Uint8Array.of(0xff), utf8(good)), /UTF-8/);
  assert.equal(parseNote(good.replace('text', 'te\u007fxt')).text, 'te\u007fxt\n');
});

test('bounds: one signature more than LIMITS.signaturesPerNote, one byte more than LIMITS.bundleBytes', () => {
  const lines = (count: number): string => `text\n\n${`\u2014 name ${B64}\n`.repeat(count)}`;
  assert.equal(parseNote(lines(LIMITS.signaturesPerNote)).signatures.length, LIMITS.signaturesPerNote);
  refused(lines(LIMITS.signaturesPerNote + 1), /bound/, 'ERR_TOO_LARGE');
  const tail = `\n\n\u2014 name ${B64}\n`;
  parseNote('x'.repeat(LIMITS.bundleBytes - tail.length) + tail);
  refused('x'.repeat(LIMITS.bundleBytes - tail.length + 1) + tail, /larger/, 'ERR_TOO_LARGE');
});

test('malformed verifier keys are refused', () => {
  const vkey = encodeVerifierKey(LOG.verifier, LOG.type);
  const [name, id, key] = [LOG.verifier.name, vkey.split('+')[1] as string, vkey.slice(vkey.indexOf('+', vkey.indexOf('+') + 1) + 1)];
  const bad = ['', name, `${name}+${id}`, `+${id}+${key}`, `${name}+${id}0+${key}`, `${name}+${id.slice(1)}+${key}`, `${name}+00000000+${key}`];
  bad.push(`${name} x+${id}+${key}`, `${name}x+${id}+${key}`, `${name}+${id}+${key} `, `${name}+${id}+${key.slice(4)}`, `${name}+${id}+`, `${name}+${id}+Bw==`);
  bad.push(`${name}+${id}+${encodeBase64(concatBytes(Uint8Array.of(0xff), utf8('OTHER'), LOG.verifier.key.spki))}`);
  for (const text of bad)
    assert.throws(
      () => parseVerifierKey(text),
      (error) => error instanceof SealwardError && error.code === 'ERR_LOG_FORMAT',
      text,
    );
  assert.throws(() => noteVerifier('name', NOTE_KEY_TYPE.subtree, LOG.verifier.key), SealwardError);
});

test('key names', () => {
  for (const name of ['a', 'example.com/log', '\u00e9', 'oid/1.2.3']) assert.equal(isKeyName(name), true, name);
  for (const name of ['', 'a b', 'a+b', 'a\u2003b', 'a\u00a0', '\u3000', 'a\nb']) assert.equal(isKeyName(name), false, JSON.stringify(name));
});

test('checkpoints are strict', () => {
  const root = encodeBase64(emptyRoot());
  const good = `origin\n12\n${root}\n`;
  assert.deepEqual(parseCheckpoint({ text: `${good}ext 1\next 2\n` }), { origin: 'origin', size: 12n, root: emptyRoot(), extensions: ['ext 1', 'ext 2'] });
  assert.equal(parseCheckpoint({ text: good.replace('12', '9223372036854775807') }).size, (1n << 63n) - 1n);
  const bad = ['', '\n', 'origin\n', 'origin\n12\n', `12\n${root}\n`, `origin\n${root}\n`, `\n12\n${root}\n`, good.slice(0, -1), `${good}\n`, `${good}\next\n`];
  for (const size of ['012', '-1', '+1', '1.0', '1e3', ' 12', '12 ', '0x12', '', '9223372036854775808', '1'.repeat(40), '\u0661'])
    bad.push(good.replace('12', size));
  for (const other of [root.slice(4), root.slice(0, -1), encodeBase64(new Uint8Array(31)), root.replace('+', '-'), `${root} `])
    bad.push(good.replace(root, other));
  for (const text of bad)
    assert.throws(
      () => parseCheckpoint({ text }),
      (error) => error instanceof SealwardError && error.code === 'ERR_LOG_FORMAT',
      JSON.stringify(text),
    );
});

const textLine = fc.string({ unit: 'grapheme' }).filter((text) => !/[\u0000-\u001f]/.test(text) && text.isWellFormed());
const keyName = fc.string({ unit: 'grapheme', minLength: 1 }).filter((name) => isKeyName(name) && !/[\u0000-\u001f]/.test(name) && name.isWellFormed());
const signatureLine = fc.record(
  { name: keyName, id: fc.integer({ min: 0, max: 0xffffffff }), signature: fc.uint8Array({ minLength: 1, maxLength: 80 }) },
  { noNullPrototype: true },
);

test('law: every note that is written reads back the same', () => {
  fc.assert(
    fc.property(fc.array(textLine), fc.array(signatureLine, { minLength: 1, maxLength: 5 }), (lines, signatures) => {
      const text = `${lines.join('\n')}\n`;
      const parsed = parseNote(encodeNote(text, signatures));
      assert.deepEqual(
        { text: parsed.text, signatures: parsed.signatures.map((s) => ({ ...s, signature: new Uint8Array(s.signature) })) },
        { text, signatures },
      );
      assert.equal(encodeNote(parsed.text, parsed.signatures), encodeNote(text, signatures));
    }),
  );
});

test('law: a note damaged anywhere is refused or does not verify, and is never anything worse', () => {
  const verifiers = [LOG, SIGNERS['cosignature'] as Signer].map(({ verifier }) => verifier);
  const bytes = utf8(encodeNote(TEXT, [line(LOG), line(SIGNERS['cosignature'] as Signer)]));
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), fc.boolean(), (at, change, cut) => {
      const damaged = cut ? bytes.subarray(0, at) : bytes.with(at, (bytes[at] as number) ^ change);
      try {
        const parsed = parseNote(damaged);
        const verdict = verifyNote(parsed, verifiers);
        // What can go is one of the two signatures; the text that remains is the one that was signed.
        if (verdict.ok) assert.equal(parsed.text, TEXT);
      } catch (error) {
        assert.ok(error instanceof SealwardError && error.code === 'ERR_LOG_FORMAT', String(error));
      }
    }),
    { numRuns: 1000 },
  );
});
