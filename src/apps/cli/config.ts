/**
 * The environment, read in this one place into one frozen value. Flags come before it. Secrets are kept here and are
 * never printed; the variables are those that cosign, Docker and Sigstore's other clients read.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { SealwardError } from '../../core/errors.ts';
import type { Environment } from './environment.ts';

export { cacheFolder, type Environment, processEnvironment, stateFolder } from './environment.ts';

export interface Config {
  /** COSIGN_PASSWORD; an empty one is a password too. */
  readonly password: string | undefined;
  /** COSIGN_REPOSITORY: where signatures are kept, when not beside the image. */
  readonly signatureRepository: string | undefined;
  /**
   * Variables of cosign that are set and change nothing here, each with the reason: said with --verbose. What they hold
   * is still checked, because a value that cannot be meant is a mistake somewhere.
   */
  readonly withoutEffect: readonly string[];
  /** SIGSTORE_ROOT_FILE: PEM certificates of the certificate authority. */
  readonly rootFile: string | undefined;
  /** SIGSTORE_REKOR_PUBLIC_KEY */
  readonly rekorPublicKeyFile: string | undefined;
  /** SIGSTORE_CT_LOG_PUBLIC_KEY_FILE */
  readonly ctLogPublicKeyFile: string | undefined;
  /** SIGSTORE_TSA_CERTIFICATE_FILE */
  readonly tsaCertificateFile: string | undefined;
  /** TUF_ROOT: where cosign keeps the trusted root that it fetched last; ~/.sigstore/root by default. */
  readonly tufRoot: string;
  /** DOCKER_CONFIG: the folder of Docker's config.json; ~/.docker by default. */
  readonly dockerConfig: string;
  /** REGISTRY_AUTH_FILE: a file of the same form, as skopeo and podman read it. */
  readonly registryAuthFile: string | undefined;
  /** HTTPS_PROXY, HTTP_PROXY and NO_PROXY as they stand; clients/http reads them. */
  readonly proxyEnvironment: Environment;
  /** SSL_CERT_FILE: authorities in PEM for TLS, besides those of the system. */
  readonly caFile: string | undefined;
  readonly noColor: boolean;
  readonly forceColor: boolean;
  readonly ci: boolean;
  /** SOURCE_DATE_EPOCH, in milliseconds since 1970. */
  readonly sourceDate: number | undefined;
  readonly home: string;
  /** All of it, for keys that are kept elsewhere: credentials and addresses of key services, env://, programs on PATH; and for provenance of a CI job, which reads an allow-list of it. */
  readonly environment: Environment;
}

const PROXY_VARIABLES = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'NO_PROXY', 'no_proxy', 'REQUEST_METHOD'];

export function readConfig(environment: Environment): Config {
  const text = (name: string): string | undefined => environment[name] || undefined;
  const home = text('HOME') ?? text('USERPROFILE') ?? homedir();
  return Object.freeze({
    password: environment['COSIGN_PASSWORD'],
    signatureRepository: text('COSIGN_REPOSITORY'),
    withoutEffect: withoutEffect(environment),
    rootFile: text('SIGSTORE_ROOT_FILE'),
    rekorPublicKeyFile: text('SIGSTORE_REKOR_PUBLIC_KEY'),
    ctLogPublicKeyFile: text('SIGSTORE_CT_LOG_PUBLIC_KEY_FILE'),
    tsaCertificateFile: text('SIGSTORE_TSA_CERTIFICATE_FILE'),
    tufRoot: text('TUF_ROOT') ?? join(home, '.sigstore', 'root'),
    dockerConfig: text('DOCKER_CONFIG') ?? join(home, '.docker'),
    registryAuthFile: text('REGISTRY_AUTH_FILE'),
    proxyEnvironment: Object.freeze(Object.fromEntries(PROXY_VARIABLES.map((name) => [name, environment[name]]))),
    caFile: text('SSL_CERT_FILE'),
    // no-color.org: any value that is not empty.
    noColor: text('NO_COLOR') !== undefined,
    forceColor: text('FORCE_COLOR') !== undefined && !['0', 'false'].includes(environment['FORCE_COLOR'] ?? ''),
    ci: truth(environment, 'CI', true),
    sourceDate: epoch(environment, 'SOURCE_DATE_EPOCH'),
    home,
    environment,
  });
}

function withoutEffect(environment: Environment): string[] {
  const notes: string[] = [];
  if (truth(environment, 'COSIGN_EXPERIMENTAL')) notes.push('COSIGN_EXPERIMENTAL: nothing here is experimental');
  if (truth(environment, 'COSIGN_DOCKER_MEDIA_TYPES'))
    notes.push("COSIGN_DOCKER_MEDIA_TYPES: signatures are referrers, which Docker's media types do not have");
  if (size(environment, 'COSIGN_MAX_ATTACHMENT_SIZE') !== undefined) notes.push('COSIGN_MAX_ATTACHMENT_SIZE: the bounds are those of docs/reference/limits.md');
  return notes;
}

function invalid(name: string, form: string): SealwardError {
  // The value is not repeated: environments hold secrets, and a variable may have been set to the wrong one.
  return new SealwardError('ERR_CONFIG_INVALID', `the environment variable ${name} is not ${form}`, { hint: `Correct ${name}, or unset it.` });
}

/** What Go's strconv.ParseBool takes for true or false, as cosign reads these variables. */
function truth(environment: Environment, name: string, anyValue = false): boolean {
  const value = environment[name] ?? '';
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)) return true;
  if (['', '0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value)) return false;
  if (anyValue) return true;
  throw invalid(name, 'a truth value such as true or false');
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  m: 1e6,
  mb: 1e6,
  g: 1e9,
  gb: 1e9,
  kib: 2 ** 10,
  ki: 2 ** 10,
  mib: 2 ** 20,
  mi: 2 ** 20,
  gib: 2 ** 30,
  gi: 2 ** 30,
};

function size(environment: Environment, name: string): number | undefined {
  const value = environment[name];
  if (!value) return undefined;
  const bytes = parseSize(value);
  if (bytes === undefined) throw invalid(name, 'a size such as 33554432 or 32MiB');
  return bytes;
}

/** `33554432`, `32MiB`, `1 GB`: in bytes. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d{1,12}) ?([A-Za-z]{0,3})$/.exec(text);
  const unit = UNITS[(match?.[2] ?? '?').toLowerCase()];
  return match && unit !== undefined ? Number(match[1]) * unit : undefined;
}

function epoch(environment: Environment, name: string): number | undefined {
  const value = environment[name];
  if (!value) return undefined;
  if (!/^\d{1,11}$/.test(value)) throw invalid(name, 'a number of seconds since 1970');
  return Number(value) * 1000;
}
