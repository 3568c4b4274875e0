/**
 * Every log entry of sigstore-conformance and of sigstore-js' bundles: what its promise, its proof and its body say. Most
 * cases that must be refused are refused elsewhere (identity, timestamps), and their entries are in order.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { requireVectors, vectorsPath } from '../../../test/vectors.ts';
import { hash, parsePublicKey, parsePublicKeyPem } from '../crypto/index.ts';
import { decodeBase64, encodeBase64, type JsonObject, utf8 } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { entryMatches, parseEntryBody, parseLogEntry, type Refusal, type TransparencyLog, verifyEntryInclusion, verifyInclusionPromise } from './index.ts';

/** The parts of a bundle and of a trusted root that are read here; the strict readers stand in other rooms. */
interface Bundle {
  readonly messageSignature?: { readonly signature: string };
  readonly dsseEnvelope?: { readonly payload: string; readonly payloadType: string; readonly signatures: readonly { readonly sig: string }[] };
  readonly verificationMaterial: {
    readonly certificate?: { readonly rawBytes: string };
    readonly x509CertificateChain?: { readonly certificates: readonly { readonly rawBytes: string }[] };
    readonly tlogEntries: readonly JsonObject[];
  };
}
interface Root {
  readonly tlogs: readonly { readonly baseUrl: string; readonly logId: { readonly keyId: string }; readonly publicKey: { readonly rawBytes: string } }[];
}

interface Case {
  readonly name: string;
  readonly bundle: Bundle;
  readonly logs: readonly TransparencyLog[];
  readonly artifact: Uint8Array;
  readonly keyPem?: string;
}

function readCases(): Case[] {
  const file = (path: string): string | undefined => (existsSync(path) ? readFileSync(path, 'utf8') : undefined);
  const publicGood = file(vectorsPath('trusted_root.public-good.json')) as string;
  const cases: Case[] = [];
  for (const name of readdirSync(vectorsPath('sigstore-conformance'))) {
    const at = (part: string): string => vectorsPath('sigstore-conformance', name, part);
    const json = file(at('bundle.sigstore.json'));
    if (json === undefined || name === 'bundle-malformed-json_fail') continue;
    const artifact = existsSync(at('artifact')) ? at('artifact') : vectorsPath('sigstore-conformance', 'a.txt');
    const keyPem = file(at('key.pub'));
    const logs = readLogs(file(at('trusted_root.json')) ?? publicGood);
    cases.push({ name, bundle: JSON.parse(json) as Bundle, logs, artifact: readFileSync(artifact), ...(keyPem === undefined ? {} : { keyPem }) });
  }
  for (const name of readdirSync(vectorsPath('sigstore-js-bundles'))) {
    const bundle = JSON.parse(file(vectorsPath('sigstore-js-bundles', name)) as string) as Bundle;
    cases.push({ name, bundle, logs: readLogs(publicGood), artifact: new Uint8Array() });
  }
  return cases;
}

function readLogs(json: string): TransparencyLog[] {
  return (JSON.parse(json) as Root).tlogs.map(({ baseUrl, logId, publicKey }) => {
    return { baseUrl, logId: decodeBase64(logId.keyId), key: parsePublicKey(decodeBase64(publicKey.rawBytes)) };
  });
}

/** What is said of an entry: promise, inclusion, body; `-` for what it does not carry. */
function judge({ bundle, logs, artifact, keyPem }: Case, json: JsonObject): string {
  const entry = parseLogEntry(json);
  const log = logs.find(({ logId }) => Buffer.compare(logId, entry.logId) === 0);
  const word = (answer: { readonly ok: true } | Refusal | undefined): string => (answer ? (answer.ok ? 'ok' : answer.reason) : 'LOG_UNKNOWN');
  const promise = entry.inclusionPromise ? word(log && verifyInclusionPromise(entry, log)) : '-';
  const inclusion = entry.inclusionProof ? word(log && verifyEntryInclusion(entry, log)) : '-';
  return [promise, inclusion, word(matchBody(entry))].join(' ');

  function matchBody(entry: ReturnType<typeof parseLogEntry>): ReturnType<typeof entryMatches> {
    const { certificate, x509CertificateChain } = bundle.verificationMaterial;
    const der = certificate?.rawBytes ?? x509CertificateChain?.certificates[0]?.rawBytes;
    const envelope = bundle.dsseEnvelope;
    const payload = envelope && decodeBase64(envelope.payload);
    const message =
      envelope && payload ? Buffer.concat([utf8(`DSSEv1 ${envelope.payloadType.length} ${envelope.payloadType} ${payload.length} `), payload]) : artifact;
    return entryMatches(parseEntryBody(entry), {
      signature: decodeBase64(bundle.messageSignature?.signature ?? envelope?.signatures[0]?.sig ?? ''),
      verifier: der ? { kind: 'certificate', der: decodeBase64(der) } : { kind: 'publicKey', der: readKey(keyPem) },
      signed: (name) => hash(name, message),
      ...(envelope && payload ? { payload: (name) => hash(name, payload), payloadType: envelope.payloadType } : {}),
    });
  }
}

