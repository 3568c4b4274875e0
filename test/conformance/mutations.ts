/**
 * Changes to an accepted case, each of which must be refused, with the reasons that are right for it. A change that a
 * case has no place for leaves it as it is and says so.
 */
import { decodeBase64, encodeBase64 } from '../../src/core/encoding/index.ts';
import type { FindingCode } from '../../src/core/errors.ts';
import type { CertificateJson, EntryJson, ProofJson } from './bundle-json.ts';
import type { JudgedCase } from './judged-case.ts';
import type { Random } from './random.ts';
import { unauthenticatedBytes } from './token-regions.ts';

/** A case whose parts may be replaced; `bundle` is a copy of its own. */
export type Mutant = { -readonly [Part in keyof JudgedCase]: JudgedCase[Part] };

export interface Mutation {
  readonly name: string;
  readonly reasons: readonly FindingCode[];
  /** Changes the mutant; false when the case has nothing to change. `other` is another accepted case. */
  readonly apply: (mutant: Mutant, random: Random, other: JudgedCase) => boolean;
}

/** Base64 with one bit of one byte changed; of the bytes that `allowed` lets through. */
export function flipBit(base64: string, random: Random, allowed: (at: number) => boolean = () => true): string {
  const bytes = new Uint8Array(decodeBase64(base64));
  let at = random.below(bytes.length);
  while (!allowed(at)) at = random.below(bytes.length);
  bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
  return encodeBase64(bytes);
}

/** One bit of one character changed. */
function flipCharacter(text: string, random: Random, from = 0, to: number = text.length): string {
  const at = from + random.below(to - from);
  return `${text.slice(0, at)}${String.fromCharCode(text.charCodeAt(at) ^ (1 << random.below(7)))}${text.slice(at + 1)}`;
}

type Bundled = Pick<JudgedCase, 'bundle'>;

const materialOf = ({ bundle }: Bundled): Bundled['bundle']['verificationMaterial'] => bundle.verificationMaterial;
const entryOf = (of: Bundled): EntryJson => materialOf(of).tlogEntries[0] as EntryJson;
const proofOf = (of: Bundled): ProofJson | undefined => entryOf(of).inclusionProof ?? undefined;
const isKeyless = ({ who }: JudgedCase): boolean => who.key === undefined;
const tokensOf = (of: Bundled): { signedTimestamp: string }[] => materialOf(of).timestampVerificationData?.rfc3161Timestamps ?? [];
/** Whether timestamps are the only thing that dates the case. */
const needsTimestamp = (of: JudgedCase): boolean => isKeyless(of) && !entryOf(of).inclusionPromise;
const isFirstVersion = ({ bundle }: Bundled): boolean => bundle.mediaType.endsWith('0.1');

function certificateOf(of: Bundled): CertificateJson | undefined {
  const { certificate, x509CertificateChain } = materialOf(of);
  return certificate ?? x509CertificateChain?.certificates[0];
}

function signatureOf({ bundle }: Bundled): string {
  return bundle.messageSignature?.signature ?? bundle.dsseEnvelope?.signatures[0]?.sig ?? '';
}

function changeSignature({ bundle }: Bundled, by: (value: string) => string): boolean {
  return change(bundle.messageSignature, 'signature', by) || change(bundle.dsseEnvelope?.signatures[0], 'sig', by);
}

/** Changes a member by a function; false when it is not there or comes out as it was. */
function change<Name extends string | number>(holder: { [Key in Name]?: unknown } | null | undefined, name: Name, by: (value: string) => string): boolean {
  const before = holder?.[name];
  if (!holder || typeof before !== 'string') return false;
  holder[name] = by(before);
  return holder[name] !== before;
}

/** Takes over what stands in the same place of another case; false when that is the same. */
function take<T extends object>(holder: T | null | undefined, other: T | null | undefined, name: keyof T): boolean {
  if (!holder?.[name] || !other?.[name] || JSON.stringify(holder[name]) === JSON.stringify(other[name])) return false;
  holder[name] = structuredClone(other[name]);
  return true;
}

function shift<Name extends string>(holder: { [Key in Name]?: unknown } | null | undefined, name: Name, random: Random): boolean {
  return change(holder, name, (value) => String(Math.max(0, Number(value) + random.pick([-1, 1]))));
}

