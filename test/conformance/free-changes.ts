/** Changes to what nothing authenticates: another spelling of the same document, hints, and what strangers add. */
import { decodeBase64, encodeBase64, encodeBase64Url, type JsonValue } from '../../src/core/encoding/index.ts';
import type { BundleJson, MaterialJson } from './bundle-json.ts';
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

type Rewriting = (name: string, value: JsonValue) => readonly [string, JsonValue];

/** Rewrites every member of a document by name and value. */
function rewrite(value: JsonValue, name: string, by: Rewriting): JsonValue {
  if (Array.isArray(value)) return value.map((item) => (typeof item === 'object' ? rewrite(item, '', by) : by(name, item)[1]));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      const [newKey, newMember] = by(key, member);
      return [newKey, rewrite(newMember, key, by)];
    }),
  );
}

const spelled = (by: (name: string, value: JsonValue, random: Random) => readonly [string, JsonValue]): FreeChange['apply'] => {
  return ({ bundle }, random) => JSON.stringify(rewrite(bundle as unknown as JsonValue, '', (name, value) => by(name, value, random)));
};

function reversed(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reversed(member)]),
  );
}

/** Applies where the part is there, and gives the whole document. */
const edited = (by: (bundle: BundleJson, random: Random) => boolean): FreeChange['apply'] => {
  return ({ bundle }, random) => (by(bundle, random) ? JSON.stringify(bundle) : undefined);
};

const material = (bundle: BundleJson): MaterialJson => bundle.verificationMaterial;
const checkpointOf = (bundle: BundleJson): { envelope: string } | undefined => material(bundle).tlogEntries[0]?.inclusionProof?.checkpoint;
const tokenOf = (bundle: BundleJson): { signedTimestamp: string } | undefined => material(bundle).timestampVerificationData?.rfc3161Timestamps?.[0];
/** Not a signature, but as long as one, with a key ID in front. */
const noise = (random: Random): string => encodeBase64(Uint8Array.from({ length: 76 }, () => random.below(256)));

export const FREE_CHANGES: readonly FreeChange[] = [
  { name: 'white space', apply: ({ bundle }, random) => `\n${JSON.stringify(bundle, null, random.pick([1, 2, '\t', '\r\n']))} \n` },
  { name: 'the order of keys', apply: ({ bundle }) => JSON.stringify(reversed(bundle as unknown as JsonValue)) },
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
  { name: 'enums as numbers', apply: spelled((name, value) => [name, typeof value === 'string' && name === 'algorithm' ? (ENUMS[value] ?? value) : value]) },
  { name: 'int64 as numbers', apply: spelled((name, value) => [name, INT64.has(name) ? Number(value) : value]) },
  { name: 'int64 as strings', apply: spelled((name, value) => [name, INT64.has(name) && typeof value === 'number' ? String(value) : value]) },
  {
    name: 'null for what is not there',
    apply: edited((bundle) => {
      bundle.messageSignature ??= null;
      bundle.dsseEnvelope ??= null;
      const part = material(bundle);
      part.publicKey ??= null;
      part.certificate ??= null;
      part.x509CertificateChain ??= null;
      part.timestampVerificationData ??= null;
      for (const entry of part.tlogEntries) {
        entry.integratedTime ??= null;
        entry.inclusionPromise ??= null;
        entry.inclusionProof ??= null;
      }
      return true;
    }),
  },
  {
    name: 'an empty list of timestamps',
    apply: edited((bundle) => {
      if (tokenOf(bundle)) return false;
      material(bundle).timestampVerificationData = { rfc3161Timestamps: [] };
      return true;
    }),
  },
  {
    name: 'another key hint, or none',
    apply: edited((bundle, random) => {
      if (!material(bundle).publicKey) return false;
      material(bundle).publicKey = random.pick([{}, { hint: '' }, { hint: 'somebody else' }, { hint: 'a'.repeat(64) }, { hint: '\u0000' }]);
      return true;
    }),
  },
  {
    name: 'a key ID in the envelope',
    apply: edited((bundle, random) => {
      const signature = bundle.dsseEnvelope?.signatures[0];
      if (signature) signature.keyid = random.pick(['', 'somebody else', 'SHA256:x']);
      return signature !== undefined;
    }),
  },
  {
    name: 'cosignatures of unknown witnesses',
    apply: edited((bundle, random) => {
      const checkpoint = checkpointOf(bundle);
      if (!checkpoint) return false;
      checkpoint.envelope += `\u2014 ${random.pick(['witness.example', 'rekor.sigstore.dev', 'log2025-alpha1.rekor.sigstage.dev'])} ${noise(random)}\n`;
      return true;
    }),
  },
  {
    name: 'cosignatures of unknown witnesses, before the log’s own',
    apply: edited((bundle, random) => {
      const checkpoint = checkpointOf(bundle);
      if (!checkpoint) return false;
      const split = checkpoint.envelope.lastIndexOf('\n\n') + 2;
      checkpoint.envelope = `${checkpoint.envelope.slice(0, split)}\u2014 witness.example ${noise(random)}\n${checkpoint.envelope.slice(split)}`;
      return true;
    }),
  },
  {
    name: 'a time that no promise covers',
    apply: edited((bundle, random) => {
      const [entry] = material(bundle).tlogEntries;
      if (!entry || entry.inclusionPromise) return false;
      entry.integratedTime = String(1 + random.below(2 ** 31));
      return true;
    }),
  },
  {
    name: 'superfluous certificates in the chain, or none',
    apply: edited((bundle, random) => {
      const chain = material(bundle).x509CertificateChain?.certificates;
      const [leaf] = chain ?? [];
      if (!chain || !leaf) return false;
      if (chain.length > 1 && random.below(2) === 0) chain.splice(1);
      else chain.push({ ...leaf });
      return true;
    }),
  },
  {
    name: 'a timestamp granted with modifications',
    apply: edited((bundle) => {
      const holder = tokenOf(bundle);
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
      const holder = tokenOf(bundle);
      if (!holder) return false;
      const bytes = decodeBase64(holder.signedTimestamp);
      if (bytes[4] !== 0x30) return false;
      holder.signedTimestamp = encodeBase64(bytes.subarray(6 + (bytes[5] as number)));
      return true;
    }),
  },
];
