/**
 * Credentials of the clouds' own registries by the identity of this workload. Each goes to the exact hosts of its cloud;
 * a host of another shape, however alike, gets none.
 */
import { decodeBase64, decodeBase64Url, decodeUtf8, type JsonObject, LIMITS, parseJsonObject, utf8 } from '../../core/encoding/index.ts';
import { type ErrorCode, SealwardError } from '../../core/errors.ts';
import {
  type AwsAccount,
  awsAccount,
  azureAccount,
  type Call,
  type CloudContext,
  CloudService,
  formBody,
  googleAccount,
  renewed,
  serviceUrl,
  signAwsRequest,
  textOf,
} from '../cloud/index.ts';
import { type Clock, type HostGate, systemClock, type TlsSettings } from '../http/index.ts';
import type { Credentials, CredentialSource } from './credentials.ts';

export type Cloud = 'aws' | 'google' | 'azure';

export interface WorkloadIdentityOptions {
  /** Whose registries are to be opened; others get nothing from here. */
  readonly clouds: readonly Cloud[];
  /** What the cloud put into the environment of this workload: roles, token files, addresses. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether the metadata service of the machine may be asked when the environment names nothing. */
  readonly metadata?: boolean;
  readonly readFile: (path: string, maxBytes: number, what: string) => Uint8Array;
  readonly clock?: Clock;
  readonly tls?: TlsSettings;
  /** Says when each host may be asked. */
  readonly gate?: HostGate;
}

/** Credentials that end, for one host. */
interface Temporary {
  readonly credentials: Credentials;
  /** Milliseconds since 1970. */
  readonly ends: number;
}

type Fetch = (call: Call) => Promise<Credentials>;

/** Fetched again when less than this is left. */
const MARGIN_MS = 5 * 60_000;
/** Hosts (and regions) for which credentials are kept; pods name them. */
const MOST_KEPT = 64;

const ECR = /^\d{12}\.dkr\.ecr(-fips)?\.([a-z]{2,4}(?:-[a-z]+)+-\d)\.(amazonaws\.com(?:\.cn)?)$/;
const ECR_PUBLIC = 'public.ecr.aws';
const GOOGLE = /^(?:(?:us\.|eu\.|asia\.)?gcr\.io|[a-z0-9]+(?:-[a-z0-9]+)*-docker\.pkg\.dev)$/;
const ACR = /^[a-z0-9]+(?:-[a-z0-9]+)*\.azurecr\.(?:io|cn|us)$/;

