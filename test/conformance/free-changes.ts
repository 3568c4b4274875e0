/** Changes to what nothing authenticates: another spelling of the same document, hints, and what strangers add. */
import { decodeBase64, encodeBase64, encodeBase64Url } from '../../src/core/encoding/index.ts';
import type { Json } from './judged-case.ts';
import type { Mutant } from './mutations.ts';
import type { Random } from './random.ts';

export interface FreeChange {
  readonly name: string;
  /** The bundle's JSON, changed; undefined when the case has nothing to change. */
  readonly apply: (mutant: Mutant, random: Random) => string | undefined;
}

/** The fields of type bytes in the documents of Sigstore; the strings within are no part of the JSON around them. */
const BYTES = new Set([
  'rawBytes',
  'keyId',
  'signedEntryTimestamp',
  'rootHash',
  'hashes',
  'canonicalizedBody',
  'signedTimestamp',
  'digest',
  'signature',
  'sig',
  'payload',
]);
const INT64 = new Set(['logIndex', 'treeSize', 'integratedTime']);
const ENUMS: Readonly<Record<string, number>> = { SHA2_256: 1, SHA2_384: 2, SHA2_512: 3 };

/** Rewrites every member of a document by name and value. */
function rewrite(value: Json, name: string, by: (name: string, value: Json) => readonly [string, Json]): Json {
  if (Array.isArray(value)) return value.map((item) => (typeof item === 'object' ? rewrite(item, '', by) : by(name, item)[1]));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      const [newKey, newMember] = by(key, member);
      return [newKey, typeof newMember === 'object' ? rewrite(newMember, key, by) : newMember];
    }),
  );
}

const spelled = (by: (name: string, value: Json, random: Random) => readonly [string, Json]): FreeChange['apply'] => {
  return ({ bundle }, random) => JSON.stringify(rewrite(bundle, '', (name, value) => by(name, value, random)));
};

function reversed(value: Json): Json {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reversed(member)]),
  );
}

/** Applies where the part is there, and gives the whole document. */
const edited = (by: (bundle: Json, random: Random) => boolean): FreeChange['apply'] => {
  return ({ bundle }, random) => (by(bundle, random) ? JSON.stringify(bundle) : undefined);
};

const material = (bundle: Json): Json => bundle.verificationMaterial;
const checkpointOf = (bundle: Json): Json => material(bundle).tlogEntries[0].inclusionProof?.checkpoint;

