/**
 * Access tokens of Microsoft Entra for a vault or a registry: a workload's federated token (AKS, CI), a client secret, the managed
 * identity of a machine, or the account that `az login` left, in this order.
 */
import { execFile } from 'node:child_process';
import { decodeUtf8, type JsonObject, parseJsonObject } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { formBody, CloudService, serviceUrl, textOf } from './cloud-service.ts';
import type { Call, CloudContext } from './cloud-context.ts';
import { renewed } from './renewed.ts';

export interface AzureAccount {
  token(call: Call): Promise<string>;
}

interface Token {
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly ends: number;
}

const MARGIN_MS = 60_000;
const WHAT = 'an access token of Azure';
const MAX_ANSWER_BYTES = 64 * 1024;

/** @param resource the kind of service that the tokens are for, such as https://vault.azure.net. */
export function azureAccount(context: CloudContext, resource: string): AzureAccount {
  const fetch = renewed(context.clock, MARGIN_MS, WHAT, (call) => fetchToken(context, resource, call));
  return { token: async (call) => (await fetch(call)).text };
}

async function fetchToken(context: CloudContext, resource: string, call: Call): Promise<Token> {
  const { environment } = context;
  const [tenant, client] = [environment['AZURE_TENANT_ID'], environment['AZURE_CLIENT_ID']];
  const file = environment['AZURE_FEDERATED_TOKEN_FILE'];
  const secret = environment['AZURE_CLIENT_SECRET'];
  if (tenant && client && (file || secret))
    return fromEntra(context, tenant, client, { ...(file ? { file } : {}), ...(secret ? { secret } : {}) }, resource, call);
  const { look } = context;
  const found =
    (look === 'named' ? undefined : await fromMachine(context, resource, call)) ??
    (look === 'everywhere' ? await fromCommandLine(context, resource, call) : undefined);
  if (found) return found;
  throw new SealwardError('ERR_KEY_DENIED', `no credentials of Azure were found for ${context.name}`, {
    hint: 'Set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_FEDERATED_TOKEN_FILE or AZURE_CLIENT_SECRET, or log in with `az login`.',
  });
}

/** The client credentials grant (RFC 6749 section 4.4); a federated token stands in for the secret (RFC 7523). */
async function fromEntra(
  context: CloudContext,
  tenant: string,
  client: string,
  proof: { file?: string; secret?: string },
  resource: string,
  call: Call,
): Promise<Token> {
  const authority = serviceUrl(context.environment['AZURE_AUTHORITY_HOST'] || 'https://login.microsoftonline.com/', 'AZURE_AUTHORITY_HOST');
  const url = new URL(`/${encodeURIComponent(tenant)}/oauth2/v2.0/token`, authority);
  const assertion =
    proof.file === undefined ? undefined : decodeUtf8(context.readFile(proof.file, MAX_ANSWER_BYTES, 'the federated token'), 'the federated token').trim();
  const proven =
    assertion === undefined
      ? { client_secret: proof.secret ?? '' }
      : { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: assertion };
  const service = new CloudService(context);
  try {
    const answer = await service.json(
      {
        method: 'POST',
        url,
        ...formBody({ grant_type: 'client_credentials', client_id: client, scope: `${resource}/.default`, ...proven }),
        what: WHAT,
        secrets: [assertion ?? '', proof.secret ?? ''],
        explain: (status, body) =>
          status === 400 || status === 401
            ? { code: 'ERR_KEY_DENIED', says: [body['error'], body['error_description']].filter((text) => typeof text === 'string').join(' ') }
            : undefined,
      },
      call,
    );
    return tokenFrom(answer, context.clock.now());
  } finally {
    service.close();
  }
}

/** The metadata service of a virtual machine; undefined where there is none. */
async function fromMachine(context: CloudContext, resource: string, call: Call): Promise<Token | undefined> {
  const { environment, clock } = context;
  const host = environment['AZURE_POD_IDENTITY_AUTHORITY_HOST'] || 'http://169.254.169.254';
  const query = new URLSearchParams({
    'api-version': '2018-02-01',
    resource,
    ...(environment['AZURE_CLIENT_ID'] ? { client_id: environment['AZURE_CLIENT_ID'] } : {}),
  });
  const service = new CloudService(context, {}, true);
  const soon = { ...call, deadline: Math.min(call.deadline, clock.now() + 2000) };
  try {
    const url = new URL(`/metadata/identity/oauth2/token?${query.toString()}`, serviceUrl(host, 'AZURE_POD_IDENTITY_AUTHORITY_HOST'));
    return tokenFrom(await service.json({ method: 'GET', url, headers: { metadata: 'true' }, what: WHAT }, soon), clock.now());
  } catch (error) {
    if (error instanceof SealwardError && error.code !== 'ERR_INTERRUPTED') return undefined;
    throw error;
  } finally {
    service.close();
  }
}

/** As the login actions of CI services leave it: no variables, only the state of `az`. */
function fromCommandLine({ environment, clock }: CloudContext, resource: string, call: Call): Promise<Token | undefined> {
  const env = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined));
  const args = ['account', 'get-access-token', '--output', 'json', '--resource', resource];
  const options = {
    env,
    timeout: Math.max(1, Math.min(call.deadline - clock.now(), 20_000)),
    maxBuffer: MAX_ANSWER_BYTES,
    ...(call.signal ? { signal: call.signal } : {}),
  };
  return new Promise((resolve) => {
    execFile('az', args, options, (error, stdout) => {
      if (error) return resolve(undefined);
      try {
        const answer = parseJsonObject(stdout, { what: WHAT, maxBytes: MAX_ANSWER_BYTES });
        resolve({ text: textOf(answer, 'accessToken', WHAT), ends: clock.now() + 5 * 60_000 });
      } catch {
        resolve(undefined);
      }
      return undefined;
    });
  });
}

function tokenFrom(answer: JsonObject, now: number): Token {
  // The metadata service writes the number as text.
  const seconds = Number(answer['expires_in']);
  return { text: textOf(answer, 'access_token', WHAT), ends: now + (Number.isFinite(seconds) ? seconds : 300) * 1000 };
}
