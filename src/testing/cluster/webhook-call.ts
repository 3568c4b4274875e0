/** One AdmissionReview over HTTPS, and the answer held to its contract. What breaks it is a failed call, whatever it says. */
import { randomUUID } from 'node:crypto';
import { Agent, request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { decodeBase64, type JsonObject, type JsonValue } from '../../core/encoding/index.ts';
import type { AdmissionRequest } from './admission-request.ts';
import { present } from './api.ts';
import { isObject, listAt, numberAt, objectAt, textAt } from './members.ts';
import { userInfo } from './users.ts';
import type { Webhook } from './webhook-rules.ts';

/** In the words of the API server, after "failed calling webhook". */
export class CallFailed extends Error {}

export interface WebhookAnswer {
  readonly allowed: boolean;
  /** A Status, as it was sent. */
  readonly result: JsonObject | undefined;
  readonly patch: JsonValue[];
  readonly warnings: readonly string[];
  readonly auditAnnotations: JsonObject;
}

export interface CallerSettings {
  /** Where services are: "namespace/name" to "127.0.0.1:8443". */
  readonly services: ReadonlyMap<string, string>;
  /** The client certificate that is shown to webhooks, PEM; a cluster has one only when it was configured so. */
  readonly identity?: { readonly key: string; readonly cert: string };
}

const MAX_BYTES = 16 * 1024 * 1024;

export class WebhookCaller {
  readonly #settings: CallerSettings;
  readonly #agents = new Map<string, Agent>();

  constructor(settings: CallerSettings) {
    this.#settings = settings;
  }

  /** @param version in which the object is sent. Throws CallFailed. */
  async call(webhook: Webhook, request: AdmissionRequest, version: string, mutating: boolean): Promise<WebhookAnswer> {
    if (!listAt(webhook.settings, 'admissionReviewVersions').includes('v1')) {
      throw new CallFailed('could not create admission objects: webhook does not accept known AdmissionReview versions (v1)');
    }
    const uid = randomUUID();
    const answer = await this.#post(webhook, JSON.stringify(reviewOf(request, version, uid)));
    return verified(answer, uid, mutating);
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
  }

  #post(webhook: Webhook, body: string): Promise<JsonObject> {
    const { url, address, name } = this.#target(webhook);
    url.searchParams.set('timeout', `${webhook.timeoutSeconds}s`);
    const fail = (why: string): CallFailed => new CallFailed(`failed to call webhook: Post "${shown(url, name)}": ${why}`);
    if (!address) return Promise.reject(fail(`service "${name}" not found`));
    return new Promise((resolve, reject) => {
      // Also connecting, and every byte of the answer, falls into the time of the webhook.
      let late: Error | undefined;
      const timer = setTimeout(() => {
        late = new Error('context deadline exceeded');
        sent.destroy(late);
      }, webhook.timeoutSeconds * 1000);
      const settle = (end: () => void): void => {
        clearTimeout(timer);
        end();
      };
      const sent = httpsRequest({
        host: address.host,
        port: address.port,
        path: `${url.pathname}${url.search}`,
        method: 'POST',
        agent: this.#agent(webhook, url.hostname),
        headers: {
          host: url.host,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          accept: 'application/json, */*',
          'user-agent': 'kube-apiserver-admission',
        },
      });
      sent.on('error', (error) => settle(() => reject(fail(sentence(error, url)))));
      sent.on('response', (response) => {
        const parts: Buffer[] = [];
        let size = 0;
        response.on('data', (part: Buffer) => {
          parts.push(part);
          size += part.length;
          if (size > MAX_BYTES) response.destroy(new Error('http: response body too large'));
        });
        response.on('error', (error) => settle(() => reject(fail(sentence(late ?? error, url)))));
        response.on('end', () =>
          settle(() => {
            const text = Buffer.concat(parts).toString('utf8');
            const [status, object] = [response.statusCode ?? 0, parsed(text)];
            if (status >= 200 && status < 300 && object) resolve(object);
            else reject(new CallFailed(`failed to call webhook: ${status < 300 ? "couldn't get version/kind; json parse error" : refused(status, object)}`));
          }),
        );
      });
      sent.end(body);
    });
  }

  /** Whom a service is, the table of the test says; its certificate must be for the name all the same. */
  #target({ settings }: Webhook): { url: URL; address: { host: string; port: string } | undefined; name: string } {
    const service = objectAt(settings, 'clientConfig', 'service');
    const [namespace, name] = [textAt(service, 'namespace'), textAt(service, 'name')];
    if (name === '') {
      const url = new URL(textAt(settings, 'clientConfig', 'url'));
      return { url, address: { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port || '443' }, name };
    }
    const url = new URL(textAt(service, 'path') || '/', `https://${name}.${namespace}.svc:${numberAt(service, 'port') ?? 443}`);
    const [host = '', port = ''] = this.#settings.services.get(`${namespace}/${name}`)?.split(':') ?? [];
    return { url, address: host === '' ? undefined : { host, port }, name };
  }

  #agent(webhook: Webhook, servername: string): Agent {
    const key = `${servername} ${webhook.caBundle}`;
    const { identity } = this.#settings;
    const kept = this.#agents.get(key);
    if (kept) return kept;
    const agent = new Agent({
      keepAlive: true,
      maxFreeSockets: 25,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
      ...(isIP(servername) === 0 ? { servername } : {}),
      ...(webhook.caBundle === '' ? {} : { ca: webhook.caBundle }),
      ...(identity ? { key: identity.key, cert: identity.cert } : {}),
    });
    this.#agents.set(key, agent);
    return agent;
  }
}

