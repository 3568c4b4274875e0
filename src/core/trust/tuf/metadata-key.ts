/** The keys of TUF metadata (section 4.2), and what they signed. */
import {
  type Algorithm,
  ALGORITHMS,
  algorithmFits,
  encodePublicKeyPem,
  hash,
  parseEd25519PublicKey,
  parsePublicKey,
  parsePublicKeyPem,
  type PublicKey,
  verifySignature,
} from '../../crypto/index.ts';
import { concatBytes, decodeHex, encodeDer, encodeHex, type JsonObject, TAG } from '../../encoding/index.ts';
import { invariant, SealwardError } from '../../errors.ts';
import type { Fields } from '../fields.ts';
import { canonicalBytes } from './canonical.ts';

export interface MetadataKey {
  /** By which signatures name it. Others compute it in several ways, and some by mistake, so it is a name and no digest. */
  readonly id: string;
  /** Who holds it, where whoever listed it said so. */
  readonly holder?: string;
  /** Undefined for kinds that are not read: such a key never counts, and spoils nothing. */
  readonly usable?: { readonly key: PublicKey; readonly algorithm: Algorithm };
}

/** TUF's names of schemes, to those of the table; the key's own kind decides whether they fit. */
const SCHEMES: Readonly<Record<string, readonly string[]>> = {
  ed25519: ['ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-p256-sha256'],
  'ecdsa-sha2-nistp384': ['ecdsa-p384-sha384'],
  'rsassa-pss-sha256': ['rsa-pss-sha256'],
  'ml-dsa-44': ['ml-dsa-44'],
  'ml-dsa-65': ['ml-dsa-65'],
  'ml-dsa-87': ['ml-dsa-87'],
};
const KEY_TYPES: Readonly<Record<string, readonly string[]>> = {
  ed25519: ['ed25519'],
  ecdsa: ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  rsa: ['rsassa-pss-sha256'],
  'ml-dsa': ['ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87'],
};
/** Under this member of a key stands who holds it. Stock clients carry it along. */
export const HOLDER_FIELD = 'x-sealward-holder';

export function readMetadataKey(id: string, fields: Fields): MetadataKey {
  const type = fields.text('keytype');
  const scheme = fields.text('scheme');
  const material = fields.object('keyval');
  const holder = fields.has(HOLDER_FIELD) ? { holder: fields.text(HOLDER_FIELD) } : {};
  // The algorithm comes from the trusted record of the key and from nowhere else (CVE-2015-9258).
  if (!Object.hasOwn(KEY_TYPES, type) || !KEY_TYPES[type]?.includes(scheme)) return { id, ...holder };
  const text = material.text('public');
  let key: PublicKey;
  try {
    key = readPublicKey(type, text);
  } catch (cause) {
    return material.refuse(`public cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  const algorithm = ALGORITHMS.find((one) => SCHEMES[scheme]?.includes(one.id) && algorithmFits(one, key));
  return algorithm ? { id, ...holder, usable: { key, algorithm } } : fields.refuse(`the key does not fit to its scheme ${scheme}`);
}

const EC_P256 = '301306072a8648ce3d020106082a8648ce3d030107';

/** PEM, or as older repositories write them: an Ed25519 key or a point of P-256 in hexadecimal. */
function readPublicKey(type: string, text: string): PublicKey {
  if (text.startsWith('-----BEGIN')) return parsePublicKeyPem(text);
  const raw = decodeHex(text, 'the public key');
  if (type === 'ed25519') return parseEd25519PublicKey(raw);
  if (type === 'rsa' || type === 'ml-dsa') throw new SealwardError('ERR_KEY_INVALID', 'it is not in PEM');
  return parsePublicKey(encodeDer(TAG.sequence, decodeHex(EC_P256), encodeDer(TAG.bitString, concatBytes(Uint8Array.of(0), raw))));
}

/** How TUF names the way in which a key of this kind signs metadata; undefined for kinds that stock clients do not read. */
function schemeOf(key: PublicKey): { readonly keytype: string; readonly scheme: string } | undefined {
  if (key.kind === 'ed25519') return { keytype: 'ed25519', scheme: 'ed25519' };
  if (key.kind === 'ml-dsa') return { keytype: 'ml-dsa', scheme: `ml-dsa-${key.variant}` };
  if (key.curve === 'P-256') return { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp256' };
  return key.curve === 'P-384' ? { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp384' } : undefined;
}

/** The algorithm with which a key signs metadata. Throws ERR_KEY_INVALID for kinds that do not. */
export function metadataAlgorithm(key: PublicKey): Algorithm {
  const scheme = schemeOf(key)?.scheme;
  const found = ALGORITHMS.find((one) => scheme !== undefined && SCHEMES[scheme]?.includes(one.id) && algorithmFits(one, key));
  if (found) return found;
  throw new SealwardError('ERR_KEY_INVALID', 'a key of this kind does not sign metadata', {
    hint: 'Use ECDSA P-256 or P-384, Ed25519, or ML-DSA beside one of them.',
  });
}

/** The record of a key, and its id: SHA-256 over the canonical form (section 4.2). */
export function composeMetadataKey(key: PublicKey, holder?: string): { readonly id: string; readonly record: JsonObject } {
  metadataAlgorithm(key);
  const scheme = schemeOf(key);
  invariant(scheme, 'the algorithm was found by the scheme');
  const record: JsonObject = { ...scheme, keyval: { public: key.kind === 'ed25519' ? encodeHex(key.raw) : encodePublicKeyPem(key) } };
  return { id: encodeHex(hash('sha256', canonicalBytes(record))), record: holder === undefined ? record : { ...record, [HOLDER_FIELD]: holder } };
}

export function verifiesMetadata({ usable }: MetadataKey, signed: Uint8Array, signature: Uint8Array): boolean {
  return usable !== undefined && verifySignature(usable.key, usable.algorithm, { bytes: signed }, signature);
}

/** A key as its record will be read. */
export function metadataKeyOf(key: PublicKey, holder?: string): MetadataKey {
  return { id: composeMetadataKey(key).id, ...(holder === undefined ? {} : { holder }), usable: { key, algorithm: metadataAlgorithm(key) } };
}
