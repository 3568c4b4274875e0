/** Keys that sign the checkpoints of a log, under the log's name. */
import type { Signer } from '../../clients/signers/index.ts';
import { sha256 } from '../../core/crypto/index.ts';
import { concatBytes, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import {
  encodeNote,
  NOTE_KEY_TYPE,
  type NoteKeyType,
  type NoteSignature,
  type NoteVerifier,
  noteVerifier,
  TLS_ECDSA_SHA256,
  signLine,
  treeHead,
  encodeVerifierKey,
} from '../../core/tlog/index.ts';

export interface NoteSigner {
  readonly verifier: NoteVerifier;
  /** The `vkey` by which others know it. */
  readonly vkey: string;
  /** 32 bytes: of these the key ID in notes is the beginning. Rekor v2 calls it the ID of the log. */
  readonly logId: Uint8Array;
  sign(text: string): Promise<NoteSignature>;
}

const TYPES: Readonly<Record<string, NoteKeyType>> = { ed25519: NOTE_KEY_TYPE.ed25519, ec: NOTE_KEY_TYPE.ecdsa, 'ml-dsa': NOTE_KEY_TYPE.subtree };

/** @param name of the log; clients take it from the host name of its URL. */
export function createNoteSigner(name: string, signer: Signer): NoteSigner {
  const key = signer.publicKey();
  const type = TYPES[key.kind];
  if (type === undefined || (key.kind === 'ec' && key.curve !== 'P-256')) {
    throw new SealwardError('ERR_STATE_INVALID', `the key of the log ${name} is of a kind that signs no checkpoints`, {
      hint: 'Use Ed25519, ECDSA P-256, or ML-DSA-44 beside one of them.',
    });
  }
  const verifier = noteVerifier(name, type, key);
  return {
    verifier,
    vkey: encodeVerifierKey(verifier, type),
    logId: type === NOTE_KEY_TYPE.ecdsa ? sha256(key.spki) : sha256(concatBytes(utf8(name), Uint8Array.of(0x0a, type), key.raw)),
    // A log states no time about its own tree.
    sign: (text) => signLine(text, { verifier, sign: (message) => signer.sign(message) }, 0n),
  };
}

/** The checkpoint signed by each, the first of which is the one that clients of Rekor know. */
export async function signNote(text: string, signers: readonly NoteSigner[]): Promise<string> {
  return encodeNote(text, await Promise.all(signers.map((signer) => signer.sign(text))));
}

/** A certificate log (static-ct-api, "Checkpoints"): the tree head of RFC 6962, dated, as a line of a note. */
export function treeHeadSigner(name: string, signer: Signer): NoteSigner {
  const key = signer.publicKey();
  if (key.curve !== 'P-256') throw new SealwardError('ERR_STATE_INVALID', `the certificate log ${name} signs with ECDSA P-256 alone (RFC 6962 section 2.1.4)`);
  const verifier = noteVerifier(name, NOTE_KEY_TYPE.treeHead, key);
  return {
    verifier,
    vkey: encodeVerifierKey(verifier, NOTE_KEY_TYPE.treeHead),
    logId: sha256(key.spki),
    async sign(text) {
      const time = BigInt(Date.now());
      const signature = await signer.sign(treeHead({ text }, time) as Uint8Array);
      const head = new DataView(new ArrayBuffer(12));
      head.setBigUint64(0, time);
      head.setUint16(8, TLS_ECDSA_SHA256);
      head.setUint16(10, signature.length);
      return { name, id: verifier.id, signature: concatBytes(new Uint8Array(head.buffer), signature) };
    },
  };
}
