/** The registry as the flags and the environment describe it. Loaded only by commands that talk to one. */
import { join } from 'node:path';
import { HttpClient, type HttpEvent, parseProxyEnvironment, type TlsSettings } from '../../clients/http/index.ts';
import {
  type Credentials,
  type CredentialSource,
  dockerConfig,
  explicitCredentials,
  firstOf,
  type OpenRegistry,
  openRegistry,
  type RegistryClientOptions,
} from '../../clients/registry/index.ts';
import { LAYOUT, normalHost, type Reference, parseReference, parseRepository, type RepositoryName } from '../../core/artifact/index.ts';
import { decodeUtf8, LIMITS } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { compileAddressExpression } from './address-expression.ts';
import type { Config } from './config.ts';
import { readBytes } from './file.ts';
import type { FlagValues } from './flag.ts';
import type { Invocation } from './invocation.ts';
import type { connectionFlags, registryFlags } from './table/registry-flags.ts';
import { VERSION } from './version.ts';
import { visible } from './visible.ts';

type RegistryValues = FlagValues<typeof registryFlags>;
type ConnectionValues = FlagValues<typeof connectionFlags>;
type Asked = Pick<Invocation, 'config' | 'debug'>;

/** All of them are parsed before the first is asked for, so that a typo in the last one costs no request. */
export function parseImages(names: readonly string[], localImage = false): { readonly name: string; readonly reference: Reference }[] {
  return names.map((name) => ({ name, reference: parseReference(localImage && !name.startsWith(LAYOUT) ? `${LAYOUT}${name}` : name) }));
}

/** COSIGN_REPOSITORY: where signatures lie, when not beside the image. */
export function signatureRepository(config: Config): RepositoryName | undefined {
  return config.signatureRepository === undefined ? undefined : parseRepository(config.signatureRepository);
}

export function registryFor(
  flags: RegistryValues & { readonly verbose?: boolean },
  images: readonly { readonly reference: Reference }[],
  { config, debug }: Asked,
): OpenRegistry {
  const hosts = new Set([
    ...images.map(({ reference }) => reference.registry),
    ...(config.signatureRepository === undefined ? [] : [parseRepository(config.signatureRepository).registry]),
  ]);
  compileAddressExpression([...hosts].map((host) => host.replace(/:\d+$/, '')));
  const given = credentialsOf(flags);
  const sources: CredentialSource[] = [
    ...(given ? [explicitCredentials(given, [...hosts])] : []),
    // The file of skopeo and podman comes first where it is named, as it is only named on purpose.
    ...(config.registryAuthFile === undefined ? [] : [dockerConfig(config.registryAuthFile)]),
    dockerConfig(join(config.dockerConfig, 'config.json')),
  ];
  return openRegistry({ ...connectionOf(flags, { config, debug }), credentials: firstOf(...sources) });
}

/** How registries are reached, whoever asks. */
export function connectionOf(flags: ConnectionValues & { readonly verbose?: boolean }, { config, debug }: Asked): RegistryClientOptions {
  const http = new HttpClient({
    tls: tlsOf(flags),
    proxy: parseProxyEnvironment(config.proxyEnvironment),
    userAgent: `sealward/${VERSION}`,
    ...(flags.verbose ? { observe: (event) => debug(visible(describeEvent(event))) } : {}),
  });
  return {
    http,
    allowHttp: flags['allow-http-registry'],
    mirrors: byHost(flags['registry-mirror'], 'registry-mirror'),
    realmHosts: byHost(flags['registry-realm-host'], 'registry-realm-host'),
  };
}

/** `HOST=VALUE`, several of one host in the order given. */
function byHost(values: readonly string[], flag: string): Record<string, string[]> {
  const found: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  for (const value of values) {
    const at = value.indexOf('=');
    const host = normalHost(value.slice(0, Math.max(at, 0)));
    if (host === undefined || at === value.length - 1) {
      throw new SealwardError('ERR_USAGE', `--${flag} is not HOST=VALUE: ${JSON.stringify(value.slice(0, 80))}`, {
        hint: `Write --${flag} registry.example=other.example.`,
      });
    }
    (found[host] ??= []).push(value.slice(at + 1));
  }
  return found;
}

/** One line for --verbose; events carry no credentials. */
function describeEvent({ method, host, path, attempt, milliseconds, status, error }: HttpEvent): string {
  const again = attempt > 1 ? `, attempt ${attempt}` : '';
  return `${method} ${host}${path}: ${status ?? error?.code ?? 'no answer'} in ${Math.round(milliseconds)} ms${again}`;
}

function credentialsOf(flags: RegistryValues): Credentials | undefined {
  const { 'registry-username': username, 'registry-password': password, 'registry-token': token } = flags;
  if (token !== undefined) {
    if (username !== undefined || password !== undefined)
      throw new SealwardError('ERR_FLAG_CONFLICT', '--registry-token and --registry-username contradict each other', { hint: 'Give one of them.' });
    return { kind: 'registry-token', token };
  }
  if (username === undefined && password === undefined) return undefined;
  if (username === undefined || password === undefined)
    throw new SealwardError('ERR_FLAG_CONFLICT', '--registry-username and --registry-password belong together', {
      hint: 'Give both, or log in with `sealward login HOST`.',
    });
  return { kind: 'password', username, password };
}

function tlsOf(flags: ConnectionValues): TlsSettings {
  const { 'registry-client-cert': cert, 'registry-client-key': key, 'registry-cacert': ca, 'registry-server-name': serverName } = flags;
  if ((cert === undefined) !== (key === undefined))
    throw new SealwardError('ERR_FLAG_CONFLICT', '--registry-client-cert and --registry-client-key belong together', { hint: 'Give both.' });
  return {
    ...(ca === undefined ? {} : { ca: [readPem(ca)] }),
    ...(cert === undefined || key === undefined ? {} : { cert: readPem(cert), key: readPem(key) }),
    ...(serverName === undefined ? {} : { serverName }),
    ...(flags['allow-insecure-registry'] ? { unsafeSkipVerify: true } : {}),
  };
}

function readPem(path: string): string {
  return decodeUtf8(readBytes(path, LIMITS.documentBytes, 'the file'), `the file ${visible(path)}`);
}
