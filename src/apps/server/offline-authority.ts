/** What lies in the folder that was taken away: an authority's key, its certificate, and the password of both keys. */
import { join } from 'node:path';
import { keySigner, openKeyFile } from '../../clients/signers/index.ts';
import { parseCertificatesPem } from '../../core/crypto/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { CertifiedKey } from '../../services/keys/index.ts';
import { readSecret, readText } from './files.ts';

/** @param name `root` certifies what signs, `tls` what answers for the server's name. Throws what does not open or does not fit. */
export async function openOfflineAuthority(offline: string, name: 'root' | 'tls'): Promise<CertifiedKey> {
  const at = (file: string): string => join(offline, file);
  const [keyFile, certificateFile] = [at(`${name}.key`), at(`${name}.pem`)];
  const key = await openKeyFile(readText(keyFile, `the key of the ${name}`), readSecret(at('password'), `the password of the ${name}`), keyFile);
  const [certificate] = parseCertificatesPem(readText(certificateFile, `the certificate of the ${name}`), certificateFile);
  const signer = keySigner(key);
  if (certificate?.publicKey.fingerprint !== signer.publicKey().fingerprint)
    throw new SealwardError('ERR_STATE_INVALID', `${certificateFile} is of another key than ${keyFile}`);
  return { signer, certificate };
}

/** The name under which everything of this server was certified. */
export function organizationOf({ certificate }: CertifiedKey): string {
  return /(?:^|, ?)O=([^,]+)/.exec(certificate.subjectText)?.[1] ?? 'sealward';
}
