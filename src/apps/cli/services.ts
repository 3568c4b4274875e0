/** The services that vouch for signatures, as flags and files name them, and the identity that they certify. */
import { spawn } from 'node:child_process';
import { HttpClient, type HttpEvent, parseProxyEnvironment } from '../../clients/http/index.ts';
import { ambientToken, browserToken, deviceToken, readTokenFile } from '../../clients/identity/index.ts';
import { decodeUtf8, encodeHex, LIMITS } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { type Anchors, parseSigningConfig, parseTrustedRoot, type SigningConfig } from '../../core/trust/index.ts';
import { connectToAuthority, type Endorser, endorserFor, type EndorserOptions, servicesOf, signKeyless, type SigningServices } from '../../sdk/index.ts';
import { compileAddressExpression } from './address-expression.ts';
import type { Endorsement, EndorsementAsked, SigningValues } from './endorsement-asked.ts';
import { readBytes } from './file.ts';
import { fetchedTrust } from './fetched-trust.ts';
import { VERSION } from './version.ts';
import { visible, visibleLines } from './visible.ts';

const AUDIENCE = 'sigstore';

export async function endorserOf(invocation: EndorsementAsked): Promise<Endorser> {
  return endorserFor(await endorserOptions(invocation, false));
}

/** @param meanwhile see signKeyless. */
export async function keyless(invocation: EndorsementAsked, meanwhile?: () => void): Promise<Omit<Endorsement, 'companions'>> {
  const options = await endorserOptions(invocation, true);
  const token = await tokenFor(invocation, options);
  const { signer, endorser, identity, issuer } = await signKeyless({ ...options, token, meanwhile });
  invocation.debug(`certified as ${visible(identity)}, vouched for by ${visible(issuer)}`);
  return { signer, endorser, identity: { name: identity, issuer } };
}

interface Options extends EndorserOptions {
  readonly issuer: string | undefined;
}

async function endorserOptions(invocation: EndorsementAsked, keyless: boolean): Promise<Options> {
  const { flags, config, signal, deadline, debug } = invocation;
  const { readAnchors, signing } = await trustFor(invocation);
  const services = chosen(flags, signing, readAnchors, keyless);
  if (keyless && services.logs.length + services.timestampAuthorities.length === 0) {
    throw new SealwardError(
      'ERR_FLAG_CONFLICT',
      'a certificate of ten minutes is worth nothing later, unless a log or a timestamp authority says when it was used',
      {
        hint: 'Give --rekor-url or --timestamp-server-url, or a --signing-config that names them.',
      },
    );
  }
  const ca =
    config.caFile === undefined
      ? {}
      : { ca: [decodeUtf8(readBytes(config.caFile, LIMITS.documentBytes, 'the file in SSL_CERT_FILE'), 'the file in SSL_CERT_FILE')] };
  compileAddressExpression(hostsOf(services));
  const http = new HttpClient({
    tls: ca,
    proxy: parseProxyEnvironment(config.proxyEnvironment),
    userAgent: `sealward/${VERSION}`,
    ...(flags.verbose ? { observe: (event) => debug(visible(describe(event))) } : {}),
  });
  const call = { http, deadline, signal };
  // Not where a person is asked first: who waits for a browser finds the connection closed.
  if (flags['identity-token'] !== undefined) connectToAuthority({ services, call });
  return { services, anchors: readAnchors(), call, issuer: flags['oidc-issuer'] ?? signing?.issuers[0]?.url };
}

function hostsOf({ authority, logs, timestampAuthorities }: SigningServices): string[] {
  return [...(authority === undefined ? [] : [authority]), ...logs.map(({ url }) => url), ...timestampAuthorities].map((url) => URL.parse(url)?.hostname ?? '');
}

interface TrustFound {
  /** Takes longer than all else that is read, and is left for when a connection is being opened. */
  readonly readAnchors: () => Anchors;
  readonly signing: SigningConfig | undefined;
}

