/**
 * A real API server of Kubernetes with a real etcd, as processes of a test: what the one in src/testing is held against.
 * It is no part of CI, because building it takes minutes: `tools/build-kube-apiserver FOLDER` does, and SEALWARD_KUBE_BIN names
 * the folder. It has no controllers and no nodes; what the tests need of those is done here.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, fixedCredential } from '../src/clients/kubernetes/index.ts';
import type { JsonObject, JsonValue } from '../src/core/encoding/index.ts';
import { createTlsAuthority } from '../src/testing/index.ts';
import { freePort } from './own-server.ts';
import { type BackgroundProgram, startProgram } from './stories/programs.ts';

export const kubeBin: string | undefined = process.env['SEALWARD_KUBE_BIN'];

export interface RealClusterOptions {
  readonly services?: Readonly<Record<string, string>>;
  /** The client certificate that the API server shows to webhooks, PEM. */
  readonly webhookIdentity?: { readonly key: string; readonly cert: string };
}

interface Answered {
  readonly status: number;
  readonly body: JsonObject;
}

/** Webhook configurations, definitions and services reach the API server's own caches in their own time, and it says nowhere when. */
const CACHES_MILLISECONDS = 1500;
const CACHED = /webhookconfigurations|customresourcedefinitions|validatingadmissionpol|\/services|endpointslices|clusterrole|rolebinding/;

export class RealCluster {
  readonly url: string;
  readonly token: string;
  readonly ca: string;
  /** Where the API server writes what it was asked, one JSON object a line (audit.k8s.io/v1). */
  readonly auditLog: string;
  readonly #folder: string;
  readonly #programs: readonly BackgroundProgram[];
  readonly #forwards = new Map<string, { readonly server: Server; readonly sockets: Set<Socket> }>();

