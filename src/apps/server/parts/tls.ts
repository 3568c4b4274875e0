/** The certificate for the server's name: read at the start, and again whenever its files were replaced, while connections go on. */
import { statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { Certificate } from '../../../core/crypto/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import type { KeyedCertificates } from '../config.ts';
import { certificateWords, type Part, type ServerContext } from '../context.ts';
import { readChain, readText } from '../files.ts';

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

export interface OpenedTls {
  readonly files: TlsFiles;
  readonly part: Part;
  /** From now on what the files hold is given to whoever listens. */
  follow(replace: (files: TlsFiles) => void, everyMs: number): void;
}

interface Read {
  readonly files: TlsFiles;
  readonly certificate: Certificate;
}

const DAY_MS = 86_400_000;
const SOON_MS = 30 * DAY_MS;

/** Throws ERR_STATE_INVALID for a key that is of another certificate, and what cannot be read. */
export async function openTls(
  { keys, logger, metrics, now }: Pick<ServerContext, 'keys' | 'logger' | 'metrics' | 'now'>,
  places: KeyedCertificates,
): Promise<OpenedTls> {
  let seen = stamp(places);
  let current = await readTls(places, keys);
  let waiting: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  metrics.gauge('sealward_tls_seconds_left', 'Until the certificate for TLS ends', () => Math.floor((current.certificate.notAfter - now()) / 1000));
  const left = current.certificate.notAfter - now();
  if (left < SOON_MS)
    logger.warn({ until: new Date(current.certificate.notAfter).toISOString() }, `the certificate for TLS ${left < 0 ? 'has ended' : 'ends soon'}`);
  const look = async (replace: (files: TlsFiles) => void): Promise<void> => {
    try {
      const found = stamp(places);
      if (found === seen) return;
      seen = found;
      const next = await readTls(places, keys);
      if (now() < next.certificate.notBefore || now() > next.certificate.notAfter)
        throw new SealwardError('ERR_STATE_INVALID', 'the new certificate for TLS is not valid now');
      replace(next.files);
      current = next;
      waiting = undefined;
      logger.info(certificateWords(current.certificate), 'another certificate for TLS is in use');
    } catch (error) {
      waiting = error instanceof Error ? error.message : String(error);
      logger.error({ err: error }, 'the files for TLS were changed, and cannot be used');
    }
  };
  return {
    files: current.files,
    follow(replace, everyMs) {
      let looking = false;
      timer = setInterval(() => {
        if (looking) return;
        looking = true;
        void look(replace).finally(() => (looking = false));
      }, everyMs);
    },
    part: {
      name: 'tls',
      problem: () => (now() > current.certificate.notAfter ? 'the certificate for TLS has ended: `sealward server rotate tls`' : undefined),
      describe: () => ({ certificate: certificateWords(current.certificate), ...(waiting === undefined ? {} : { 'not taken': waiting }) }),
      close: async () => clearInterval(timer),
    },
  };
}

async function readTls(places: KeyedCertificates, keys: ServerContext['keys']): Promise<Read> {
  const [certificate] = readChain(places.certificates, 'the certificate for TLS');
  const files = { cert: readText(places.certificates, 'the certificate for TLS'), key: await keys.tlsKey(places.key) };
  try {
    createSecureContext(files);
  } catch (cause) {
    throw new SealwardError('ERR_STATE_INVALID', `the key for TLS ${places.key} is of another certificate than ${places.certificates}`, {
      cause,
      hint: 'Both are made anew by `sealward server rotate tls`.',
    });
  }
  return { files, certificate: certificate as Certificate };
}

/** Other files, or the same with other content. */
function stamp({ key, certificates }: KeyedCertificates): string {
  return [key, certificates]
    .map((path) => {
      const { ino, size, mtimeMs } = statSync(path);
      return `${ino}:${size}:${mtimeMs}`;
    })
    .join();
}
