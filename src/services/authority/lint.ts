/**
 * The profile once more, read from the finished bytes: what is about to be signed is parsed as everybody will parse it
 * and held against the rules by code that shares nothing with what wrote it. Any fault is a bug of ours, or an attack
 * that got this far; nothing is signed then.
 */
import { type Certificate, fulcioClaims, EXTENDED_KEY_USAGE, EXTENSION, keyIdentifier, parseCertificate, type PublicKey } from '../../core/crypto/index.ts';
import { checkDerDepth, encodeHex, equalBytes, parseDer } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { POISON, VALIDITY_MS } from './profile.ts';
import { strengthOf } from './proof.ts';

const CLAIMS = /^1\.3\.6\.1\.4\.1\.57264\.1\.(?:[1-6]|8|9|1\d|2[0-4])$/;
const EMPTY_NAME = '3000';
const SERIAL_OCTETS = 20;

export interface LintExpectations {
  readonly issuer: Certificate;
  readonly key: PublicKey;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Which of the two the certificate carries. */
  readonly carries: 'poison' | 'timestamps';
}

/** @param der a certificate, signed by anybody. Throws ERR_INVARIANT with all that is wrong. */
export function lint(der: Uint8Array, expected: LintExpectations): Certificate {
  const certificate = read(der);
  const faults = RULES.flatMap(([what, holds]) => (holds(certificate, expected) ? [] : [what]));
  if (faults.length > 0) throw new SealwardError('ERR_INVARIANT', `a certificate that was about to be signed breaks its profile: ${faults.join('; ')}`);
  return certificate;
}

function read(der: Uint8Array): Certificate {
  try {
    checkDerDepth(parseDer(der));
    const certificate = parseCertificate(der);
    fulcioClaims(certificate);
    return certificate;
  } catch (cause) {
    if (!(cause instanceof SealwardError)) throw cause;
    throw new SealwardError('ERR_INVARIANT', `a certificate that was about to be signed cannot be read: ${cause.message}`, { cause });
  }
}

type Rule = readonly [what: string, holds: (certificate: Certificate, expected: LintExpectations) => boolean];

const critical = ({ extensions }: Certificate, oid: string): boolean | undefined => extensions.find((extension) => extension.oid === oid)?.critical;

const RULES: readonly Rule[] = [
  ['its version is not 3', ({ version }) => version === 3],
  ['its serial number does not have 160 bits', ({ serialBytes }) => serialBytes.length === SERIAL_OCTETS && (serialBytes[0] as number) >= 0x40],
  ['its issuer is not the authority', ({ issuer }, expected) => equalBytes(issuer, expected.issuer.subject)],
  ['its subject is not empty', ({ subject }) => encodeHex(subject) === EMPTY_NAME],
  [
    'its validity is not ten minutes from now',
    ({ notBefore, notAfter }, { now }) => notAfter - notBefore === VALIDITY_MS && notBefore <= now && now - notBefore < 2000,
  ],
  ['it would outlive its issuer', ({ notBefore, notAfter }, { issuer }) => notBefore >= issuer.notBefore && notAfter <= issuer.notAfter],
  ['its key is not the one that was proven', ({ spki }, { key }) => equalBytes(spki, key.spki)],
  ['its key is stronger than that of the authority', ({ publicKey }, { issuer }) => strengthOf(publicKey) <= strengthOf(issuer.publicKey)],
  ['it is an authority', ({ isCa, extensions }) => !isCa && !extensions.some(({ oid }) => oid === EXTENSION.basicConstraints)],
  ['its key is for more than signatures', (c) => c.keyUsage?.size === 1 && c.keyUsage.has('digitalSignature') && critical(c, EXTENSION.keyUsage) === true],
  ['it is for more than signing code', ({ extendedKeyUsage }) => extendedKeyUsage?.join() === EXTENDED_KEY_USAGE.codeSigning],
  ['it has not one critical name', (c) => c.subjectAlternativeNames.length === 1 && critical(c, EXTENSION.subjectAlternativeName) === true],
  ['it is for another name', ({ subjectAlternativeNames }, { name }) => subjectAlternativeNames[0]?.value === name],
  ['its key identifier is not that of its key', (c) => c.subjectKeyId !== undefined && equalBytes(c.subjectKeyId, keyIdentifier(c.publicKey))],
  [
    'its authority key identifier is not that of its issuer',
    ({ authorityKeyId }, { issuer }) => authorityKeyId !== undefined && issuer.subjectKeyId !== undefined && equalBytes(authorityKeyId, issuer.subjectKeyId),
  ],
  [
    'it carries no issuer of its identity in both places',
    ({ extensions }) => ['1', '8'].every((arc) => extensions.some(({ oid }) => oid.endsWith(`57264.1.${arc}`))),
  ],
  [
    'it carries poison and timestamps, or neither',
    ({ extensions }, { carries }) =>
      [POISON, EXTENSION.certificateTimestamps].every(
        (oid) => extensions.some((extension) => extension.oid === oid) === ((oid === POISON) === (carries === 'poison')),
      ),
  ],
  ['it has an extension that does not belong there', ({ extensions }) => extensions.every(({ oid }) => CLAIMS.test(oid) || KNOWN.has(oid))],
];

const KNOWN: ReadonlySet<string> = new Set([
  EXTENSION.keyUsage,
  EXTENSION.extendedKeyUsage,
  EXTENSION.subjectKeyId,
  EXTENSION.authorityKeyId,
  EXTENSION.subjectAlternativeName,
  EXTENSION.certificateTimestamps,
  POISON,
]);
