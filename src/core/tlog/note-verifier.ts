/** The keys that sign notes: their identifiers, their vkey form, and what each kind of them signs. */
import { type Algorithm, algorithmByName, algorithmsFor, parseEd25519PublicKey, parsePublicKey, type PublicKey, sha256 } from '../crypto/index.ts';
import { concatBytes, decodeBase64, decodeHex, encodeBase64, encodeDer, equalBytes, TAG, utf8 } from '../encoding/index.ts';
import { invariant } from '../errors.ts';
import { logFormatError, readFormat, shown } from './log-format.ts';
import { isKeyName } from './note.ts';

/** Signature types of C2SP signed-note v1.0.0, static-ct-api and tlog-cosignature; 0xff is for vendors, of which Rekor's RSA is known here. */
export const NOTE_KEY_TYPE = { ed25519: 0x01, ecdsa: 0x02, cosignature: 0x04, treeHead: 0x05, subtree: 0x06, vendor: 0xff } as const;
export type NoteKeyType = (typeof NOTE_KEY_TYPE)[keyof typeof NOTE_KEY_TYPE];

/** What a key signs: the note's text, or a statement made from it (tlog-cosignature, "Ed25519" and "ML-DSA-44 signed message"). */
export type NoteStatement = 'text' | 'cosignature/v1' | 'tree-head' | 'subtree/v1';

export interface NoteVerifier {
  readonly name: string;
  readonly id: number;
  readonly key: PublicKey;
  /** The ways in which the key may have signed; one, unless the log's documents do not say. */
  readonly algorithms: readonly Algorithm[];
  readonly statement: NoteStatement;
}

const RSA_VENDOR = utf8('PKIX-RSA-PKCS#1v1.5');
const ML_DSA_44 = Uint8Array.of(0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x11);

/**
 * The key ID: the first 32 bits of SHA-256(name || 0A || type || key). ECDSA keys are the exception: theirs is taken
 * from the SubjectPublicKeyInfo alone. For vendors `key` begins with the vendor's own identifier.
 */
export function noteKeyId(name: string, type: NoteKeyType, key: Uint8Array): number {
  return firstWord(type === NOTE_KEY_TYPE.ecdsa ? sha256(key) : sha256(concatBytes(utf8(name), Uint8Array.of(0x0a, type), key)));
}

export function firstWord(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
}

/** A verifier from its parts; the key must be of the kind that the type wants. */
export function noteVerifier(name: string, type: NoteKeyType, key: PublicKey): NoteVerifier {
  invariant(isKeyName(name), `${shown(name)} cannot name a key`);
  return { name, id: noteKeyId(name, type, keyMaterial(type, key)), key, ...usageOf(type, key) };
}

function keyMaterial(type: NoteKeyType, key: PublicKey): Uint8Array {
  if (type === NOTE_KEY_TYPE.ecdsa) return key.spki;
  // static-ct-api, "Checkpoints": the RFC 6962 LogID.
  if (type === NOTE_KEY_TYPE.treeHead) return sha256(key.spki);
  return type === NOTE_KEY_TYPE.vendor ? concatBytes(RSA_VENDOR, key.spki) : key.raw;
}

function usageOf(type: NoteKeyType, key: PublicKey): KeyUsage {
  const [keyDetails, statement] = expected(type, key);
  const algorithm = algorithmByName(keyDetails);
  if (!algorithm || algorithm.kind !== key.kind || algorithm.variant !== key.variant) throw logFormatError(`a key of type ${type} cannot be ${key.kind}`);
  return { algorithms: [algorithm], statement };
}