export const FREE_CHANGES: readonly FreeChange[] = [
  { name: 'white space', apply: ({ bundle }, random) => `\n${JSON.stringify(bundle, null, random.pick([1, 2, '\t', '\r\n']))} \n` },
  { name: 'the order of keys', apply: ({ bundle }) => JSON.stringify(reversed(bundle)) },
  {
    name: 'escapes in strings',
    apply: ({ bundle }) => JSON.stringify(bundle).replace(/[/@A-Fe]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
  },
  { name: 'names in snake_case', apply: spelled((name, value) => [name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]) },
  {
    name: 'base64url, padded or not',
    apply: spelled((name, value, random) => {
      if (!BYTES.has(name) || typeof value !== 'string') return [name, value];
      const url = encodeBase64Url(decodeBase64(value));
      return [name, random.below(2) === 0 ? url : url.padEnd(value.length, '=')];
    }),
  },
  { name: 'base64 without padding', apply: spelled((name, value) => [name, BYTES.has(name) && typeof value === 'string' ? value.replace(/=+$/, '') : value]) },
  { name: 'enums as numbers', apply: spelled((name, value) => [name, name === 'algorithm' ? (ENUMS[value] ?? value) : value]) },
  { name: 'int64 as numbers', apply: spelled((name, value) => [name, INT64.has(name) ? Number(value) : value]) },
  { name: 'int64 as strings', apply: spelled((name, value) => [name, INT64.has(name) ? String(value) : value]) },
  {
    name: 'null for what is not there',
    apply: edited((bundle) => {
      bundle.messageSignature ??= null;
      bundle.dsseEnvelope ??= null;
      for (const name of ['publicKey', 'certificate', 'x509CertificateChain', 'timestampVerificationData']) material(bundle)[name] ??= null;
      for (const entry of material(bundle).tlogEntries) for (const name of ['integratedTime', 'inclusionPromise', 'inclusionProof']) entry[name] ??= null;
      return true;
    }),
  },
  {
    name: 'an empty list of timestamps',
    apply: edited((bundle) =>
      material(bundle).timestampVerificationData?.rfc3161Timestamps?.length
        ? false
        : Boolean((material(bundle).timestampVerificationData = { rfc3161Timestamps: [] })),
    ),
  },
  {
    name: 'another key hint',
    apply: edited(
      (bundle, random) =>
        Boolean(material(bundle).publicKey) && Boolean((material(bundle).publicKey = { hint: random.pick(['', 'x', 'a'.repeat(64), '\u0000']) })),
    ),
  },
  { name: 'no key hint', apply: edited((bundle) => Boolean(material(bundle).publicKey) && delete material(bundle).publicKey.hint) },
  {
    name: 'a key ID in the envelope',
    apply: edited(
      (bundle, random) =>
        Boolean(bundle.dsseEnvelope) && Boolean((bundle.dsseEnvelope.signatures[0].keyid = random.pick(['', 'somebody else', 'SHA256:x'])) !== undefined),
    ),
  },
  {
    name: 'cosignatures of unknown witnesses',
    apply: edited((bundle, random) => {
      const checkpoint = checkpointOf(bundle);
      if (!checkpoint) return false;
      const name = random.pick(['witness.example', 'rekor.sigstore.dev', 'log2025-alpha1.rekor.sigstage.dev']);
      checkpoint.envelope += `\u2014 ${name} ${encodeBase64(Uint8Array.from({ length: 76 }, (_, i) => random.below(256) ^ i))}\n`;
      return true;
    }),
  },
  {
    name: 'cosignatures of unknown witnesses, before the log’s own',
    apply: edited((bundle, random) => {
      const checkpoint = checkpointOf(bundle);
      if (!checkpoint) return false;
      const line = `\u2014 witness.example ${encodeBase64(Uint8Array.from({ length: 76 }, () => random.below(256)))}\n`;
      const split = checkpoint.envelope.lastIndexOf('\n\n') + 2;
      checkpoint.envelope = checkpoint.envelope.slice(0, split) + line + checkpoint.envelope.slice(split);
      return true;
    }),
  },
  {
    name: 'a time that no promise covers',
    apply: edited((bundle, random) => {
      const [entry] = material(bundle).tlogEntries;
      if (entry.inclusionPromise) return false;
      entry.integratedTime = String(1 + random.below(2 ** 31));
      return true;
    }),
  },
  {
    name: 'superfluous certificates in the chain',
    apply: edited((bundle) => {
      const chain = material(bundle).x509CertificateChain?.certificates;
      if (!chain) return false;
      chain.push(structuredClone(chain[0]));
      return true;
    }),
  },
  {
    name: 'no more than the leaf in the chain',
    apply: edited((bundle) =>
      material(bundle).x509CertificateChain?.certificates.length > 1 ? Boolean(material(bundle).x509CertificateChain.certificates.splice(1)) : false,
    ),
  },
  {
    name: 'granted with modifications',
    apply: edited((bundle) => {
      const [holder] = material(bundle).timestampVerificationData?.rfc3161Timestamps ?? [];
      if (!holder) return false;
      // TimeStampResp: SEQUENCE { SEQUENCE { INTEGER 0 } ... }, with a length of two octets outside.
      const bytes = new Uint8Array(decodeBase64(holder.signedTimestamp));
      if (bytes[4] !== 0x30 || bytes[6] !== 0x02 || bytes[8] !== 0) return false;
      bytes[8] = 1;
      holder.signedTimestamp = encodeBase64(bytes);
      return true;
    }),
  },
  {
    name: 'a bare token in place of a response',
    apply: edited((bundle) => {
      const [holder] = material(bundle).timestampVerificationData?.rfc3161Timestamps ?? [];
      if (!holder) return false;
      const bytes = decodeBase64(holder.signedTimestamp);
      if (bytes[4] !== 0x30) return false;
      holder.signedTimestamp = encodeBase64(bytes.subarray(6 + (bytes[5] as number)));
      return true;
    }),
  },
];
