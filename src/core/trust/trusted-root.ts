/** Sigstore's trusted_root.json (sigstore/protobuf-specs, sigstore_trustroot.proto), to anchors. */
import {
  algorithmByName,
  algorithmFits,
  type Certificate,
  hash,
  parseCertificate,
  parsePublicKey,
  parseRsaPublicKey,
  type PublicKey,
} from '../crypto/index.ts';
import { parseMoment, encodeHex, LIMITS, parseJson, ProtoObject } from '../encoding/index.ts';
import type { Anchors, CertificateAuthorityAnchor, CertificateLogAnchor, LogAnchor, Window } from './anchor.ts';

const MEDIA_TYPES = ['application/vnd.dev.sigstore.trustedroot+json;version=0.1', 'application/vnd.dev.sigstore.trustedroot.v0.2+json'];
const AUTHORITY_FIELDS = ['subject', 'uri', 'certChain', 'validFor', 'operator'];
const LOG_FIELDS = ['baseUrl', 'hashAlgorithm', 'publicKey', 'logId', 'checkpointKeyId', 'operator'];
const MEMBERS = 64;

/** Throws ERR_TRUSTED_ROOT_INVALID; a root of which one part cannot be read is refused whole. */
export function parseTrustedRoot(source: Uint8Array): Anchors {
  const root = new ProtoObject(
    parseJson(source, { what: 'the trusted root', maxBytes: LIMITS.documentBytes }),
    'the trusted root',
    ['mediaType', 'tlogs', 'certificateAuthorities', 'ctlogs', 'timestampAuthorities'],
    'ERR_TRUSTED_ROOT_INVALID',
  );
  if (!MEDIA_TYPES.includes(root.string('mediaType'))) return root.refuse('its media type is not one that is read');
  return {
    keys: [],
    authorities: root.objects('certificateAuthorities', MEMBERS, AUTHORITY_FIELDS).map((item) => ({ kind: 'certificate-authority', ...readAuthority(item) })),
    logs: root.objects('tlogs', MEMBERS, LOG_FIELDS).map((item): LogAnchor => ({ kind: 'log', baseUrl: item.string('baseUrl'), ...readLog(item) })),
    certificateLogs: root.objects('ctlogs', MEMBERS, LOG_FIELDS).map((item): CertificateLogAnchor => ({ kind: 'certificate-log', ...readLog(item) })),
    timestampAuthorities: root
      .objects('timestampAuthorities', MEMBERS, AUTHORITY_FIELDS)
      .map((item) => ({ kind: 'timestamp-authority', ...readAuthority(item) })),
  };
}

function readLog(log: ProtoObject): Pick<LogAnchor, 'id' | 'name' | 'operator' | 'window' | 'key' | 'logId'> {
  log.enumeration('hashAlgorithm', { SHA2_256: 1 });
  const part = log.object('publicKey', ['rawBytes', 'keyDetails', 'validFor']);
  const key = readKey(part);
  const logId = log.object('logId', ['keyId']).bytes('keyId');
  if (logId.length !== 32) log.refuse('its logId is not a SHA-256 digest');
  return { id: key.fingerprint, name: log.string('baseUrl'), ...readOperator(log), window: readWindow(part), key, logId };
}

function readOperator(holder: ProtoObject): { operator?: string } {
  const operator = holder.string('operator');
  return operator === '' ? {} : { operator };
}

function readKey(part: ProtoObject): PublicKey {
  try {
    const details = part.value('keyDetails');
    const algorithm = typeof details === 'string' || typeof details === 'number' ? algorithmByName(details) : undefined;
    if (!algorithm) return part.refuse('keyDetails is not an algorithm that is read');
    // The names that start with PKCS1 say that the key stands without its SubjectPublicKeyInfo.
    const key = algorithm.keyDetails.startsWith('PKCS1_') ? parseRsaPublicKey(part.bytes('rawBytes')) : parsePublicKey(part.bytes('rawBytes'));
    return algorithmFits(algorithm, key) ? key : part.refuse('the key is not of the kind that keyDetails names');
  } catch (cause) {
    return part.refuse(`its key cannot be read: ${(cause as Error).message}`);
  }
}

function readAuthority(authority: ProtoObject): Pick<CertificateAuthorityAnchor, 'id' | 'name' | 'operator' | 'window' | 'certificates'> {
  const members = authority.object('certChain', ['certificates']).objects('certificates', LIMITS.intermediateCertificates + 1, ['rawBytes']);
  const certificates = members.map((member) => readCertificate(member));
  const top = certificates.at(-1);
  if (!top) return authority.refuse('it has no certificates');
  if (new Set(certificates.map((certificate) => certificate.fingerprint)).size !== certificates.length)
    authority.refuse('a certificate stands in its chain twice');
  return {
    id: encodeHex(hash('sha256', ...certificates.map((certificate) => certificate.raw))),
    name: authority.string('uri') || top.subjectText,
    ...readOperator(authority),
    window: readWindow(authority),
    certificates,
  };
}

function readCertificate(member: ProtoObject): Certificate {
  try {
    return parseCertificate(member.bytes('rawBytes'));
  } catch (cause) {
    return member.refuse((cause as Error).message);
  }
}

/** The start must be there: a missing bound would mean "since ever", which nobody wrote (sigstore_trustroot.proto, "valid_for"). */
export function readWindow(holder: ProtoObject): Window {
  const part = holder.object('validFor', ['start', 'end']);
  const from = readTime(part, 'start');
  if (from === undefined) return part.refuse('start is missing');
  const to = readTime(part, 'end');
  if (to !== undefined && to < from) return part.refuse('it ends before it starts');
  return to === undefined ? { from } : { from, to };
}

/** As proto3 JSON writes google.protobuf.Timestamp. */
function readTime(part: ProtoObject, name: string): number | undefined {
  const text = part.string(name);
  return text === '' ? undefined : (parseMoment(text) ?? part.refuse(`${name} is not a time`));
}
