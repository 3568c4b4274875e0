/** `sealward server rotate tls`: another key and certificate for the server's name; a running server takes them by itself. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { sealKeyFile } from '../../clients/signers/index.ts';
import { generateKeyPair } from '../../core/crypto/index.ts';
import { encodePem } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { readServerConfig } from './config.ts';
import { readSecret } from './files.ts';
import { replaceFile } from './new-folder.ts';
import { openOfflineAuthority, organizationOf } from './offline-authority.ts';
import { certifyTls } from './tls-certificate.ts';

export interface RotateTlsOptions {
  readonly configFile: string;
  /** The folder that was taken away: tls.key, tls.pem, password. */
  readonly offline: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** What was done, in lines. Throws what is not there or does not fit; then nothing is changed. */
export async function rotateTls({ configFile, offline, now }: RotateTlsOptions): Promise<readonly string[]> {
  const { tls, url, keyPasswordFile } = readServerConfig(configFile);
  if (!tls) throw new SealwardError('ERR_CONFIG_INVALID', `${configFile} has no tls`, { hint: 'Its certificate is renewed by whatever stands before it.' });
  if (keyPasswordFile === undefined) throw new SealwardError('ERR_CONFIG_INVALID', 'the keys of this server have no password file');
  if (!existsSync(join(offline, 'tls.key')))
    throw new SealwardError('ERR_FILE_UNREADABLE', `${offline} holds no authority for TLS`, {
      hint: 'Name the folder `offline` with --offline. A certificate of another authority is renewed there: put its files in place, and the server takes them.',
    });
  const authority = await openOfflineAuthority(offline, 'tls');
  const { privateKey, publicKey } = generateKeyPair('ecdsa-p256');
  const certificate = await certifyTls(authority, publicKey, { url, organization: organizationOf(authority), now, names: tls.names });
  const key = await sealKeyFile(privateKey, readSecret(keyPasswordFile, 'the password of the keys'));
  // A server that looks in between sees a pair that does not fit, and goes on with what it has.
  replaceFile(tls.key, key, true);
  replaceFile(tls.certificates, encodePem('CERTIFICATE', certificate.raw));
  return [
    `Another key and certificate lie in ${tls.key} and ${tls.certificates}, valid until ${new Date(certificate.notAfter).toISOString()}.`,
    'A running server takes them within seconds, without losing a connection; `sealward server status` says when. Clients need nothing.',
    'Take the offline folder away again.',
  ];
}
