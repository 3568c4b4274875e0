/** Bundles, envelopes, payloads, log entries, notes and trusted roots in words. */
import type { SignedEntity, Statement } from '../../../core/bundle/index.ts';
import { describeKey } from '../../../core/crypto/index.ts';
import { encodeBase64, encodeHex, type JsonValue } from '../../../core/encoding/index.ts';
import { type Checkpoint, type Note, parseCheckpoint, parseNote, type TransparencyLogEntry } from '../../../core/tlog/index.ts';
import type { Anchors, Window } from '../../../core/trust/index.ts';
import { isoTime } from '../signer-words.ts';
import { attempt, describeCertificate, describeTimestamp } from './certificates.ts';
import type { Described, Description } from './description.ts';

export function describeEntity(entity: SignedEntity): Description {
  const { certificate, keyHint, message, claim, logEntries, timestamps } = entity;
  return {
    format: entity.format,
    signedBy: certificate
      ? describeCertificate(certificate.leaf)
      : keyHint === undefined
        ? 'a bare key that is not named'
        : `a bare key with the hint ${keyHint}`,
    ...(certificate && certificate.intermediates.length > 0 ? { chain: certificate.intermediates.map(describeCertificate) } : {}),
    signed:
      message.kind === 'bytes'
        ? describeClaim(claim)
        : message.stated
          ? `a file with the digest ${message.stated.hash}:${encodeHex(message.stated.digest)}`
          : 'a file',
    signatureBytes: entity.signature.length,
    logEntries: logEntries.length === 0 ? 'none' : logEntries.map(({ entry }) => describeEntry(entry)),
    timestamps: timestamps.length === 0 ? 'none' : timestamps.map((token) => attempt((): Described => describeTimestamp(token))),
  };
}

function describeClaim(claim: SignedEntity['claim']): Described {
  switch (claim.kind) {
    case 'statement':
      return describeStatement(claim.statement);
    case 'simple-signing':
      return { kind: 'simple signing', digest: claim.digest, repository: claim.reference || '(not named)', annotations: claim.optional as Description };
    case 'unknown':
      return `a payload of the type ${claim.payloadType}`;
    case 'artifact':
      return 'a file';
  }
}

export function describeStatement({ version, subjects, predicateType, predicate }: Statement): Description {
  return {
    kind: `in-toto statement ${version}`,
    predicateType,
    subjects: subjects.map(({ name, digest, annotations }) => ({
      ...(name === undefined ? {} : { name }),
      ...digest,
      ...(annotations ? { annotations: jsonText(annotations) } : {}),
    })),
    predicate: jsonText(predicate),
  };
}

function jsonText(value: JsonValue): string {
  return JSON.stringify(value);
}

export function describeEntry(entry: TransparencyLogEntry): Description {
  const { inclusionProof, integratedTime } = entry;
  return {
    kind: `${entry.kind} ${entry.version}`,
    log: encodeBase64(entry.logId),
    index: String(entry.logIndex),
    // It counts only under the log's own signature, the promise.
    ...(integratedTime === undefined ? {} : { statedTime: isoTime(Number(integratedTime) * 1000) }),
    promise: entry.inclusionPromise !== undefined,
    proof: inclusionProof
      ? {
          leaf: String(inclusionProof.logIndex),
          treeSize: String(inclusionProof.treeSize),
          hashes: inclusionProof.hashes.length,
          ...checkpointOf(inclusionProof.checkpoint),
        }
      : 'none',
  };
}

function checkpointOf(checkpoint: string | undefined): Description {
  if (checkpoint === undefined) return { checkpoint: 'none' };
  return { checkpoint: attempt((): Described => describeNote(parseNote(checkpoint))) };
}

export function describeNote(note: Note): Description {
  const signatures = note.signatures.map(({ name, id }) => `${name} (key ${id.toString(16).padStart(8, '0')})`);
  const checkpoint = tryCheckpoint(note);
  if (!checkpoint) return { kind: 'signed note', text: note.text, signatures };
  return {
    kind: 'checkpoint',
    origin: checkpoint.origin,
    treeSize: String(checkpoint.size),
    root: encodeBase64(checkpoint.root),
    ...(checkpoint.extensions.length > 0 ? { extensions: checkpoint.extensions } : {}),
    signatures,
  };
}

function tryCheckpoint(note: Note): Checkpoint | undefined {
  const checkpoint = attempt(() => parseCheckpoint(note) as unknown as Description);
  return typeof checkpoint === 'string' ? undefined : (checkpoint as unknown as Checkpoint);
}

export function describeTrustedRoot({ authorities, logs, certificateLogs, timestampAuthorities }: Anchors): Description {
  const party = (anchor: { name: string; operator?: string; window: Window }): Description => ({
    name: anchor.name,
    ...(anchor.operator ? { operator: anchor.operator } : {}),
    trusted: windowText(anchor.window),
  });
  return {
    kind: 'trusted root',
    certificateAuthority: authorities.map((anchor) => ({ ...party(anchor), certificates: anchor.certificates.map(({ subjectText }) => subjectText) })),
    transparencyLog: logs.map((anchor) => ({ ...party(anchor), key: describeKey(anchor.key), id: encodeBase64(anchor.logId) })),
    certificateLog: certificateLogs.map((anchor) => ({ ...party(anchor), key: describeKey(anchor.key), id: encodeBase64(anchor.logId) })),
    timestampAuthority: timestampAuthorities.map((anchor) => ({ ...party(anchor), certificates: anchor.certificates.map(({ subjectText }) => subjectText) })),
  };
}

function windowText({ from, to }: Window): string {
  return `from ${isoTime(from)} ${to === undefined ? 'on' : `to ${isoTime(to)}`}`;
}
