/**
 * The webhook asks itself as API servers will: over its own port, by the name, the authorities and the path of each of its
 * configurations, about a Pod that nobody may let in. What only they can find out, such as a network that lets nobody
 * through, is left to the canary of the controller.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { Logger } from 'pino';
import type { Address } from '../../clients/operations/index.ts';
import { quoted } from '../../core/artifact/index.ts';
import { type JsonObject, LIMITS, memberOf, parseJsonObject, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { CallerProof } from './caller.ts';

/** How somebody calls the webhook. */
export interface Call {
  /** For people, as in `pods.sealward.dev of the ValidatingWebhookConfiguration sealward`. */
  readonly by: string;
  /** That the certificate must hold for: a DNS name, or an address. */
  readonly name: string;
  /** PEM; empty where only public ones are believed. */
  readonly authorities: string;
  readonly path: string;
  /** Whether images are refused there, or only pinned. */
  readonly refuses: boolean;
}

export interface SelfProbeOptions {
  readonly proof: CallerProof['kind'];
  /** As the configuration of the webhook has it. */
  readonly own: () => Call;
  /** As the cluster has it now. Throws where that cannot be read. */
  readonly configured: () => Promise<readonly Call[]>;
  readonly logger: Logger;
  /** Milliseconds between looks; one minute when not said, and five seconds until it is ready. */
  readonly every?: number;
  /** Milliseconds for one answer; five seconds when not said. */
  readonly patience?: number;
}

const EVERY_MS = 60_000;
/** Certificates in files are renewed by somebody else. */
const RETRY_MS = 5000;
const PATIENCE_MS = 5000;
/** What OpenSSL says of a certificate that the authorities do not vouch for. */
const UNBELIEVED = /^(?:DEPTH_ZERO_)?SELF_SIGNED_CERT|^UNABLE_TO_|^CERT_UNTRUSTED$|^INVALID_CA$|^CERT_SIGNATURE_FAILURE$/;