export function workloadIdentity(options: WorkloadIdentityOptions): CredentialSource {
  const context: CloudContext = {
    name: 'the registry',
    environment: options.environment,
    clock: options.clock ?? systemClock,
    readFile: options.readFile,
    tls: options.tls ?? {},
    look: options.metadata === true ? 'machine' : 'named',
    ...(options.gate ? { gate: options.gate } : {}),
  };
  const aws = once(() => awsAccount(context));
  const google = once(() => googleAccount(context));
  const azure = once(() => azureAccount(context, ACR_RESOURCE));
  const kept = new Map<string, Fetch>();
  const keptOr = (key: string, make: () => (call: Call) => Promise<Temporary>): Fetch => {
    const found = kept.get(key);
    if (found) return found;
    if (kept.size >= MOST_KEPT) kept.clear();
    const fetch = renewed(context.clock, MARGIN_MS, `credentials of ${key}`, make());
    const made: Fetch = async (call) => (await fetch(call)).credentials;
    kept.set(key, made);
    return made;
  };

  function fetchFor(registry: string): Fetch | undefined {
    const isFor = (cloud: Cloud): boolean => options.clouds.includes(cloud);
    const endpoint = isFor('aws') ? ecrEndpoint(registry) : undefined;
    // One token for every registry of a region that this identity may read.
    if (endpoint) return keptOr(endpoint.key, () => async (call) => ecrToken(context, await aws(), endpoint, call));
    if (isFor('google') && GOOGLE.test(registry))
      return async (call) => ({ kind: 'password', username: 'oauth2accesstoken', password: await google().token(call) });
    if (isFor('azure') && ACR.test(registry)) return keptOr(registry, () => async (call) => acrToken(context, registry, await azure().token(call), call));
    return undefined;
  }

  return {
    async find({ registry, deadline, signal }) {
      const fetch = fetchFor(registry);
      if (!fetch) return undefined;
      try {
        return await fetch({ deadline, ...(signal ? { signal } : {}) });
      } catch (error) {
        throw inWordsOfRegistries(error, registry);
      }
    },
  };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

interface EcrEndpoint {
  readonly key: string;
  readonly host: string;
  readonly region: string;
  readonly service: 'ecr' | 'ecr-public';
  readonly target: string;
}

function ecrEndpoint(registry: string): EcrEndpoint | undefined {
  if (registry === ECR_PUBLIC) {
    // It gives its tokens in this one region.
    const target = 'SpencerFrontendService.GetAuthorizationToken';
    return { key: registry, host: 'api.ecr-public.us-east-1.amazonaws.com', region: 'us-east-1', service: 'ecr-public', target };
  }
  const [, fips, region, domain] = ECR.exec(registry) ?? [];
  if (region === undefined || domain === undefined || region.startsWith('cn-') !== domain.endsWith('.cn')) return undefined;
  const host = `${fips === undefined ? 'api.ecr' : 'ecr-fips'}.${region}.${domain}`;
  return { key: host, host, region, service: 'ecr', target: 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken' };
}

/** GetAuthorizationToken of ECR and of ECR Public: a user name and a password for twelve hours. */
async function ecrToken(context: CloudContext, account: AwsAccount, endpoint: EcrEndpoint, call: Call): Promise<Temporary> {
  const what = 'a token of Amazon ECR';
  const credentials = await account.credentials(call);
  const setting = endpoint.service === 'ecr' ? 'AWS_ENDPOINT_URL_ECR' : 'AWS_ENDPOINT_URL_ECR_PUBLIC';
  const url = serviceUrl(context.environment[setting] || `https://${endpoint.host}`, setting);
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': endpoint.target };
  const body = utf8('{}');
  const scope = { region: endpoint.region, service: endpoint.service, now: context.clock.now() };
  const signed = signAwsRequest({ method: 'POST', url, headers, body }, credentials, scope);
  const service = new CloudService(context, account.tls);
  try {
    const answer = await service.json(
      {
        method: 'POST',
        url,
        headers: { ...headers, ...signed.headers },
        authorization: signed.authorization,
        body,
        what,
        secrets: [credentials.secretAccessKey, credentials.sessionToken ?? ''],
        explain: explainEcr,
      },
      call,
    );
    const given = answer['authorizationData'];
    const entry = (Array.isArray(given) ? given[0] : given) as JsonObject | null | undefined;
    if (entry === null || entry === undefined || typeof entry !== 'object') throw unusable(what);
    const ends = Number(entry['expiresAt']) * 1000;
    return { credentials: basicToken(textOf(entry, 'authorizationToken', what), what), ends: Number.isFinite(ends) ? ends : 0 };
  } finally {
    service.close();
  }
}

/** AWS says nearly everything with 400, and what it means in __type, which may carry a namespace before "#". */
function explainEcr(status: number, body: JsonObject): { code: ErrorCode | 'throttled'; says: string } | undefined {
  const type = typeof body['__type'] === 'string' ? (body['__type'].split('#').pop() ?? '') : '';
  if (type === '') return undefined;
  if (/^(?:Throttling|TooManyRequests|RequestLimitExceeded)/.test(type)) return { code: 'throttled', says: type };
  if (status >= 500 || type.startsWith('Server')) return { code: 'ERR_KEY_UNAVAILABLE', says: type };
  return { code: 'ERR_KEY_DENIED', says: type };
}

/** Base64 of "AWS:password". */
function basicToken(token: string, what: string): Credentials {
  let text: string;
  try {
    text = decodeUtf8(decodeBase64(token), what);
  } catch {
    throw unusable(what);
  }
  const colon = text.indexOf(':');
  if (colon <= 0) throw unusable(what);
  return { kind: 'password', username: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** The kind of service that tokens of Microsoft Entra for registries are for, in every one of its clouds. */
const ACR_RESOURCE = 'https://containerregistry.azure.net';
/** Where the token does not say it; they are good for three hours. */
const ACR_TOKEN_MS = 3600_000;

/** The registry gives a refresh token of its own for a token of Microsoft Entra. */
async function acrToken(context: CloudContext, registry: string, entraToken: string, call: Call): Promise<Temporary> {
  const what = `a token of ${registry}`;
  const tenant = context.environment['AZURE_TENANT_ID'];
  const fields = { grant_type: 'access_token', service: registry, ...(tenant ? { tenant } : {}), access_token: entraToken };
  const service = new CloudService(context);
  try {
    const answer = await service.json(
      {
        method: 'POST',
        url: new URL(`https://${registry}/oauth2/exchange`),
        ...formBody(fields),
        what,
        secrets: [entraToken],
        explain: (status) => (status === 400 ? { code: 'ERR_KEY_DENIED' } : undefined),
      },
      call,
    );
    const token = textOf(answer, 'refresh_token', what);
    return { credentials: { kind: 'identity-token', token }, ends: endOf(token) ?? context.clock.now() + ACR_TOKEN_MS };
  } finally {
    service.close();
  }
}

/** When a JWT says that it ends. Nobody relies on it: a token that ended is refused by who made it. */
function endOf(token: string): number | undefined {
  try {
    const { exp } = parseJsonObject(decodeBase64Url(token.split('.')[1] ?? ''), { what: 'the token', maxBytes: LIMITS.jwtBytes });
    return typeof exp === 'number' ? exp * 1000 : undefined;
  } catch {
    return undefined;
  }
}

function unusable(what: string): SealwardError {
  return new SealwardError('ERR_KEY_ANSWER', `the answer for ${what} cannot be used`);
}

const CODES: Readonly<Partial<Record<ErrorCode, ErrorCode>>> = {
  ERR_KEY_DENIED: 'ERR_REGISTRY_UNAUTHENTICATED',
  ERR_KEY_UNAVAILABLE: 'ERR_REGISTRY_UNREACHABLE',
  ERR_KEY_ANSWER: 'ERR_REGISTRY_FAILED',
  ERR_KEY_NOT_FOUND: 'ERR_REGISTRY_FAILED',
};

/** The clouds' services are spoken of in the words of keys (clients/cloud). */
function inWordsOfRegistries(error: unknown, registry: string): unknown {
  const code = error instanceof SealwardError ? CODES[error.code] : undefined;
  if (code === undefined || !(error instanceof SealwardError)) return error;
  return new SealwardError(code, `no credentials for ${registry}: ${error.message}`, {
    cause: error,
    ...(code === 'ERR_REGISTRY_UNAUTHENTICATED'
      ? { hint: error.hint.startsWith('Set ') ? error.hint : 'Check that the identity of this workload may read the registry.' }
      : {}),
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
  });
}