function spliceHashes(m: Bundled, random: Random, remove: number, add: readonly string[]): boolean {
  const hashes = proofOf(m)?.hashes;
  if (!hashes || hashes.length < remove) return false;
  hashes.splice(random.below(hashes.length + 1 - remove), remove, ...add);
  return true;
}

/** The lines of the checkpoint that the log signed, and the line with its signature; the lines of witnesses come after others. */
function checkpointParts(envelope: string): { readonly text: number; readonly log: readonly [number, number] } {
  const text = envelope.lastIndexOf('\n\n') + 1;
  const origin = envelope.slice(0, envelope.indexOf('\n')).split(' - ')[0] as string;
  const log = envelope.indexOf(`\u2014 ${origin} `, text);
  return { text, log: [log, envelope.indexOf('\n', log)] };
}

const SIGNATURE: readonly FindingCode[] = ['SIGNATURE_INVALID', 'KEY_MISMATCH'];

const PARTS: readonly Mutation[] = [
  {
    name: 'a bit of the signature',
    reasons: SIGNATURE,
    apply: (m, random) => changeSignature(m, (value) => flipBit(value, random)),
  },
  {
    name: 'a bit of the certificate',
    reasons: ['BUNDLE_MALFORMED', 'SIGNATURE_INVALID', 'ALGORITHM_REFUSED', 'CERTIFICATE_UNTRUSTED'],
    apply: (m, random) => change(certificateOf(m), 'rawBytes', (value) => flipBit(value, random)),
  },
  {
    name: 'a bit of the promise',
    reasons: ['LOG_PROMISE_INVALID'],
    apply: (m, random) => change(entryOf(m).inclusionPromise, 'signedEntryTimestamp', (value) => flipBit(value, random)),
  },
  {
    name: 'the time of the promise',
    reasons: ['LOG_PROMISE_INVALID'],
    apply: (m, random) => Boolean(entryOf(m).inclusionPromise) && shift(entryOf(m), 'integratedTime', random),
  },
  {
    name: 'a bit of the entry',
    reasons: ['BUNDLE_MALFORMED', 'LOG_ENTRY_MISMATCH', 'LOG_PROMISE_INVALID', 'LOG_PROOF_INVALID'],
    apply: (m, random) => change(entryOf(m), 'canonicalizedBody', (value) => flipBit(value, random)),
  },
  { name: 'a bit of the log’s ID', reasons: ['LOG_UNKNOWN'], apply: (m, random) => change(entryOf(m).logId, 'keyId', (value) => flipBit(value, random)) },
  {
    name: 'a character of the entry’s kind',
    reasons: ['BUNDLE_MALFORMED'],
    apply: (m, random) => change(entryOf(m).kindVersion, random.pick(['kind', 'version']), (value) => flipCharacter(value, random)),
  },
  { name: 'the index of the entry', reasons: ['LOG_PROMISE_INVALID', 'LOG_PROOF_INVALID'], apply: (m, random) => shift(entryOf(m), 'logIndex', random) },
  { name: 'the index of the proof', reasons: ['LOG_PROOF_INVALID'], apply: (m, random) => shift(proofOf(m), 'logIndex', random) },
  { name: 'the tree size beside the checkpoint', reasons: ['LOG_PROOF_INVALID'], apply: (m, random) => shift(proofOf(m), 'treeSize', random) },
  {
    name: 'a bit of the root hash beside the checkpoint',
    reasons: ['LOG_PROOF_INVALID'],
    apply: (m, random) => change(proofOf(m), 'rootHash', (value) => flipBit(value, random)),
  },
  {
    name: 'a bit of a proof hash',
    reasons: ['LOG_PROOF_INVALID'],
    apply: (m, random) => change(proofOf(m)?.hashes, random.below(proofOf(m)?.hashes.length ?? 1), (value) => flipBit(value, random)),
  },
  {
    name: 'a proof hash less',
    reasons: ['LOG_PROOF_INVALID'],
    apply: (m, random) => spliceHashes(m, random, 1, []),
  },
  {
    name: 'a proof hash more',
    reasons: ['LOG_PROOF_INVALID'],
    apply: (m, random) => spliceHashes(m, random, 0, [proofOf(m)?.rootHash ?? '']),
  },
  {
    name: 'a character of the checkpoint’s text',
    reasons: ['CHECKPOINT_INVALID'],
    apply: (m, random) => change(proofOf(m)?.checkpoint, 'envelope', (value) => flipCharacter(value, random, 0, checkpointParts(value).text)),
  },
  {
    name: 'a character of the log’s signature line',
    reasons: ['CHECKPOINT_INVALID'],
    apply: (m, random) => change(proofOf(m)?.checkpoint, 'envelope', (value) => flipCharacter(value, random, ...checkpointParts(value).log)),
  },
  {
    name: 'a bit of a timestamp',
    reasons: ['TIMESTAMP_INVALID'],
    apply: (m, random) =>
      change(tokensOf(m)[0], 'signedTimestamp', (value) => {
        const free = unauthenticatedBytes(decodeBase64(value));
        return flipBit(value, random, (at) => !free.has(at));
      }),
  },
  {
    name: 'a bit of the digest beside the signature',
    reasons: ['DIGEST_MISMATCH'],
    apply: (m, random) => change(m.bundle.messageSignature?.messageDigest, 'digest', (value) => flipBit(value, random)),
  },
  {
    name: 'a bit of the payload',
    reasons: ['BUNDLE_MALFORMED', 'DIGEST_MISMATCH', 'SIGNATURE_INVALID'],
    apply: (m, random) => change(m.bundle.dsseEnvelope, 'payload', (value) => flipBit(value, random)),
  },
  {
    name: 'a character of the payload’s type',
    reasons: ['FORMAT_UNSUPPORTED'],
    apply: (m, random) => change(m.bundle.dsseEnvelope, 'payloadType', (value) => flipCharacter(value, random)),
  },
  {
    // CVE-2026-48758: a character whose low byte is the same.
    name: 'a character of the payload’s type with the same low byte',
    reasons: ['FORMAT_UNSUPPORTED'],
    apply: (m, random) =>
      change(m.bundle.dsseEnvelope, 'payloadType', (value) => {
        const at = random.below(value.length);
        return `${value.slice(0, at)}${String.fromCharCode(value.charCodeAt(at) | 0x100)}${value.slice(at + 1)}`;
      }),
  },
];