/** Whom what the services give must verify by, and which services there are. */
async function trustFor(invocation: EndorsementAsked): Promise<TrustFound> {
  const { flags, config } = invocation;
  const configOf = (path: string): SigningConfig => parseSigningConfig(readBytes(path, LIMITS.documentBytes, 'the signing configuration'));
  if (flags['trust-url'] !== undefined) {
    if (flags['trusted-root'] !== undefined)
      throw new SealwardError('ERR_FLAG_CONFLICT', '--trust-url and --trusted-root contradict each other', { hint: 'Give one of them.' });
    const { servedTrust } = await import('./served-trust.ts');
    const { anchors, signingConfig } = await servedTrust(invocation, flags['trust-url'], flags['trust-root']);
    return {
      readAnchors: () => anchors,
      signing: flags['signing-config'] === undefined ? signingConfig && parseSigningConfig(signingConfig) : configOf(flags['signing-config']),
    };
  }
  const fetched = fetchedTrust(config);
  const rootFile = flags['trusted-root'] ?? fetched?.trustedRoot;
  if (rootFile === undefined) {
    throw new SealwardError('ERR_TRUSTED_ROOT_MISSING', 'no trusted root was given, so what the services give could not be verified', {
      hint: 'Give --trusted-root FILE, or --trust-url URL.',
    });
  }
  const configFile = flags['signing-config'] ?? (flags['trusted-root'] === undefined ? fetched?.signingConfig : undefined);
  const root = readBytes(rootFile, LIMITS.documentBytes, 'the trusted root');
  return {
    readAnchors: () => parseTrustedRoot(root),
    signing: configFile === undefined ? undefined : configOf(configFile),
  };
}

/** What flags name takes the place of what the configuration names, kind by kind. */
function chosen(flags: SigningValues, signing: SigningConfig | undefined, readAnchors: () => Anchors, keyless: boolean): SigningServices {
  const { 'fulcio-url': authority, 'rekor-url': log, 'timestamp-server-url': stamps } = flags;
  const named = signing ? servicesOf(signing, Date.now(), keyless && authority === undefined) : { logs: [], timestampAuthorities: [] };
  const url = authority ?? named.authority;
  const logs = log === undefined ? named.logs : [{ url: log, version: logVersion(flags, log, readAnchors) }];
  return {
    ...(url === undefined || !keyless ? {} : { authority: url }),
    logs: flags['tlog-upload'] ? logs : [],
    timestampAuthorities: stamps === undefined ? named.timestampAuthorities : [stamps],
  };
}

/** Logs of the first version are named by their key alone; those of the second by their origin and their key. */
function logVersion(flags: SigningValues, url: string, readAnchors: () => Anchors): number {
  if (flags['rekor-version'] !== undefined) return Number(flags['rekor-version']);
  const same = (other: string): boolean => other.replace(/\/$/, '') === url.replace(/\/$/, '');
  const anchor = readAnchors().logs.find(({ baseUrl }) => same(baseUrl));
  return anchor && anchor.id === encodeHex(anchor.logId) ? 1 : 2;
}

async function tokenFor(invocation: EndorsementAsked, { call, issuer }: Options): Promise<string> {
  const { flags, config, terminal } = invocation;
  const given = flags['identity-token'];
  // A token has two dots and no slash; anything else is a path.
  if (given !== undefined) return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(given) ? given : readTokenFile(given);
  const { http, deadline, signal } = call;
  const context = { audience: AUDIENCE, http, deadline, ...(signal ? { signal } : {}) };
  if (!flags['oidc-disable-ambient-providers']) {
    const found = await ambientToken({ ...context, environment: config.environment }, flags['oidc-provider']);
    if (found) {
      invocation.debug(`the identity token is that of ${found.provider}`);
      return found.token;
    }
  }
  const flow =
    flags['fulcio-auth-flow'] ?? (terminal.io.stderr.isTTY === true && !config.ci ? (hasBrowser(config.environment) ? 'normal' : 'device') : 'token');
  if (flow === 'token' || issuer === undefined) throw new SealwardError('ERR_TOKEN_MISSING', 'there is no key, and nobody here gives an identity token');
  terminal.say('Your name or address will stand in the certificate, and in the log for ever.');
  const asked = { ...context, issuer, clientId: flags['oidc-client-id'], say: (text: string) => terminal.say(visibleLines(text)) };
  if (flow === 'device') return deviceToken(asked);
  // Who asked for it by a flag may be a test, or a person on another screen: a browser is opened only on a terminal.
  return browserToken(terminal.io.stderr.isTTY === true && hasBrowser(config.environment) ? { ...asked, open: openBrowser } : asked);
}

/** Whether or not it works, the URL stands on the terminal. */
function openBrowser(url: string): void {
  const [program, first]: readonly [string, readonly string[]] =
    process.platform === 'darwin' ? ['open', []] : process.platform === 'win32' ? ['rundll32', ['url.dll,FileProtocolHandler']] : ['xdg-open', []];
  const child = spawn(program, [...first, url], { stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  child.unref();
}

/** On a machine without a display the browser is elsewhere. */
function hasBrowser(environment: EndorsementAsked['config']['environment']): boolean {
  return process.platform !== 'linux' || Boolean(environment['DISPLAY'] ?? environment['WAYLAND_DISPLAY']);
}

function describe({ method, host, path, milliseconds, status, error }: HttpEvent): string {
  return `${method} ${host}${path}: ${status ?? error?.code ?? 'no answer'} in ${Math.round(milliseconds)} ms`;
}
