/** What the server shows and what callers must show, looked at again and again, so that nothing has to be restarted when it is renewed. */
import type { Logger } from 'pino';
import { parseCertificatesPem } from '../../core/crypto/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { CallerProof } from './caller.ts';
import { FileCertificates, readText } from './certificates/files.ts';
import { type AuthorityKeeper, folderKeeper } from './certificates/keep-authority.ts';
import { SelfMadeCertificates } from './certificates/self-made.ts';
import type { BundlePublisher, CertificateSource } from './certificates/source.ts';
import type { ClusterName } from '../../sdk/agent/index.ts';
import type { AdmissionConfig, CallerConfig } from './config.ts';
import type { ServerCertificate } from './serve.ts';

export interface Credentials {
  /** Undefined while there is none. */
  readonly certificate: ServerCertificate;
  readonly caller: CallerProof;
  /** When the certificate ends, in milliseconds since 1970. */
  notAfter(): number;
  /** Why the last look did not succeed. */
  failure(): SealwardError | undefined;
  /** Begins to look by itself. */
  keep(renewed: (certificate: ServerCertificate) => void): void;
  /** One look now. @returns whether what the server shows is another. */
  look(): Promise<boolean>;
  close(): void;
}

export interface CredentialsOptions extends Pick<AdmissionConfig, 'tls' | 'caller'> {
  readonly secretKeeper: (secret: ClusterName) => AuthorityKeeper;
  readonly publisher: BundlePublisher;
  readonly logger: Logger;
  readonly now: () => number;
}

/** How often files are read again, and the authority of the replicas. */
const LOOK_MS = 10_000;

/** Throws what keeps the first look from succeeding, unless only the cluster could not be told. */
export async function openCredentials(options: CredentialsOptions): Promise<Credentials> {
  const { logger, now, caller } = options;
  const source = sourceOf(options);
  let authorities = '';
  let secrets: readonly string[] = [];
  let failure: SealwardError | undefined;
  const read = async (): Promise<boolean> => {
    let failed: unknown;
    let changed = await source.tick(now()).catch((error: unknown) => {
      failed = error;
      return false;
    });
    if (caller.kind === 'mtls') {
      const text = readAuthorities(caller.authorities);
      changed ||= text !== authorities;
      authorities = text;
    }
    if (caller.kind === 'path-secret') secrets = caller.secretFile === undefined ? (source.secrets?.() ?? []) : readSecrets(caller.secretFile);
    if (failed !== undefined) throw failed as Error;
    return changed;
  };
  const look = async (): Promise<boolean> => {
    try {
      const changed = await read();
      failure = undefined;
      return changed;
    } catch (error) {
      failure =
        error instanceof SealwardError ? error : new SealwardError('ERR_INVARIANT', `credentials could not be renewed: ${String(error)}`, { cause: error });
      logger.error({ code: failure.code, hint: failure.hint }, failure.message);
      return false;
    }
  };
  const certificate = (): ServerCertificate => ({ ...source.current(), ...(caller.kind === 'mtls' ? { clientAuthorities: authorities } : {}) });
  await look();
  // Who has no certificate yet, or no way to know a caller, cannot begin.
  if (failure && (!isThere(source) || failure.code !== 'ERR_CLUSTER_UNAVAILABLE')) throw failure;
  let timer: NodeJS.Timeout | undefined;
  let before = certificate();
  return {
    get certificate() {
      return certificate();
    },
    caller: proofOf(caller, () => secrets),
    notAfter: () => source.notAfter(),
    failure: () => failure,
    look,
    keep(renewed) {
      timer = setInterval(() => {
        void look().then(() => {
          const next = certificate();
          // Also where one part was renewed before another one failed.
          if (next.cert === before.cert && next.clientAuthorities === before.clientAuthorities) return;
          before = next;
          renewed(next);
        });
      }, LOOK_MS).unref();
    },
    close: () => clearInterval(timer),
  };
}

function sourceOf({ tls, secretKeeper, publisher }: CredentialsOptions): CertificateSource {
  if (tls.kind === 'files') return new FileCertificates(tls);
  const { keptIn, ...rest } = tls;
  return new SelfMadeCertificates({ ...rest, keeper: 'folder' in keptIn ? folderKeeper(keptIn.folder) : secretKeeper(keptIn.secret), publisher });
}

function isThere(source: CertificateSource): boolean {
  return source.notAfter() > 0;
}

function proofOf(caller: CallerConfig, secrets: () => readonly string[]): CallerProof {
  switch (caller.kind) {
    case 'mtls':
      return { kind: 'mtls', names: caller.names };
    case 'path-secret':
      return { kind: 'path-secret', secrets };
    case 'network':
      return { kind: 'network' };
  }
}

/** With none in it, Node would believe every authority that its own list of public ones knows. */
function readAuthorities(path: string): string {
  const text = readText(path, 'the authorities of callers');
  parseCertificatesPem(text, `the file of authorities ${path}`);
  return text;
}

/** A path per line, of 256 bits in hexadecimal: the newest, and while it is rotated the one before. */
function readSecrets(path: string): readonly string[] {
  const lines = readText(path, 'the secret path')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (lines.length === 0 || lines.length > 4 || !lines.every((line) => /^[0-9a-f]{64}$/.test(line)))
    throw new SealwardError('ERR_CONFIG_INVALID', `${path} does not hold one to four paths of 64 hexadecimal digits, one a line`, {
      hint: 'Make one with `openssl rand -hex 32`.',
    });
  return lines;
}
