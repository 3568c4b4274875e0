/** A webhook on loopback, with TLS and a judge that says what the test says, and the requests of an API server. */
import { get } from 'node:http';
import { type Agent, request } from 'node:https';
import type { TestContext } from 'node:test';
import { type Logger, pino } from 'pino';
import { type ImageJudge, type OpenAdmission, type OpenAdmissionOptions, openAdmission } from '../src/apps/admission/index.ts';
import { loadPolicyCompiler, type PolicySet } from '../src/core/policy/index.ts';
import { type JsonObject, utf8 } from '../src/core/encoding/index.ts';
import { NO_ANCHORS } from '../src/core/trust/index.ts';
import type { JudgedName } from '../src/sdk/agent/index.ts';
import { trustOf } from '../src/sdk/index.ts';
import { createTlsAuthority, type TlsIdentity } from '../src/testing/index.ts';

export const UID = '705ab4f5-6393-11e8-b7cc-42010a800002';
export const IMAGE_DIGEST = `sha256:${'a'.repeat(64)}`;
/** What a test needs of authorities is made once: keys take time. */
export const TLS = createTlsAuthority();
const SERVER = TLS.issue('localhost', '127.0.0.1');
export const API_SERVER: TlsIdentity = TLS.issue('kube-apiserver');

export const pod = (...images: string[]): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web' },
  spec: { containers: images.map((image, i) => ({ name: `c${i}`, image })) },
});

export function reviewOf(object: JsonObject | null, more: JsonObject = {}): JsonObject {
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  const request = { uid: UID, kind, operation: 'CREATE', namespace: 'shop', name: 'web', userInfo: { username: 'ann' }, object, dryRun: false, ...more };
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request };
}

export const deployment = (...images: string[]): JsonObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: { replicas: 3, template: pod(...images) },
});
export const asDeployment: JsonObject = { kind: { group: 'apps', version: 'v1', kind: 'Deployment' } };

export function letIn(name: string, digest: string = IMAGE_DIGEST): JudgedName {
  return { name, digest, outcome: 'verified', code: 'VERIFIED', action: 'allow', message: `${name} is signed`, hint: '', warnings: [], from: 'memory' };
}

export interface TableJudge extends ImageJudge {
  /** What was asked, in order. */
  readonly asked: { readonly image: string; readonly namespace: string | undefined; readonly dryRun: boolean }[];
}

const compiler = await loadPolicyCompiler();

export function policiesOf(text: string): PolicySet {
  const compiled = compiler.compilePolicies([{ name: 'policies.yaml', text }], { keys: [] });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  return compiled.policies;
}

export const NO_POLICIES: PolicySet = policiesOf('apiVersion: sealward.dev/v1alpha1\nkind: DefaultRule\nmetadata: { name: default }\nspec: { action: deny }\n');

/** @param say undefined never answers. */
export function judgeOf(say: (image: string) => JudgedName | Promise<JudgedName> | undefined, policies = NO_POLICIES): TableJudge {
  const asked: TableJudge['asked'] = [];
  const inForce = { trust: trustOf(NO_ANCHORS), policies, signedPolicies: policies, takenAt: 0, leaseEndsAt: Number.POSITIVE_INFINITY, source: 'a test' };
  return {
    asked,
    inForce: () => inForce,
    async judge(image, { place, dryRun = false }) {
      asked.push({ image, namespace: place.namespace, dryRun });
      return (await say(image)) ?? new Promise<JudgedName>(() => undefined);
    },
  };
}

export interface WebhookAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The `response` of the AdmissionReview, if it is one. */
  readonly response: JsonObject;
}

export interface AskOptions {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly client?: TlsIdentity;
  readonly agent?: Agent;
}

export interface TestWebhook {
  readonly admission: OpenAdmission;
  readonly logged: JsonObject[];
  ask(body: JsonObject | Uint8Array, options?: AskOptions): Promise<WebhookAnswer>;
  operations(path: string): Promise<{ readonly status: number; readonly text: string }>;
}

export async function startWebhook(t: Pick<TestContext, 'after'>, judge: ImageJudge, more: Partial<OpenAdmissionOptions> = {}): Promise<TestWebhook> {
  const logged: JsonObject[] = [];
  const logger: Logger = pino({ level: 'debug', base: null }, { write: (line) => void logged.push(JSON.parse(line) as JsonObject) });
  const admission = await openAdmission({
    judge,
    listen: { host: '127.0.0.1', port: 0 },
    operations: { host: '127.0.0.1', port: 0 },
    certificate: { cert: SERVER.cert, key: SERVER.key, clientAuthorities: TLS.ca },
    caller: { kind: 'network' },
    custom: new Map(),
    exemptNamespaces: new Set(['kube-system']),
    marginMs: 500,
    drainMs: 0,
    limits: { bufferedBytes: 64 * 1024 * 1024, connections: 100, threads: 1 },
    logger,
    ...more,
  });
  let closed = false;
  const close = async (): Promise<void> => {
    if (!closed) await admission.close();
    closed = true;
  };
  t.after(close);
  return {
    admission: { ...admission, port: admission.port, operationsPort: admission.operationsPort, close },
    logged,
    ask: (body, options) => ask(admission.port, body, options),
    operations: (path) =>
      new Promise((resolve, reject) => {
        get({ host: '127.0.0.1', port: admission.operationsPort, path, agent: false }, (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        }).on('error', reject);
      }),
  };
}

export function ask(
  port: number,
  body: JsonObject | Uint8Array,
  { path = '/validate?timeout=10s', method = 'POST', headers = {}, client, agent }: AskOptions = {},
): Promise<WebhookAnswer> {
  const bytes = body instanceof Uint8Array ? body : utf8(JSON.stringify(body));
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method,
        servername: 'localhost',
        ca: TLS.ca,
        agent: agent ?? false,
        headers: { 'content-type': 'application/json', 'content-length': bytes.length, ...headers },
        ...(client ? { cert: client.cert, key: client.key } : {}),
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text, response: responseOf(text) }));
        response.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(bytes);
  });
}

function responseOf(text: string): JsonObject {
  try {
    return (JSON.parse(text) as { readonly response?: JsonObject }).response ?? {};
  } catch {
    return {};
  }
}