export class SelfProbe {
  /** Nobody else knows it, so that no one can hide behind it. */
  readonly uid = `self-probe-${randomUUID()}`;
  readonly #options: SelfProbeOptions;
  #unready: string | undefined = 'the webhook has not asked itself yet';
  #problems: readonly string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(options: SelfProbeOptions) {
    this.#options = options;
  }

  /** What keeps everybody from being answered; undefined once the webhook has answered itself. */
  unready(): string | undefined {
    return this.#unready;
  }

  /** What is wrong with how the cluster calls it, a sentence each. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  /** Asks itself once; from then on it looks again by itself, also at how the cluster calls it. Never throws. */
  async start(address: Address): Promise<void> {
    await this.#askItself(address);
    void this.#lookAround(address).then(() => {
      const { every = this.#unready === undefined ? EVERY_MS : RETRY_MS } = this.#options;
      if (!this.#ended) this.#timer = setTimeout(() => void this.start(address), every).unref();
    });
  }

  close(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  /** Once is enough: what happens later to all connections is seen by whoever asks. */
  async #askItself(address: Address): Promise<void> {
    if (this.#unready === undefined) return;
    this.#unready = await this.#wrongWith(this.#options.own(), address);
    if (this.#unready !== undefined) this.#options.logger.error(said(this.#unready), this.#unready);
  }

  async #lookAround(address: Address): Promise<void> {
    const { configured, logger } = this.#options;
    let calls: readonly Call[];
    try {
      calls = await configured();
    } catch (error) {
      const known = error instanceof SealwardError ? error : new SealwardError('ERR_INVARIANT', 'configurations could not be looked at', { cause: error });
      logger.warn({ code: known.code, hint: known.hint }, `the webhook does not know how it is called: ${known.message}`);
      return;
    }
    const wrong = (await Promise.all(calls.map((call) => this.#wrongWith(call, address)))).filter((problem) => problem !== undefined);
    for (const problem of wrong) if (!this.#problems.includes(problem)) logger.error(said(problem), problem);
    if (wrong.length === 0 && this.#problems.length > 0) logger.info('the webhook is called as it can be answered again');
    this.#problems = wrong;
  }

  async #wrongWith(call: Call, address: Address): Promise<string | undefined> {
    try {
      return wrongAnswer(call, await this.#ask(call, address), this.#options.proof, this.uid);
    } catch (error) {
      return wrongConnection(call, error as NodeJS.ErrnoException);
    }
  }

  #ask({ name, authorities, path }: Call, { host, port }: Address): Promise<Answer> {
    const body = utf8(JSON.stringify(refusedReview(this.uid)));
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const sent = request({
      host: host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host,
      port,
      path: `${path}?timeout=5s`,
      method: 'POST',
      agent: false,
      ...(isIP(name) ? {} : { servername: name }),
      ...(authorities === '' ? {} : { ca: authorities }),
      // As Go does it: whatever is in the bundle is believed, and the common name is none.
      allowPartialTrustChain: true,
      checkServerIdentity: (_host: string, certificate: PeerCertificate) =>
        certificate.subjectaltname ? checkServerIdentity(name, certificate) : new SealwardError('ERR_CERTIFICATE_INVALID', 'it names nobody'),
      timeout: this.#options.patience ?? PATIENCE_MS,
      headers: { 'content-type': 'application/json', 'content-length': body.length },
    });
    sent.on('response', (response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
    });
    sent.on('timeout', () => sent.destroy(new SealwardError('ERR_DEADLINE', 'it does not answer in time')));
    sent.on('error', reject);
    sent.end(body);
    return promise;
  }
}

interface Answer {
  readonly status: number;
  readonly body: Uint8Array;
}

/** A Pod without an image, and a dry run: it is refused whatever policies say, and leaves nothing behind. */
function refusedReview(uid: string): JsonObject {
  const request = { uid, kind: { group: '', version: 'v1', kind: 'Pod' }, operation: 'CREATE', name: 'self-probe', dryRun: true, object: { spec: {} } };
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request };
}

function wrongAnswer({ by, path, refuses }: Call, { status, body }: Answer, proof: CallerProof['kind'], uid: string): string | undefined {
  // Nobody but an API server has its certificate; that nobody else is answered is right.
  if (proof === 'mtls' && status === 401) return undefined;
  if (status === 401) return `${by} calls it by another path than the secret one`;
  // What stands before it may be the secret.
  if (status === 404) return `${by} calls it by a path that ends with ${quoted(path.slice(path.lastIndexOf('/')))}, and not with /validate or /mutate`;
  const response = status === 200 ? memberOf(parsed(body), 'response') : undefined;
  if (memberOf(response, 'uid') !== uid) return `${by} gets no answer to a review: HTTP ${status}`;
  const allowed = memberOf(response, 'allowed');
  if (refuses && allowed !== false) return `${by} calls a path where nothing is refused: everything is let in`;
  if (!refuses && allowed !== true) return `${by} calls a path where nothing is pinned`;
  return undefined;
}

function wrongConnection({ by, name }: Call, { code = '', message, ...more }: NodeJS.ErrnoException & { readonly cert?: PeerCertificate }): string {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `${by} calls it ${quoted(name)}, and its certificate does not hold for that: it holds for ${quoted(more.cert?.subjectaltname ?? 'nothing', 300)}`;
  if (code === 'CERT_HAS_EXPIRED') return `${by} meets a certificate that has expired`;
  if (code === 'CERT_NOT_YET_VALID') return `${by} meets a certificate that does not hold yet`;
  if (UNBELIEVED.test(code)) return `${by} believes other authorities than that of the certificate (caBundle): ${code}`;
  return `${by} does not reach it: ${code === '' ? message : code}`;
}

function parsed(body: Uint8Array): JsonObject {
  try {
    return parseJsonObject(body, { what: 'the answer', maxBytes: LIMITS.documentBytes });
  } catch (error) {
    if (error instanceof SealwardError) return {};
    throw error;
  }
}

function said(problem: string): { readonly code: string; readonly hint: string } {
  const { code, hint } = new SealwardError('ERR_WEBHOOK_UNREACHABLE', problem);
  return { code, hint };
}
