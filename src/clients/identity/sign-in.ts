/**
 * A person signs in: in a browser on this machine (RFC 8252, with PKCE of RFC 7636), or in any browser by a code that is
 * typed there (RFC 8628). The token is believed by the authority that it is shown to, not here.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeBase64Url, encodeBase64Url, type JsonObject, LIMITS, parseJsonObject, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { bareHost, isLoopbackHost } from '../http/index.ts';
import { askForToken, tokenIn } from './ask.ts';
import type { IdentityContext } from './context.ts';

export interface SignInOptions extends Omit<IdentityContext, 'environment'> {
  /** The issuer, as its tokens name it. */
  readonly issuer: string;
  readonly clientId: string;
  /** Shows something to the person. */
  readonly say: (text: string) => void;
  /** Opens a browser; the URL is shown besides. */
  readonly open?: (url: string) => void;
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const SCOPE = 'openid email';
const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const SLOW_DOWN_MS = 5000;

interface Endpoints {
  readonly authorization: string;
  readonly token: string;
  readonly device: string | undefined;
}

export async function browserToken(options: SignInOptions): Promise<string> {
  const { clientId, say, open, signal, deadline, http } = options;
  const endpoints = await discover(options);
  const [verifier, state, nonce] = [random(), random(), random()];
  const answered = Promise.withResolvers<URLSearchParams>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (url.pathname !== '/auth/callback') {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' }).end('Thank you. You may close this page.\n');
    answered.resolve(url.searchParams);
  });
  await new Promise<void>((resolve, reject) => server.on('error', reject).listen(0, '127.0.0.1', resolve));
  const give = (): void => answered.reject(new SealwardError(signal?.aborted ? 'ERR_INTERRUPTED' : 'ERR_DEADLINE', 'nobody signed in'));
  const timer = setTimeout(give, Math.max(1, deadline - http.clock.now()));
  signal?.addEventListener('abort', give, { once: true });
  try {
    const redirect = `http://localhost:${(server.address() as AddressInfo).port}/auth/callback`;
    const question = new URL(endpoints.authorization);
    const asked = {
      response_type: 'code',
      client_id: clientId,
      redirect_uri: redirect,
      scope: SCOPE,
      state,
      nonce,
      code_challenge: challengeOf(verifier),
      code_challenge_method: 'S256',
    };
    for (const [name, value] of Object.entries(asked)) question.searchParams.set(name, value);
    say(`Sign in with your browser:\n  ${question.href}`);
    open?.(question.href);
    const answer = await answered.promise;
    if (answer.get('state') !== state) throw new SealwardError('ERR_TOKEN_MISSING', 'the answer of the browser belongs to another sign-in');
    const code = answer.get('code');
    if (code === null) throw new SealwardError('ERR_TOKEN_MISSING', `nobody was signed in: ${(answer.get('error') ?? 'no code').slice(0, 80)}`);
    const token = await exchange(options, endpoints, { grant_type: 'authorization_code', code, redirect_uri: redirect, code_verifier: verifier });
    // OpenID Connect Core section 3.1.3.7: a token that was made for another sign-in is not ours to use.
    if (nonceOf(token) !== nonce) throw new SealwardError('ERR_TOKEN_MISSING', 'the issuer gave the token of another sign-in');
    return token;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', give);
    server.close();
    server.closeAllConnections();
  }
}