/** An AdmissionReview of admission.k8s.io/v1; members without a value are left out as Go does it. */
function reviewOf(request: AdmissionRequest, version: string, uid: string): JsonObject {
  const { kind, subresource, objectKind, operation, namespace, name, user, dryRun, options } = request;
  const isOther = objectKind.kind !== kind.kind;
  const of = (each: string): JsonObject => (isOther ? { ...objectKind } : { group: kind.group, version: each, kind: kind.kind });
  const resource = (each: string): JsonObject => ({ group: kind.group, version: each, resource: kind.plural });
  const converted = (object: JsonObject | undefined): JsonValue => (object === undefined ? null : isOther ? object : present({ kind, version }, object));
  return {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid,
      kind: of(version),
      resource: resource(version),
      ...(subresource === '' ? {} : { subResource: subresource }),
      requestKind: of(request.version),
      requestResource: resource(request.version),
      ...(subresource === '' ? {} : { requestSubResource: subresource }),
      ...(name === '' ? {} : { name }),
      ...(namespace === '' ? {} : { namespace }),
      operation,
      userInfo: userInfo(user),
      object: converted(request.object),
      oldObject: converted(request.oldObject),
      dryRun,
      options,
    },
  };
}

function verified(review: JsonObject, uid: string, mutating: boolean): WebhookAnswer {
  const invalid = (why: string): CallFailed => new CallFailed(`received invalid webhook response: ${why}`);
  const unread = (why: string): CallFailed => new CallFailed(`failed to call webhook: ${why}`);
  const [version, kind] = [textAt(review, 'apiVersion'), textAt(review, 'kind')];
  if (kind !== 'AdmissionReview' || !version.startsWith('admission.k8s.io/'))
    throw unread(`no kind "${kind}" is registered for version "${version}" in scheme`);
  if (version !== 'admission.k8s.io/v1')
    throw unread(`converting (${version.slice('admission.k8s.io/'.length)}.AdmissionReview) to (v1.AdmissionReview): unknown conversion`);
  const response = review['response'];
  if (!isObject(response)) throw invalid('webhook response was absent');
  const allowed = response['allowed'];
  if (allowed !== undefined && typeof allowed !== 'boolean')
    throw unread(`json: cannot unmarshal ${typeof allowed} into Go struct field AdmissionResponse.response.allowed of type bool`);
  if (textAt(response, 'uid') !== uid) throw invalid(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(textAt(response, 'uid'))}`);
  const [encoded, type] = [textAt(response, 'patch'), textAt(response, 'patchType')];
  if (!mutating && encoded !== '') throw invalid('validating webhook may not return response.patch');
  if (!mutating && type !== '') throw invalid('validating webhook may not return response.patchType');
  if (encoded !== '' && type === '') throw invalid('webhook returned response.patch but not response.patchType');
  if (encoded === '' && type !== '') throw invalid('webhook returned response.patchType but not response.patch');
  const patch = patchOf(encoded);
  // Of which type an empty patch is, nobody asks.
  if (patch.length > 0 && type !== 'JSONPatch') throw invalid(`invalid value of patchType: "${type}"`);
  const status = response['status'];
  return {
    allowed: allowed === true,
    result: isObject(status) ? status : undefined,
    patch,
    warnings: listAt(response, 'warnings').filter((each) => typeof each === 'string'),
    auditAnnotations: objectAt(response, 'auditAnnotations'),
  };
}

function patchOf(encoded: string): JsonValue[] {
  if (encoded === '') return [];
  let patch: JsonValue;
  try {
    patch = JSON.parse(Buffer.from(decodeBase64(encoded, 'the patch')).toString('utf8')) as JsonValue;
  } catch (error) {
    const why =
      error instanceof SyntaxError
        ? 'received undecodable patch in webhook response: invalid character'
        : 'failed to call webhook: illegal base64 data at input byte 0';
    throw new CallFailed(why);
  }
  if (!Array.isArray(patch))
    throw new CallFailed('received undecodable patch in webhook response: json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  return patch;
}

/** Go names the port of a service also where it is the usual one. */
const shown = (url: URL, service: string): string => (service === '' || url.port !== '' ? url.href : url.href.replace(url.host, `${url.host}:443`));

function parsed(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function refused(status: number, object: JsonObject | undefined): string {
  if (textAt(object, 'kind') === 'Status' && textAt(object, 'message') !== '') return textAt(object, 'message');
  if (status === 401) return 'the server has asked for the client to provide credentials';
  if (status === 404) return 'the server could not find the requested resource';
  if (status === 429) return 'the server has received too many requests and has asked us to try again later';
  if (status === 503) return 'the server is currently unable to handle the request';
  // Only what is said in plain text is repeated.
  if (status >= 500) return 'an error on the server ("unknown") has prevented the request from succeeding';
  return `the server responded with the status code ${status} but did not return more information`;
}

const TRUST: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'certificate has expired or is not yet valid',
  CERT_NOT_YET_VALID: 'certificate has expired or is not yet valid',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate is not valid for this name',
};

/** What Go says about a broken connection, near enough for a person to know it again. */
function sentence(error: Error, url: URL): string {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'ECONNREFUSED')
    return `dial tcp ${(error as { address?: string }).address ?? url.hostname}:${(error as { port?: number }).port ?? ''}: connect: connection refused`;
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'EOF';
  if (/^(?:CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|ERR_TLS_CERT)/.test(code)) {
    return `tls: failed to verify certificate: x509: ${TRUST[code] ?? 'certificate signed by unknown authority'}`;
  }
  return error.message;
}
