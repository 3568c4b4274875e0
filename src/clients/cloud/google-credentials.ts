/**
 * Access tokens for Google Cloud, as its tools find them: a token in a variable, the file of
 * GOOGLE_APPLICATION_CREDENTIALS or of `gcloud auth application-default login` (service account, user, or the identity
 * of another cloud or CI), or the metadata service.
 */
import { createPrivateKey, sign } from 'node:crypto';
import { decodeUtf8, encodeBase64Url, type JsonObject, parseJsonObject } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { compactJson, formBody, CloudService, objectOf, serviceUrl, textOf } from './cloud-service.ts';
import type { Call, CloudContext } from './cloud-context.ts';
import { renewed } from './renewed.ts';

export interface GoogleAccount {
  token(call: Call): Promise<string>;
}

interface Token {
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly ends: number;
}

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
const MAX_FILE_BYTES = 64 * 1024;
const MARGIN_MS = 60_000;
const WHAT = 'an access token of Google Cloud';

export function googleAccount(context: CloudContext): GoogleAccount {
  const given = context.environment['GOOGLE_OAUTH_ACCESS_TOKEN'] || context.environment['CLOUDSDK_AUTH_ACCESS_TOKEN'];
  const fetch = renewed(context.clock, MARGIN_MS, WHAT, (call) => fetchToken(context, call));
  return { token: async (call) => given || (await fetch(call)).text };
}

async function fetchToken(context: CloudContext, call: Call): Promise<Token> {
  const file = credentialsFile(context);
  const service = new CloudService(context, {}, file === undefined);
  try {
    if (file === undefined && context.look === 'named') throw nothingFound(context);
    if (file === undefined) return await fromMetadata(context, service, call);
    switch (file['type']) {
      case 'service_account':
        return await ask(
          context,
          service,
          addressOf(file, 'token_uri'),
          { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: assertion(file, context.clock.now()) },
          call,
        );
      case 'authorized_user': {
        const fields = {
          grant_type: 'refresh_token',
          client_id: textOf(file, 'client_id', WHAT),
          client_secret: textOf(file, 'client_secret', WHAT),
          refresh_token: textOf(file, 'refresh_token', WHAT),
        };
        return await ask(context, service, serviceUrl('https://oauth2.googleapis.com/token', 'the token address'), fields, call);
      }
      case 'external_account':
        return await federated(context, service, file, call);
      default:
        throw new SealwardError(
          'ERR_CONFIG_INVALID',
          `the credentials of Google Cloud are of the type ${JSON.stringify(file['type'] ?? null).slice(0, 40)}, which is not supported`,
        );
    }
  } finally {
    service.close();
  }
}

function credentialsFile({ environment, readFile, look }: CloudContext): JsonObject | undefined {
  const given = environment['GOOGLE_APPLICATION_CREDENTIALS'];
  const home = look === 'everywhere' ? (environment['HOME'] ?? environment['USERPROFILE']) : undefined;
  const path = given || (home ? `${home}/.config/gcloud/application_default_credentials.json` : undefined);
  if (path === undefined) return undefined;
  let bytes: Uint8Array;
  try {
    bytes = readFile(path, MAX_FILE_BYTES, 'the credentials file');
  } catch (error) {
    if (given) throw error;
    return undefined;
  }
  return parseJsonObject(bytes, { what: 'the credentials file of Google Cloud', maxBytes: MAX_FILE_BYTES });
}

const addressOf = (file: JsonObject, member: string): URL =>
  serviceUrl(textOf(file, member, 'the credentials of Google Cloud'), `the ${member} of the credentials`);

/** A JWT that the service account signs for itself (RFC 7523). */
function assertion(file: JsonObject, now: number): string {
  const seconds = Math.floor(now / 1000);
  const header = { alg: 'RS256', typ: 'JWT', ...(typeof file['private_key_id'] === 'string' ? { kid: file['private_key_id'] } : {}) };
  const claims = { iss: textOf(file, 'client_email', WHAT), scope: SCOPE, aud: textOf(file, 'token_uri', WHAT), iat: seconds, exp: seconds + 3600 };
  const text = `${compactJson(header)}.${compactJson(claims)}`;
  let signature: Buffer;
  try {
    signature = sign('sha256', Buffer.from(text), createPrivateKey(textOf(file, 'private_key', WHAT)));
  } catch {
    // Without the cause: it is about a private key.
    throw new SealwardError('ERR_CONFIG_INVALID', 'the credentials file of Google Cloud holds no usable private key');
  }
  return `${text}.${encodeBase64Url(signature)}`;
}