export async function deviceToken(options: SignInOptions): Promise<string> {
  const { clientId, say, http, signal } = options;
  const endpoints = await discover(options);
  if (endpoints.device === undefined) throw new SealwardError('ERR_TOKEN_MISSING', `${options.issuer} signs nobody in by a code`);
  const verifier = random();
  const what = 'the answer of the issuer';
  const body = form({ client_id: clientId, scope: SCOPE, code_challenge: challengeOf(verifier), code_challenge_method: 'S256' });
  const { bytes } = await askForToken(withEnvironment(options), { method: 'POST', url: endpoints.device, headers: FORM, body, what });
  const answer = parseJsonObject(bytes, { what, maxBytes: LIMITS.tokenBodyBytes });
  const [device, user, page] = [tokenIn(bytes, 'device_code', what), tokenIn(bytes, 'user_code', what), tokenIn(bytes, 'verification_uri', what)];
  say(`Open ${page} in any browser, and type this code:\n  ${user}`);
  let wait = typeof answer.interval === 'number' ? Math.min(Math.max(answer.interval, 1), 60) * 1000 : SLOW_DOWN_MS;
  for (;;) {
    if (http.clock.now() + wait > options.deadline) throw new SealwardError('ERR_DEADLINE', 'nobody signed in');
    await http.clock.sleep(wait, signal);
    const outcome = await poll(options, endpoints, { grant_type: DEVICE_GRANT, device_code: device, code_verifier: verifier });
    if (outcome.token !== undefined) return outcome.token;
    if (outcome.error === 'slow_down') wait += SLOW_DOWN_MS;
    else if (outcome.error !== 'authorization_pending') throw new SealwardError('ERR_TOKEN_MISSING', `nobody was signed in: ${outcome.error.slice(0, 80)}`);
  }
}

async function discover(options: SignInOptions): Promise<Endpoints> {
  const { issuer } = options;
  const url = URL.parse(issuer);
  if (!url || (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopbackHost(bareHost(url)))))
    throw new SealwardError('ERR_USAGE', `the issuer ${issuer.slice(0, 200)} is not at an https URL`);
  const what = `the discovery document of ${issuer}`;
  const { bytes } = await askForToken(withEnvironment(options), { method: 'GET', url: `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, what });
  const document: JsonObject = parseJsonObject(bytes, { what, maxBytes: LIMITS.tokenBodyBytes });
  // OpenID Connect Discovery section 4.3.
  if (document.issuer !== issuer) throw new SealwardError('ERR_TOKEN_MISSING', `${what} is of another issuer`);
  const endpoint = (name: string): string => {
    const text = document[name];
    const parsed = typeof text === 'string' ? URL.parse(text) : null;
    if (parsed?.protocol !== url.protocol && parsed?.protocol !== 'https:') throw new SealwardError('ERR_TOKEN_MISSING', `${what} has no ${name}`);
    return parsed.href;
  };
  return {
    authorization: endpoint('authorization_endpoint'),
    token: endpoint('token_endpoint'),
    device: typeof document['device_authorization_endpoint'] === 'string' ? endpoint('device_authorization_endpoint') : undefined,
  };
}

async function exchange(options: SignInOptions, endpoints: Endpoints, fields: Readonly<Record<string, string>>): Promise<string> {
  const outcome = await poll(options, endpoints, fields);
  if (outcome.token !== undefined) return outcome.token;
  throw new SealwardError('ERR_TOKEN_MISSING', `the issuer gave no token: ${outcome.error.slice(0, 80)}`);
}

async function poll(
  options: SignInOptions,
  { token }: Endpoints,
  fields: Readonly<Record<string, string>>,
): Promise<{ readonly token: string; readonly error?: undefined } | { readonly token?: undefined; readonly error: string }> {
  const what = 'the answer of the issuer';
  const body = form({ ...fields, client_id: options.clientId });
  const { status, bytes } = await askForToken(withEnvironment(options), {
    method: 'POST',
    url: token,
    headers: FORM,
    body,
    what,
    alsoTaken: [400, 401, 403, 428],
  });
  return status < 300 ? { token: tokenIn(bytes, 'id_token', what) } : { error: tokenIn(bytes, 'error', what) };
}

function nonceOf(token: string): unknown {
  const payload = decodeBase64Url(token.split('.', 3)[1] ?? '', 'the identity token');
  return parseJsonObject(payload, { what: 'the identity token', maxBytes: LIMITS.jwtBytes }).nonce;
}

function withEnvironment(options: SignInOptions): IdentityContext {
  return { ...options, environment: {} };
}

function form(fields: Readonly<Record<string, string>>): Uint8Array {
  return utf8(new URLSearchParams(fields).toString());
}

function random(): string {
  return encodeBase64Url(randomBytes(32));
}

function challengeOf(verifier: string): string {
  return encodeBase64Url(createHash('sha256').update(verifier).digest());
}
