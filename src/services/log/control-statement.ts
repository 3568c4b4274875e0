/** Statements that a log keeps about the system itself: signed by the auditor, logged as any attestation, the envelope kept beside. */
import type { Signer } from '../../clients/signers/index.ts';
import { encodeEnvelope, preAuthEncoding, STATEMENT_PAYLOAD_TYPE, STATEMENT_V1 } from '../../core/bundle/index.ts';
import { hash } from '../../core/crypto/index.ts';
import { canonicalJson, encodeHex, type JsonObject, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { leafHash } from '../../core/tlog/index.ts';
import { hashedRekordBody } from './entry-body.ts';
import type { NewEntry, StoredTile } from './log-store.ts';

export const CONTROL_PREDICATES = 'https://sealward.dev/control/';

export interface StatementSource {
  /** `key`, `policy`, `shard`. */
  readonly kind: string;
  readonly subject: { readonly name: string; readonly sha256: string };
  readonly predicate: JsonObject;
}

export interface SealedStatement extends NewEntry {
  /** To be kept before the entry is added: without it the entry says nothing. */
  readonly envelope: StoredTile;
}

export function checkAuditor(auditor: Signer): void {
  if (auditor.algorithm.hash !== undefined) return;
  throw new SealwardError('ERR_STATE_INVALID', 'the key that signs statements signs no digest, and entries hold digests', { hint: 'Use ECDSA P-256.' });
}

export async function sealStatement(auditor: Signer, { kind, subject, predicate }: StatementSource): Promise<SealedStatement> {
  const statement = {
    _type: STATEMENT_V1,
    subject: [{ name: subject.name, digest: { sha256: subject.sha256 } }],
    predicateType: `${CONTROL_PREDICATES}${kind}/v1`,
    predicate,
  };
  const payload = utf8(canonicalJson(statement));
  const signed = preAuthEncoding(STATEMENT_PAYLOAD_TYPE, payload);
  const signature = await auditor.sign(signed);
  const verifier = { kind: 'publicKey', der: auditor.publicKey().spki, algorithm: auditor.algorithm } as const;
  const body = hashedRekordBody(hash(auditor.algorithm.hash ?? 'sha256', signed), signature, verifier);
  const leaf = leafHash(body);
  const envelope = encodeEnvelope({ payloadType: STATEMENT_PAYLOAD_TYPE, payload, signatures: [{ bytes: signature, keyId: '' }] });
  return { body, leaf, envelope: { path: envelopePath(leaf), bytes: utf8(envelope) } };
}

export function envelopePath(leaf: Uint8Array): string {
  return `envelope/${encodeHex(leaf)}`;
}
