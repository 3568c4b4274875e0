/** The token of the CI job or machine that this process runs in, by the first provider that is there. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { LIMITS, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { askForToken, tokenIn } from './ask.ts';
import type { IdentityContext, IdentityProvider } from './context.ts';
import { spiffeToken } from './spiffe.ts';

export type { IdentityContext } from './context.ts';

/** Where cosign looks for a token, too: a volume that Kubernetes projects, for instance. */
const TOKEN_FILE = '/var/run/sigstore/cosign/oidc-token';
const PRODUCT_NAME = '/sys/class/dmi/id/product_name';

const env =
  (...names: readonly string[]) =>
  ({ environment }: IdentityContext): boolean =>
    names.every((name) => Boolean(environment[name]));

/** In the order in which they are asked; the first that is there answers, and its failure is the answer. */
const PROVIDERS: readonly IdentityProvider[] = [
  {
    name: 'github',
    isHere: ({ environment }) => environment['GITHUB_ACTIONS'] === 'true' && Boolean(environment['ACTIONS_ID_TOKEN_REQUEST_URL']),
    async token(context) {
      const { environment, audience } = context;
      const what = 'the answer of GitHub Actions';
      const url = `${environment['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience=${encodeURIComponent(audience)}`;
      const { bytes } = await askForToken(context, {
        method: 'GET',
        url,
        authorization: `bearer ${environment['ACTIONS_ID_TOKEN_REQUEST_TOKEN'] ?? ''}`,
        what,
      });
      return tokenIn(bytes, 'value', what);
    },
  },
  {
    // In .gitlab-ci.yml: id_tokens: { SIGSTORE_ID_TOKEN: { aud: sigstore } }
    name: 'environment',
    isHere: env('SIGSTORE_ID_TOKEN'),
    token: async ({ environment }) => environment['SIGSTORE_ID_TOKEN'] ?? '',
  },
  {
    name: 'buildkite',
    isHere: env('BUILDKITE_AGENT_ACCESS_TOKEN', 'BUILDKITE_JOB_ID'),
    async token(context) {
      const { environment, audience } = context;
      const what = 'the answer of Buildkite';
      const home = (environment['BUILDKITE_AGENT_ENDPOINT'] ?? 'https://agent.buildkite.com/v3').replace(/\/$/, '');
      const { bytes } = await askForToken(context, {
        method: 'POST',
        url: `${home}/jobs/${encodeURIComponent(environment['BUILDKITE_JOB_ID'] ?? '')}/oidc/tokens`,
        authorization: `Token ${environment['BUILDKITE_AGENT_ACCESS_TOKEN']}`,
        headers: { 'content-type': 'application/json' },
        body: utf8(JSON.stringify({ audience })),
        what,
      });
      return tokenIn(bytes, 'token', what);
    },
  },
  {
    name: 'circleci',
    isHere: ({ environment }) => environment['CIRCLECI'] === 'true',
    token: ({ audience, environment, signal }) =>
      output('circleci', ['run', 'oidc', 'get', '--claims', JSON.stringify({ aud: audience })], environment, signal),
  },
  {
    name: 'spiffe',
    isHere: env('SPIFFE_ENDPOINT_SOCKET'),
    token: spiffeToken,
  },
  {
    name: 'file',
    isHere: () => existsSync(TOKEN_FILE),
    token: async () => readTokenFile(TOKEN_FILE),
  },
  {
    name: 'google',
    isHere: (context) => env('GCE_METADATA_HOST')(context) || isGoogle(),
    async token(context) {
      const { environment, audience } = context;
      const what = 'the answer of the metadata server of Google';
      const host = environment['GCE_METADATA_HOST'] ?? 'metadata.google.internal';
      const url = `http://${host}/computeMetadata/v1/instance/service-accounts/default/identity?audience=${encodeURIComponent(audience)}&format=full`;
      const { bytes } = await askForToken(context, { method: 'GET', url, headers: { 'metadata-flavor': 'Google' }, what });
      return new TextDecoder().decode(bytes).trim();
    },
  },
];

/** @param name asks this provider alone. Throws ERR_TOKEN_MISSING when none is there. */
export async function ambientToken(context: IdentityContext, name?: string): Promise<{ readonly token: string; readonly provider: string } | undefined> {
  const provider = PROVIDERS.find((one) => (name === undefined ? one.isHere(context) : one.name === name));
  if (!provider) {
    if (name === undefined) return undefined;
    throw new SealwardError('ERR_USAGE', `there is no provider of identity tokens called ${JSON.stringify(name.slice(0, 40))}`, {
      hint: `Known are ${PROVIDERS.map((one) => one.name).join(', ')}.`,
    });
  }
  const token = await provider.token(context);
  if (token === '') throw new SealwardError('ERR_TOKEN_MISSING', `${provider.name} gave an empty token`);
  return { token, provider: provider.name };
}

/** A token that somebody put into a file, alone. */
export function readTokenFile(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new SealwardError('ERR_FILE_UNREADABLE', `the identity token in ${path} cannot be read: ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
  if (text.length > LIMITS.jwtBytes) throw new SealwardError('ERR_TOO_LARGE', `the identity token in ${path} is larger than ${LIMITS.jwtBytes} bytes`);
  return text.trim();
}

function isGoogle(): boolean {
  try {
    return /^Google(?: Compute Engine)?$/.test(readFileSync(PRODUCT_NAME, 'utf8').trim());
  } catch {
    return false;
  }
}

function output(program: string, args: readonly string[], environment: IdentityContext['environment'], signal: AbortSignal | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { env: { ...environment }, timeout: 30_000, maxBuffer: 64 * 1024, ...(signal ? { signal } : {}) };
    execFile(program, [...args], options, (error, stdout) => {
      // Without what the program wrote: it may hold the token.
      if (error) reject(new SealwardError('ERR_TOKEN_MISSING', `${program} gave no identity token (${error.code ?? error.signal ?? 'it was stopped'})`));
      else resolve(stdout.trim());
    });
  });
}
