/** Fetching a bearer token: the distribution project's "Token Authentication" and its OAuth 2 form. */
import { quoted } from '../../core/artifact/index.ts';
import { type JsonObject, LIMITS, parseJsonObject, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { HttpClient, HttpRequest, HttpResponse } from '../http/index.ts';
import { statusError } from './answers.ts';
import { basicHeader, headerSafe } from './authorization-header.ts';
import type { Credentials } from './credentials.ts';
import type { Endpoint } from './endpoints.ts';

export interface Token {
  readonly value: string;
  /** On the client's clock. */
  readonly expiresAt: number;
}

export interface TokenRequest {
  readonly endpoint: Endpoint;
  readonly realm: URL;
  readonly service: string | undefined;
  readonly scopes: readonly string[];
  readonly credentials: Credentials | undefined;
  readonly deadline: number;
  readonly signal?: AbortSignal;
}

/** "Token Authentication": "if omitted, this defaults to 60 seconds", and clients should not count on less. */
const LEAST_SECONDS = 60;
const MOST_SECONDS = 24 * 3600;

export async function fetchToken(http: HttpClient, request: TokenRequest): Promise<Token> {
  const started = http.clock.now();
  const response = await http.send(
    request.credentials?.kind === 'identity-token' ? exchangeRequest(request, request.credentials.token) : plainRequest(request),
  );
  if (response.status !== 200) throw tokenError(request, response);
  const { value, seconds } = parseToken(response, request);
  return { value, expiresAt: started + seconds * 1000 };
}

function shared(request: TokenRequest): Pick<HttpRequest, 'home' | 'deadline' | 'maxBytes' | 'what' | 'signal'> {
  return {
    home: request.endpoint.home,
    deadline: request.deadline,
    maxBytes: LIMITS.tokenBodyBytes,
    what: `a token for ${request.endpoint.registry}`,
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  };
}

function plainRequest(request: TokenRequest): HttpRequest {
  const { credentials, service, scopes } = request;
  const url = new URL(request.realm);
  if (service !== undefined) url.searchParams.set('service', service);
  url.searchParams.delete('scope');
  for (const scope of scopes) url.searchParams.append('scope', scope);
  const authorization = credentials?.kind === 'password' ? { authorization: basicHeader(credentials.username, credentials.password) } : {};
  return { ...shared(request), method: 'GET', url, headers: { accept: 'application/json' }, ...authorization };
}

/** RFC 6749 section 6. A POST is never redirected, so the refresh token stays with the realm. */
function exchangeRequest(request: TokenRequest, refreshToken: string): HttpRequest {
  const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'sealward', scope: request.scopes.join(' '), refresh_token: refreshToken });
  if (request.service !== undefined) form.set('service', request.service);
  return {
    ...shared(request),
    method: 'POST',
    url: request.realm,
    headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
    body: utf8(form.toString()),
    idempotent: true,
  };
}

function tokenError(request: TokenRequest, response: HttpResponse): SealwardError {
  const place = `${request.endpoint.registry}, token server ${request.realm.host}`;
  const { credentials } = request;
  const secret = credentials === undefined ? '' : credentials.kind === 'password' ? credentials.password : credentials.token;
  // A token server answers 400 to a refresh token that it does not know (RFC 6749 section 5.2: invalid_grant).
  if (response.status === 400 || response.status === 401 || response.status === 403) {
    const who = credentials ? 'does not accept the credentials' : 'gives no token to those it does not know';
    return new SealwardError('ERR_REGISTRY_UNAUTHENTICATED', `${place} ${who} (${response.status})`);
  }
  const error = statusError(response, place, 'a token', [secret]);
  // A token server that is not there says nothing about what was asked for: this must not read as "absent".
  return error.code === 'ERR_NOT_FOUND' ? new SealwardError('ERR_REGISTRY_FAILED', error.message, { retryable: false }) : error;
}

function parseToken(response: HttpResponse, request: TokenRequest): { value: string; seconds: number } {
  const what = `the token for ${request.endpoint.registry}`;
  let object: JsonObject;
  try {
    object = parseJsonObject(response.bytes, { what, maxBytes: LIMITS.tokenBodyBytes });
  } catch (cause) {
    // The parser's message could show a part of the token, so it is not repeated.
    throw new SealwardError(
      'ERR_CONTENT_REFUSED',
      `${what}: the answer of ${quoted(request.realm.host)} is not strict JSON`,
      cause instanceof SealwardError ? {} : { cause },
    );
  }
  const value = [object.token, object.access_token].find((candidate) => typeof candidate === 'string' && candidate !== '');
  if (typeof value !== 'string') throw new SealwardError('ERR_CONTENT_REFUSED', `${what}: the answer of ${quoted(request.realm.host)} holds no token`);
  if (value.length > LIMITS.jwtBytes) throw new SealwardError('ERR_TOO_LARGE', `${what} is longer than ${LIMITS.jwtBytes} bytes`);
  const seconds = typeof object.expires_in === 'number' ? object.expires_in : 0;
  return { value: headerSafe(value), seconds: Math.min(Math.max(seconds, LEAST_SECONDS), MOST_SECONDS) };
}