/** The key of one case is no key at all; no entry is about that. */
function readKey(pem: string | undefined): Uint8Array {
  try {
    return pem === undefined ? new Uint8Array() : parsePublicKeyPem(pem).spki;
  } catch (error) {
    assert.ok(error instanceof SealwardError);
    return new Uint8Array();
  }
}

const V1 = 'ok ok ok';
const V2 = '- ok ok';
/** Every case whose entry is not as its kind should be; the others are V1 or V2 by whether they carry a promise. */
const EXPECTED: Readonly<Record<string, string>> = {
  'bundle-empty-certificate-chain_fail': 'ERR_LOG_FORMAT',
  'bundle-from-wrong-instance_fail': 'LOG_UNKNOWN LOG_UNKNOWN ok',
  'bundle-invalid-base64-signature_fail': 'ERR_LOG_FORMAT',
  'bundle-negative-log-index_fail': 'ERR_LOG_FORMAT',
  'bundle-unknown-version_fail': 'ERR_LOG_FORMAT',
  'bundle-with-root-cert_fail': 'ok LOG_PROOF_MISSING ok',
  'checkpoint-bad-keyhint_fail': 'ok CHECKPOINT_INVALID ok',
  'checkpoint-wrong-roothash_fail': 'ok LOG_PROOF_INVALID ok',
  'dsse-invalid-sig_fail': 'ok ok LOG_ENTRY_MISMATCH',
  'dsse-mismatch-envelope_fail': 'ok ok LOG_ENTRY_MISMATCH',
  'dsse-mismatch-sig_fail': 'ok ok LOG_ENTRY_MISMATCH',
  'inclusion-proof-corrupted-hash_fail': 'ok LOG_PROOF_INVALID ok',
  'incorrect-public-key_fail': 'LOG_PROMISE_INVALID LOG_PROOF_INVALID LOG_ENTRY_MISMATCH',
  'intoto-log-entry-mismatch_fail': 'ok ok LOG_ENTRY_MISMATCH',
  'intoto-missing-inclusion-proof_fail': 'ok - ok',
  'invalid-checkpoint-signature_fail': 'ok CHECKPOINT_INVALID ok',
  'invalid-inclusion-proof_fail': 'ok LOG_PROOF_INVALID ok',
  // The entry is about the certificate or key that the case leaves out or replaces.
  'managed-key-no-key_fail': 'ok ok LOG_ENTRY_MISMATCH',
  'managed-key-wrong-key_fail': 'ok ok LOG_ENTRY_MISMATCH',
  'rekor2-checkpoint-missing-log-signature_fail': '- CHECKPOINT_INVALID ok',
  'rekor2-checkpoint-missing-origin_fail': '- CHECKPOINT_INVALID ok',
  'rekor2-checkpoint-missing-root-hash_fail': '- CHECKPOINT_INVALID ok',
  'rekor2-checkpoint-missing-size_fail': '- CHECKPOINT_INVALID ok',
  'rekor2-checkpoint-no-matching-signature_fail': '- CHECKPOINT_INVALID ok',
  'rekor2-dsse-invalid-sig_fail': '- ok LOG_ENTRY_MISMATCH',
  'rekor2-dsse-mismatch-envelope_fail': '- ok LOG_ENTRY_MISMATCH',
  'rekor2-dsse-mismatch-sig_fail': '- ok LOG_ENTRY_MISMATCH',
  'rekor2-no-inclusion-proof_fail': '- - ok',
  'set-invalid-signature_fail': 'LOG_PROMISE_INVALID ok ok',
  'signature-mismatch_fail': 'ok ok LOG_ENTRY_MISMATCH',
  'wrong-hashedrekord-artifact_fail': 'ok ok LOG_ENTRY_MISMATCH',
  'wrong-hashedrekord-cert-and-sig_fail': 'ok ok LOG_ENTRY_MISMATCH',
  'wrong-hashedrekord-entry_fail': 'ok ok LOG_ENTRY_MISMATCH',
  'wrong-material_fail': 'ok ok LOG_ENTRY_MISMATCH',
  'bundleV01-dsse-no-proof.sigstore': 'ok - ok',
  'bundleV01-full-cert-chain.sigstore': 'ok - ok',
  'bundleV01-intoto-no-proof.sigstore': 'ok - ok',
};

function outcome(c: Case, json: JsonObject): string {
  try {
    return judge(c, json);
  } catch (error) {
    assert.ok(error instanceof SealwardError, String(error));
    return error.code;
  }
}

