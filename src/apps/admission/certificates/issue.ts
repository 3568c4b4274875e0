/** Certificates that the webhook makes for itself (RFC 5280): an authority of its own, and below it one for the name that the API server calls. */
import { randomBytes } from 'node:crypto';
import {
  authorityKeyIdExtension,
  basicConstraintsExtension,
  type Certificate,
  defaultAlgorithm,
  EXTENDED_KEY_USAGE,
  encodeCertificate,
  encodePrivateKeyPkcs8,
  encodeTbsCertificate,
  extendedKeyUsageExtension,
  generateKeyPair,
  type KeyObject,
  keyIdentifier,
  type KeyPair,
  keyUsageExtension,
  parseCertificate,
  parseCertificatesPem,
  parsePrivateKeyPkcs8,
  publicKeyOf,
  serverNamesExtension,
  signBytes,
  subjectKeyIdExtension,
  verifyIssuedBy,
} from '../../../core/crypto/index.ts';
import { encodeName, encodePem, parsePemBlock } from '../../../core/encoding/index.ts';
import { invariant, SealwardError } from '../../../core/errors.ts';

/** PEM, both. */
export interface IssuedCertificate {
  readonly cert: string;
  readonly key: string;
}

/** Clocks of API servers may be behind. */
const SKEW_MS = 5 * 60_000;
const KEY_LABEL = 'PRIVATE KEY';

/** Self-signed; it issues certificates of servers, and nothing below it issues any. */
export function issueAuthority(now: number, lifeMs: number): IssuedCertificate {
  const pair = generateKeyPair('ecdsa-p256');
  const name = encodeName(`sealward admission ${new Date(now).toISOString()}`);
  return issue(
    pair,
    { name, key: pair.privateKey },
    name,
    [now - SKEW_MS, now + lifeMs],
    [keyUsageExtension('keyCertSign', 'cRLSign'), basicConstraintsExtension(true, 0)],
  );
}

/** @param names host names or addresses; it ends no later than its authority. */
export function issueServer(authority: IssuedCertificate, names: readonly string[], now: number, lifeMs: number): IssuedCertificate {
  const above = certificateOf(authority);
  const issuer = { name: above.subject, key: keyOf(authority), certificate: above };
  return issue(
    generateKeyPair('ecdsa-p256'),
    issuer,
    encodeName((names[0] ?? 'sealward').slice(0, 64)),
    [now - SKEW_MS, Math.min(now + lifeMs, above.notAfter)],
    [keyUsageExtension('digitalSignature'), extendedKeyUsageExtension([EXTENDED_KEY_USAGE.serverAuth]), serverNamesExtension(names)],
  );
}

interface Issuer {
  readonly name: Uint8Array;
  readonly key: KeyObject;
  readonly certificate?: Certificate;
}

function issue(
  { privateKey, publicKey }: KeyPair,
  issuer: Issuer,
  subject: Uint8Array,
  [notBefore, notAfter]: readonly [number, number],
  extensions: readonly Uint8Array[],
): IssuedCertificate {
  const signer = publicKeyOf(issuer.key);
  const algorithm = defaultAlgorithm(signer);
  const tbs = encodeTbsCertificate(
    {
      serial: serialNumber(),
      issuer: issuer.name,
      subject,
      notBefore,
      notAfter,
      spki: publicKey.spki,
      extensions: [...extensions, subjectKeyIdExtension(keyIdentifier(publicKey)), authorityKeyIdExtension(keyIdentifier(signer))],
    },
    algorithm,
  );
  const made = parseCertificate(encodeCertificate(tbs, algorithm, signBytes(issuer.key, algorithm, tbs)));
  invariant(verifyIssuedBy(made, issuer.certificate ?? made), 'a certificate that was just made does not verify');
  return { cert: encodePem('CERTIFICATE', made.raw), key: encodePem(KEY_LABEL, encodePrivateKeyPkcs8(privateKey)) };
}

/** The first of the file: of the server, or of the authority. Throws ERR_CERTIFICATE_INVALID. */
export function certificateOf({ cert }: Pick<IssuedCertificate, 'cert'>): Certificate {
  const [first] = parseCertificatesPem(cert);
  if (!first) throw new SealwardError('ERR_CERTIFICATE_INVALID', 'there is no certificate in the file');
  return first;
}

function keyOf({ key }: IssuedCertificate): KeyObject {
  return parsePrivateKeyPkcs8(parsePemBlock(key, [KEY_LABEL], 'the key of the authority').bytes, 'the key of the authority');
}

/** Positive, 159 bits (section 4.1.2.2). */
function serialNumber(): bigint {
  const octets = randomBytes(20);
  octets[0] = ((octets[0] as number) & 0x3f) | 0x40;
  return BigInt(`0x${octets.toString('hex')}`);
}