function expected(type: NoteKeyType, key: PublicKey): [keyDetails: string, NoteStatement] {
  switch (type) {
    case NOTE_KEY_TYPE.ed25519:
      return ['PKIX_ED25519', 'text'];
    case NOTE_KEY_TYPE.ecdsa:
      // "as implemented by github.com/transparency-dev/witness": SHA-256 whatever the curve.
      return [`PKIX_ECDSA_${(key.curve ?? 'P-256').replace('-', '')}_SHA_256`, 'text'];
    case NOTE_KEY_TYPE.cosignature:
      return ['PKIX_ED25519', 'cosignature/v1'];
    case NOTE_KEY_TYPE.treeHead:
      return ['PKIX_ECDSA_P256_SHA_256', 'tree-head'];
    case NOTE_KEY_TYPE.subtree:
      return ['ML_DSA_44', 'subtree/v1'];
    case NOTE_KEY_TYPE.vendor:
      return ['PKIX_RSA_PKCS1V5', 'text'];
  }
}

type KeyUsage = Pick<NoteVerifier, 'algorithms' | 'statement'>;

/** A log's key is asked about once for every entry, and the answer never changes. */
const known = new WeakMap<PublicKey, KeyUsage>();

/** What the key of a log may have signed its notes with, when only the key is known. */
export function logKeyUsage(key: PublicKey): KeyUsage {
  let usage = known.get(key);
  if (!usage) {
    const algorithms = algorithmsFor(key).filter(({ scheme }) => scheme !== 'rsa-pss' && scheme !== 'ed25519ph');
    usage = { algorithms, statement: key.kind === 'ml-dsa' ? 'subtree/v1' : 'text' };
    known.set(key, usage);
  }
  return usage;
}

/** `name+hex8(id)+base64(type || key)`. Throws ERR_LOG_FORMAT; the stated key ID must be the one of the key. */
export function parseVerifierKey(vkey: string): NoteVerifier {
  return readFormat('the verifier key', () => {
    // The base64 may itself hold a plus, so only the first two separate.
    const [, name, id, encoded] = /^([^+]*)\+([^+]*)\+(.*)$/s.exec(vkey) ?? [];
    if (name === undefined || id?.length !== 8 || encoded === undefined || !isKeyName(name))
      throw logFormatError(`the verifier key is malformed: ${shown(vkey)}`);
    const bytes = decodeBase64(encoded, 'the verifier key');
    const type = Object.values(NOTE_KEY_TYPE).find((candidate) => candidate === bytes[0]);
    if (type === undefined) throw logFormatError(`the verifier key of ${shown(name)} is of an unknown type`);
    const verifier = noteVerifier(name, type, readKey(type, bytes.subarray(1), `the key of ${shown(name)}`));
    if (firstWord(decodeHex(id, 'the key ID')) !== verifier.id) throw logFormatError(`the verifier key of ${shown(name)} states a key ID that is not its own`);
    return verifier;
  });
}

function readKey(type: NoteKeyType, bytes: Uint8Array, what: string): PublicKey {
  switch (type) {
    case NOTE_KEY_TYPE.ed25519:
    case NOTE_KEY_TYPE.cosignature:
      return parseEd25519PublicKey(bytes, what);
    case NOTE_KEY_TYPE.ecdsa:
      return parsePublicKey(bytes, what);
    case NOTE_KEY_TYPE.treeHead:
      throw logFormatError(`${what} is of a certificate log, which states only a hash of it`);
    case NOTE_KEY_TYPE.subtree:
      return parsePublicKey(encodeDer(TAG.sequence, ML_DSA_44, encodeDer(TAG.bitString, Uint8Array.of(0), bytes)), what);
    case NOTE_KEY_TYPE.vendor:
      if (!equalBytes(bytes.subarray(0, RSA_VENDOR.length), RSA_VENDOR)) throw logFormatError(`${what} is of a vendor that is not known`);
      return parsePublicKey(bytes.subarray(RSA_VENDOR.length), what);
  }
}

export function encodeVerifierKey(verifier: NoteVerifier, type: NoteKeyType): string {
  const id = verifier.id.toString(16).padStart(8, '0');
  return `${verifier.name}+${id}+${encodeBase64(concatBytes(Uint8Array.of(type), keyMaterial(type, verifier.key)))}`;
}