test('every entry of the vectors comes out as its case says, for its own reason', (t) => {
  if (!requireVectors(t, 'sigstore-conformance') || !requireVectors(t, 'sigstore-js-bundles')) return;
  const cases = readCases();
  assert.equal(cases.length, 69 + 9);
  for (const c of cases) {
    const expected = EXPECTED[c.name];
    for (const json of c.bundle.verificationMaterial.tlogEntries) {
      assert.equal(outcome(c, json), expected ?? ('inclusionPromise' in json ? V1 : V2), c.name);
    }
  }
});

/** One real entry of every kind, in both generations. */
const MUTATED = [
  'happy-path-v0.3',
  'managed-key-happy-path',
  'happy-path-intoto-in-dsse-v3',
  'intoto-with-custom-trust-root',
  'rekor2-happy-path',
  'rekor2-dsse-happy-path',
];

test('one bit changed anywhere in what a log authenticates is refused', (t) => {
  if (!requireVectors(t, 'sigstore-conformance')) return;
  for (const c of readCases().filter(({ name }) => MUTATED.includes(name))) {
    const [json] = c.bundle.verificationMaterial.tlogEntries as [JsonObject];
    const good = outcome(c, json);
    assert.ok(good === V1 || good === V2);
    let refused = 0;
    for (const { path, mutant } of mutants(json)) {
      assert.notEqual(outcome(c, mutant), good, `${c.name}: ${path}`);
      refused++;
    }
    assert.ok(refused > 100);
  }
});

/** The entry with single bits flipped in each of its values, decoded first so that spelling alone is never what differs. */
function* mutants(entry: JsonObject): Generator<{ path: string; mutant: JsonObject }> {
  const seen: string[][] = [];
  collect(entry, [], seen);
  for (const path of seen) {
    const value = path.reduce<unknown>((at, key) => (at as JsonObject)[key], entry) as string;
    for (const changed of changes(path.join('.'), value)) {
      const mutant = structuredClone(entry);
      const holder = path.slice(0, -1).reduce<unknown>((at, key) => (at as JsonObject)[key], mutant) as JsonObject;
      holder[path.at(-1) as string] = changed;
      yield { path: `${path.join('.')} ${changed.slice(0, 300)}`, mutant };
    }
  }
}

function collect(value: unknown, path: string[], out: string[][]): void {
  if (typeof value === 'string') out.push(path);
  else if (typeof value === 'object' && value !== null) for (const [key, member] of Object.entries(value)) collect(member, [...path, key], out);
}

function* changes(path: string, value: string): Generator<string> {
  if (/logIndex$|treeSize$|integratedTime$/.test(path)) {
    yield String(BigInt(value) + 1n);
    yield String(BigInt(value) - 1n);
  } else if (/kind$|version$/.test(path)) yield `${value}x`;
  else if (path.endsWith('envelope')) {
    // The log's line comes first in these; behind it stand cosignatures, which the next test changes.
    const end = value.indexOf('\n', value.indexOf('\u2014')) + 1;
    for (let at = 0; at < end; at++) yield value.slice(0, at) + String.fromCharCode(value.charCodeAt(at) ^ 1) + value.slice(at + 1);
  } else {
    const bytes = decodeBase64(value);
    const step = Math.max(1, Math.floor(bytes.length / 40));
    for (let at = 0; at < bytes.length; at += step) yield encodeBase64(new Uint8Array(bytes).with(at, (bytes[at] as number) ^ (1 << (at % 8))));
  }
}

test('cosignatures of unknown witnesses may be changed, added and left out, and nothing else becomes of it', (t) => {
  if (!requireVectors(t, 'sigstore-conformance')) return;
  for (const c of readCases().filter(({ name }) => name === 'rekor2-dsse-happy-path' || name === 'rekor2-checkpoint-multiple-cosigs')) {
    const [json] = c.bundle.verificationMaterial.tlogEntries as [JsonObject];
    const proof = json['inclusionProof'] as JsonObject;
    const envelope = (proof['checkpoint'] as JsonObject)['envelope'] as string;
    const [text, lines] = [envelope.slice(0, envelope.indexOf('\u2014')), envelope.slice(envelope.indexOf('\u2014')).trimEnd().split('\n')];
    const [own, ...others] = lines as [string, ...string[]];
    assert.ok(others.length > 0);
    const changed = others.map((line) => line.replace(/[A-Za-z0-9](?=[A-Za-z0-9+/]{40})/g, (letter) => (letter === 'A' ? 'B' : 'A')));
    for (const set of [[own], [own, ...changed], [...others, own], [others[0] as string, own, ...others]]) {
      const withSet = { ...json, inclusionProof: { ...proof, checkpoint: { envelope: `${text}${set.join('\n')}\n` } } };
      assert.equal(outcome(c, withSet), V2);
    }
    const withoutOwn = { ...json, inclusionProof: { ...proof, checkpoint: { envelope: `${text}${others.join('\n')}\n` } } };
    assert.equal(outcome(c, withoutOwn), '- CHECKPOINT_INVALID ok');
  }
});