const BORROWED: readonly Mutation[] = [
  {
    name: 'the log entry of another case',
    reasons: ['LOG_ENTRY_MISMATCH', 'LOG_UNKNOWN'],
    apply: (m, _, other) => entryOf(m).canonicalizedBody !== entryOf(other).canonicalizedBody && take(materialOf(m), materialOf(other), 'tlogEntries'),
  },
  { name: 'the promise of another entry', reasons: ['LOG_PROMISE_INVALID'], apply: (m, _, other) => take(entryOf(m), entryOf(other), 'inclusionPromise') },
  {
    name: 'the proof of another entry',
    reasons: ['LOG_PROOF_INVALID', 'CHECKPOINT_INVALID'],
    apply: (m, _, other) => entryOf(m).canonicalizedBody !== entryOf(other).canonicalizedBody && take(entryOf(m), entryOf(other), 'inclusionProof'),
  },
  {
    name: 'the checkpoint of another proof',
    reasons: ['LOG_PROOF_INVALID', 'CHECKPOINT_INVALID'],
    apply: (m, _, other) => proofOf(m)?.rootHash !== proofOf(other)?.rootHash && take(proofOf(m), proofOf(other), 'checkpoint'),
  },
  { name: 'the certificate of another case', reasons: ['SIGNATURE_INVALID'], apply: (m, _, other) => take(certificateOf(m), certificateOf(other), 'rawBytes') },
  {
    name: 'the signature of another case',
    // Two cases are signatures of one key over one artifact: there the entry is of the other one.
    reasons: [...SIGNATURE, 'LOG_ENTRY_MISMATCH'],
    apply: (m, _, other) => changeSignature(m, () => signatureOf(other)),
  },
  {
    name: 'the timestamp of another signature',
    reasons: ['TIMESTAMP_MISMATCH', 'TIMESTAMP_UNTRUSTED'],
    apply: (m, _, other) =>
      needsTimestamp(m) &&
      signatureOf(m) !== signatureOf(other) &&
      tokensOf(other).length > 0 &&
      take(materialOf(m), materialOf(other), 'timestampVerificationData'),
  },
];