  private constructor(folder: string, port: number, token: string, ca: string, programs: readonly BackgroundProgram[]) {
    [this.#folder, this.url, this.token, this.ca, this.#programs] = [folder, `https://127.0.0.1:${port}`, token, ca, programs];
    this.auditLog = join(folder, 'audit.log');
  }

  static async start(options: RealClusterOptions = {}): Promise<RealCluster> {
    if (kubeBin === undefined || !existsSync(join(kubeBin, 'kube-apiserver')))
      throw new Error('SEALWARD_KUBE_BIN names no folder with kube-apiserver and etcd');
    const folder = mkdtempSync(join(tmpdir(), 'sealward-cluster-'));
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text, { mode: 0o600 });
      return join(folder, name);
    };
    const [client, peer, port, token] = [await freePort(), await freePort(), await freePort(), randomBytes(24).toString('base64url')];
    const [etcdUrl, peerUrl] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`];
    const etcd = await startProgram(
      join(kubeBin, 'etcd'),
      [
        `--data-dir=${join(folder, 'etcd')}`,
        '--unsafe-no-fsync',
        `--listen-client-urls=${etcdUrl}`,
        `--advertise-client-urls=${etcdUrl}`,
        `--listen-peer-urls=${peerUrl}`,
        `--initial-advertise-peer-urls=${peerUrl}`,
        `--initial-cluster=default=${peerUrl}`,
      ],
      /serving client traffic|ready to serve client requests/,
    );
    const authority = createTlsAuthority('kubernetes');
    const { key, cert } = authority.issue('127.0.0.1', 'localhost', 'kubernetes.default.svc');
    const accounts = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const api = await startProgram(
      join(kubeBin, 'kube-apiserver'),
      [
        `--etcd-servers=${etcdUrl}`,
        `--secure-port=${port}`,
        '--bind-address=127.0.0.1',
        `--advertise-address=${outerAddress()}`,
        `--tls-cert-file=${file('server.pem', cert)}`,
        `--tls-private-key-file=${file('server.key', key)}`,
        `--client-ca-file=${file('ca.pem', authority.ca)}`,
        `--token-auth-file=${file('tokens.csv', `${token},kubernetes-admin,1,system:masters\n`)}`,
        '--authorization-mode=RBAC',
        '--service-account-issuer=https://kubernetes.default.svc',
        `--service-account-key-file=${file('accounts.pub', accounts.publicKey.export({ format: 'pem', type: 'spki' }))}`,
        `--service-account-signing-key-file=${file('accounts.key', accounts.privateKey.export({ format: 'pem', type: 'pkcs8' }))}`,
        '--service-cluster-ip-range=10.96.0.0/16',
        // There is no kube-proxy: webhooks are reached at the endpoints of their services.
        '--enable-aggregator-routing=true',
        `--audit-log-path=${join(folder, 'audit.log')}`,
        `--audit-policy-file=${file('audit.json', JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules: [{ level: 'Metadata' }], omitStages: ['RequestReceived'] }))}`,
        ...(options.webhookIdentity ? [`--admission-control-config-file=${admissionConfig(options.webhookIdentity, file)}`] : []),
      ],
      /Serving securely/,
    );
    const cluster = new RealCluster(folder, port, token, authority.ca, [api, etcd]);
    while ((await cluster.#send('GET', '/readyz', undefined, {})).status !== 200) await sleep(100);
    await cluster.request('GET', '/api/v1/namespaces/default');
    for (const name of ['default', 'kube-system']) await cluster.#giveAccount(name);
    for (const [name, address] of Object.entries(options.services ?? {})) await cluster.serve(name, address);
    return cluster;
  }

  kubeconfig(token: string = this.token, namespace = 'default'): string {
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      clusters: [{ name: 'test', cluster: { server: this.url, 'certificate-authority-data': Buffer.from(this.ca).toString('base64') } }],
      users: [{ name: 'test', user: { token } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace } }],
    });
  }

  access(token: string = this.token): Cluster {
    return { server: new URL(this.url), tls: { ca: [this.ca] }, credential: fixedCredential(token) };
  }

  /** As the administrator, or as somebody else by impersonation. */
  async request(
    method: string,
    path: string,
    body?: JsonValue,
    options: { readonly user?: { readonly name: string; readonly groups?: readonly string[] }; readonly contentType?: string } = {},
  ): Promise<Answered> {
    const answer = await this.#send(method, path, body, options);
    if (method === 'POST' && path === '/api/v1/namespaces' && answer.status === 201)
      await this.#giveAccount((body as { metadata: { name: string } }).metadata.name);
    if (method !== 'GET' && CACHED.test(path)) await sleep(CACHES_MILLISECONDS);
    return answer;
  }

  /** The objects that are kept, by their kind: "pods", "deployments.apps". */
  async objects(kind: string, namespace?: string): Promise<JsonObject[]> {
    const [plural = '', ...group] = kind.split('.');
    const named = group.join('.');
    const at =
      named === ''
        ? '/api/v1'
        : `/apis/${((await this.#send('GET', `/apis/${named}`, undefined, {})).body['preferredVersion'] as JsonObject)['groupVersion'] as string}`;
    const { body } = await this.#send('GET', `${at}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${plural}`, undefined, {});
    // Items of a list leave out what the list says of them all.
    const said = { apiVersion: body['apiVersion'] ?? '', kind: typeof body['kind'] === 'string' ? body['kind'].replace(/List$/, '') : '' };
    return ((body['items'] ?? []) as JsonObject[]).map((item) => ({ ...said, ...item }));
  }

  /** Makes a service that leads to an address of the loopback: "namespace/name", "127.0.0.1:8443". */
  async serve(service: string, address: string): Promise<void> {
    const [namespace = '', name = ''] = service.split('/');
    const metadata = { name, namespace, labels: { 'kubernetes.io/service-name': name } };
    await this.#send('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, {});
    await this.#send(
      'POST',
      `/api/v1/namespaces/${namespace}/services`,
      { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ name: 'https', port: 443 }] } },
      {},
    );
    this.#stopForward(service);
    const port = await this.#forward(service, address);
    const slice = {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata,
      addressType: 'IPv4',
      endpoints: [{ addresses: [outerAddress()], conditions: { ready: true } }],
      ports: [{ name: 'https', port }],
    };
    const slices = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
    await this.#send('DELETE', `${slices}/${name}`, undefined, {});
    await this.request('POST', slices, slice);
  }

  async account(namespace: string, name: string): Promise<string> {
    const { body } = await this.#send(
      'POST',
      `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
      { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
      {},
    );
    // Its rights were given just now.
    await sleep(CACHES_MILLISECONDS);
    return ((body['status'] ?? {}) as JsonObject)['token'] as string;
  }

  async close(): Promise<void> {
    for (const program of this.#programs) await program.stop();
    for (const service of this.#forwards.keys()) this.#stopForward(service);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** An endpoint may not be of the loopback, where all that tests start listens. */
  async #forward(service: string, address: string): Promise<number> {
    const [host = '', port = ''] = address.split(':');
    const sockets = new Set<Socket>();
    const server = createServer((from: Socket) => {
      const to = connect(Number(port), host);
      from.pipe(to).pipe(from);
      for (const socket of [from, to]) {
        sockets.add(socket);
        socket.on('error', () => [from, to].forEach((each) => each.destroy()));
      }
    });
    server.listen(0, outerAddress()).unref();
    await once(server, 'listening');
    this.#forwards.set(service, { server, sockets });
    return (server.address() as AddressInfo).port;
  }

  #stopForward(service: string): void {
    const { server, sockets = [] } = this.#forwards.get(service) ?? {};
    server?.close();
    for (const socket of sockets) socket.destroy();
  }

  /** As the controller of service accounts does; without one no Pod is taken. */
  async #giveAccount(namespace: string): Promise<void> {
    while ((await this.#send('GET', `/api/v1/namespaces/${namespace}`, undefined, {})).status !== 200) await sleep(50);
    await this.#send(
      'POST',
      `/api/v1/namespaces/${namespace}/serviceaccounts`,
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } },
      {},
    );
  }

  #send(
    method: string,
    path: string,
    body: JsonValue | undefined,
    {
      user,
      contentType = 'application/json',
    }: { readonly user?: { readonly name: string; readonly groups?: readonly string[] }; readonly contentType?: string },
  ): Promise<Answered> {
    const sentBody = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      authorization: `Bearer ${this.token}`,
      accept: 'application/json',
      // The length, because a DELETE is sent without any otherwise, and its body is not read.
      ...(sentBody === undefined ? {} : { 'content-type': contentType, 'content-length': Buffer.byteLength(sentBody) }),
      ...(user ? { 'impersonate-user': user.name, 'impersonate-group': [...(user.groups ?? ['system:authenticated'])] } : {}),
    };
    const { promise, resolve, reject } = Promise.withResolvers<Answered>();
    const sent = httpsRequest(new URL(path, this.url), { method, ca: this.ca, headers, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => (text += part));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: (text.startsWith('{') ? JSON.parse(text) : { message: text }) as JsonObject }));
    });
    sent.on('error', reject);
    sent.end(sentBody);
    return promise;
  }
}

function admissionConfig({ key, cert }: { readonly key: string; readonly cert: string }, file: (name: string, text: string) => string): string {
  const user = { 'client-certificate-data': Buffer.from(cert).toString('base64'), 'client-key-data': Buffer.from(key).toString('base64') };
  const kubeConfigFile = file('webhooks.kubeconfig', JSON.stringify({ apiVersion: 'v1', kind: 'Config', users: [{ name: '*', user }] }));
  const configuration = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'WebhookAdmissionConfiguration', kubeConfigFile };
  const plugins = ['ValidatingAdmissionWebhook', 'MutatingAdmissionWebhook'].map((name) => ({ name, configuration }));
  return file('admission.json', JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AdmissionConfiguration', plugins }));
}

/** An address of this machine that is not of the loopback. */
function outerAddress(): string {
  const found = Object.values(networkInterfaces()).flatMap((all = []) => all.filter(({ family, internal }) => family === 'IPv4' && !internal));
  if (!found[0]) throw new Error('this machine has no address but those of the loopback, and endpoints may be none of those');
  return found[0].address;
}