async function ask(context: CloudContext, service: CloudService, url: URL, fields: Readonly<Record<string, string>>, call: Call): Promise<Token> {
  const secrets = Object.values(fields).filter((value) => value.length > 40);
  const answer = await service.json(
    {
      method: 'POST',
      url,
      ...formBody(fields),
      what: WHAT,
      secrets,
      // RFC 6749 section 5.2: a refused grant is 400.
      explain: (status, body) =>
        status === 400 || status === 401
          ? { code: 'ERR_KEY_DENIED', says: [body['error'], body['error_description']].filter((text) => typeof text === 'string').join(' ') }
          : undefined,
    },
    call,
  );
  return tokenFrom(context, answer, 'access_token');
}

function tokenFrom(context: CloudContext, answer: JsonObject, member: string): Token {
  const seconds = answer['expires_in'];
  return { text: textOf(answer, member, WHAT), ends: context.clock.now() + (typeof seconds === 'number' ? seconds : 300) * 1000 };
}

async function fromMetadata(context: CloudContext, service: CloudService, call: Call): Promise<Token> {
  const host = context.environment['GCE_METADATA_HOST'] || 'metadata.google.internal';
  const url = new URL('/computeMetadata/v1/instance/service-accounts/default/token', serviceUrl(`http://${host}`, 'GCE_METADATA_HOST'));
  const soon = { ...call, deadline: Math.min(call.deadline, context.clock.now() + 3000) };
  try {
    return tokenFrom(context, await service.json({ method: 'GET', url, headers: { 'metadata-flavor': 'Google' }, what: WHAT }, soon), 'access_token');
  } catch (cause) {
    if (!(cause instanceof SealwardError) || (cause.code !== 'ERR_KEY_UNAVAILABLE' && cause.code !== 'ERR_DEADLINE')) throw cause;
    throw nothingFound(context, cause);
  }
}

function nothingFound({ name }: CloudContext, cause?: unknown): SealwardError {
  return new SealwardError('ERR_KEY_DENIED', `no credentials of Google Cloud were found for ${name}`, {
    ...(cause === undefined ? {} : { cause }),
    hint: 'Set GOOGLE_APPLICATION_CREDENTIALS to a credentials file, or GOOGLE_OAUTH_ACCESS_TOKEN to the output of `gcloud auth print-access-token`.',
  });
}

/** Workload identity federation: the token of a CI or another cloud, exchanged (RFC 8693), and then perhaps for a service account's. */
async function federated(context: CloudContext, service: CloudService, file: JsonObject, call: Call): Promise<Token> {
  const first = await ask(
    context,
    service,
    addressOf(file, 'token_url'),
    {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      audience: textOf(file, 'audience', WHAT),
      scope: SCOPE,
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      subject_token_type: textOf(file, 'subject_token_type', WHAT),
      subject_token: await subjectToken(context, service, objectOf(file, 'credential_source', WHAT), call),
    },
    call,
  );
  if (typeof file['service_account_impersonation_url'] !== 'string') return first;
  const answer = await service.json(
    {
      method: 'POST',
      url: addressOf(file, 'service_account_impersonation_url'),
      authorization: `Bearer ${first.text}`,
      body: { scope: [SCOPE] },
      what: WHAT,
      secrets: [first.text],
    },
    call,
  );
  const ends = Date.parse(textOf(answer, 'expireTime', WHAT));
  return { text: textOf(answer, 'accessToken', WHAT), ends: Number.isNaN(ends) ? 0 : ends };
}

async function subjectToken(context: CloudContext, service: CloudService, source: JsonObject, call: Call): Promise<string> {
  const what = 'the token of this workload';
  const format = source['format'] === undefined ? {} : objectOf(source, 'format', what);
  const member = format['type'] === 'json' ? textOf(format, 'subject_token_field_name', what) : undefined;
  let bytes: Uint8Array;
  if (typeof source['file'] === 'string') bytes = context.readFile(source['file'], MAX_FILE_BYTES, what);
  else if (typeof source['url'] === 'string') {
    const given = source['headers'] === undefined ? {} : (objectOf(source, 'headers', what) as Record<string, string>);
    const { authorization, ...headers } = Object.fromEntries(Object.entries(given).map(([name, value]) => [name.toLowerCase(), value]));
    bytes = (
      await service.send(
        { method: 'GET', url: serviceUrl(source['url'], what), headers, ...(authorization === undefined ? {} : { authorization }), what },
        call,
      )
    ).bytes;
  } else {
    throw new SealwardError('ERR_CONFIG_INVALID', 'the credentials of Google Cloud take their token from a source that is not supported; a file and a URL are');
  }
  if (member === undefined) return decodeUtf8(bytes, what).trim();
  return textOf(parseJsonObject(bytes, { what, maxBytes: MAX_FILE_BYTES }), member, what);
}