const MISSING: readonly Mutation[] = [
  { name: 'no log entry', reasons: ['LOG_ENTRY_MISSING'], apply: (m) => Boolean(materialOf(m).tlogEntries.splice(0).length) },
  { name: 'no proof', reasons: ['LOG_PROOF_MISSING'], apply: (m) => !isFirstVersion(m) && delete entryOf(m).inclusionProof },
  { name: 'no checkpoint', reasons: ['LOG_PROOF_MISSING'], apply: (m) => !isFirstVersion(m) && delete proofOf(m)?.checkpoint },
  {
    name: 'no promise, and no other time',
    reasons: ['TIME_MISSING', 'LOG_OUTSIDE_WINDOW'],
    apply: (m) => isKeyless(m) && tokensOf(m).length === 0 && Boolean(proofOf(m)) && delete entryOf(m).inclusionPromise,
  },
  { name: 'no timestamp, and no other time', reasons: ['TIME_MISSING'], apply: (m) => needsTimestamp(m) && Boolean(tokensOf(m).splice(0).length) },
];

const one = (of: string, random: Random, by: (character: string) => string, where: RegExp): string => {
  const places = [...of.matchAll(where)].map(({ index }) => index);
  const at = random.pick(places);
  return `${of.slice(0, at)}${by(of.charAt(at))}${of.slice(at + 1)}`;
};

const IDENTITIES: readonly [string, (of: string, random: Random) => string][] = [
  ['a character more', (of, random) => (random.below(2) === 0 ? `${of}x` : `x${of}`)],
  ['a character less', (of, random) => one(of, random, () => '', /^.|.$/g)],
  ['another character in place of a dot', (of, random) => one(of, random, () => random.pick(['x', '-', '/', '\u2024']), /\./g)],
  ['a letter in another case', (of, random) => one(of, random, (c) => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase()), /[a-z]/gi)],
  ['a pattern', (of, random) => random.pick(['.*', '*', `^${of}$`, of.replaceAll('.', '\\.'), of.replace(/.{8}$/, '*'), ''])],
  ['a space around it', (of, random) => random.pick([` ${of}`, `${of} `, `${of}\n`])],
];

const WHO: readonly Mutation[] = [
  ...IDENTITIES.map(
    ([what, by]): Mutation => ({
      name: `the identity with ${what}`,
      reasons: ['IDENTITY_MISMATCH'],
      apply: (m, random) => isKeyless(m) && Boolean((m.who = { ...m.who, identity: by(m.who.identity ?? '', random) })),
    }),
  ),
  ...([['a slash at its end', (of: string) => `${of}/`], ...IDENTITIES] as typeof IDENTITIES).map(
    ([what, by]): Mutation => ({
      name: `the issuer with ${what}`,
      reasons: ['ISSUER_MISMATCH'],
      apply: (m, random) => isKeyless(m) && Boolean((m.who = { ...m.who, issuer: by(m.who.issuer ?? '', random) })),
    }),
  ),
];

const ARTIFACTS: readonly Mutation[] = [
  {
    name: 'the artifact of another case',
    reasons: ['DIGEST_MISMATCH'],
    apply: (m, _, other) => m.subject.digests.sha256 !== other.subject.digests.sha256 && Boolean((m.subject = other.subject)),
  },
  {
    name: 'another digit of the digest',
    reasons: ['DIGEST_MISMATCH'],
    apply: (m, random) => {
      const changed = Object.entries(m.subject.digests).map(([hash, hex]) => [hash, one(hex, random, (digit) => (digit === '0' ? '1' : '0'), /./g)]);
      m.subject = { digests: Object.fromEntries(changed) as JudgedCase['subject']['digests'] };
      return true;
    },
  },
];

export const MUTATIONS: readonly Mutation[] = [...PARTS, ...BORROWED, ...MISSING, ...WHO, ...ARTIFACTS];
