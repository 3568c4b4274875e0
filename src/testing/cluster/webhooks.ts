/** Admission by webhooks: mutating ones in sequence, twice where that is asked for, then validating ones side by side. */
import { isDeepStrictEqual } from 'node:util';
import type { JsonObject } from '../../core/encoding/index.ts';
import type { Admission, AdmissionRequest } from './admission-request.ts';
import { apiVersion, type ServedKind } from './kinds.ts';
import { isObject, numberAt, textAt } from './members.ts';
import { jsonPatch } from './patches.ts';
import { ApiFailure, badRequest, internal } from './statuses.ts';
import type { ClusterStore } from './store.ts';
import { CallFailed, type CallerSettings, type WebhookAnswer, WebhookCaller } from './webhook-call.ts';
import { versionFor, type Webhook, webhooksOf } from './webhook-rules.ts';

/** One call of a webhook and what came of it. */
export interface WebhookCall {
  readonly configuration: string;
  readonly webhook: string;
  readonly operation: string;
  /** "pods", "deployments.apps/scale" */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly dryRun: boolean;
  /** 1 when it was called again because others changed the object after it. */
  readonly round: 0 | 1;
  /** `failed open`: the call failed, and failurePolicy let the request pass. */
  readonly outcome: 'allowed' | 'denied' | 'failed' | 'failed open';
  readonly milliseconds: number;
  /** Why it was denied or failed. */
  readonly message: string;
  /** As they stand in an audit log, behind the name of the webhook. */
  readonly auditAnnotations: JsonObject;
}

const kindOf = (plural: string): Pick<ServedKind, 'group' | 'plural'> => ({ group: 'admissionregistration.k8s.io', plural });
const NAMESPACES = { group: '', plural: 'namespaces' };

export class WebhookAdmission implements Admission {
  /** Every call since the start, or since it was emptied. */
  readonly calls: WebhookCall[] = [];
  readonly #store: ClusterStore;
  readonly #caller: WebhookCaller;

  constructor(store: ClusterStore, settings: CallerSettings) {
    this.#store = store;
    this.#caller = new WebhookCaller(settings);
  }

  async mutate(request: AdmissionRequest): Promise<JsonObject> {
    const webhooks = webhooksOf(this.#store.list(kindOf('mutatingwebhookconfigurations')));
    let object = request.object;
    // As in the API server: whoever was called before a change by another, and wants to be called again.
    const called = new Set<string>();
    const again = new Set<string>();
    for (const round of [0, 1] as const) {
      for (const webhook of webhooks) {
        const key = `${webhook.configuration} ${webhook.name}`;
        if (round === 1 && !again.has(key)) continue;
        const now = object === undefined ? request : { ...request, object };
        const answer = await this.#ask(webhook, now, true, round);
        const changed = answer ? this.#patched(webhook, now, answer) : object;
        if (!isDeepStrictEqual(changed, object)) for (const each of called) again.add(each);
        object = changed;
        if (answer && webhook.reinvoked) called.add(key);
      }
      if (again.size === 0) break;
    }
    return object ?? request.oldObject ?? {};
  }

  async validate(request: AdmissionRequest): Promise<void> {
    const webhooks = webhooksOf(this.#store.list(kindOf('validatingwebhookconfigurations')));
    const refusals: ApiFailure[] = [];
    const asked = webhooks.map(async (webhook) => {
      try {
        await this.#ask(webhook, request, false, 0);
      } catch (error) {
        if (!(error instanceof ApiFailure)) throw error;
        refusals.push(error);
      }
    });
    await Promise.all(asked);
    if (refusals[0]) throw refusals[0];
  }

  close(): void {
    this.#caller.close();
  }

  /** Undefined when the webhook is not for this request, or failed open. Throws ApiFailure. */
  async #ask(webhook: Webhook, request: AdmissionRequest, mutating: boolean, round: 0 | 1): Promise<WebhookAnswer | undefined> {
    const version = versionFor(webhook, request, this.#store.get(NAMESPACES, '', request.namespace));
    if (version === undefined) return undefined;
    const effects = textAt(webhook.settings, 'sideEffects');
    if (request.dryRun && effects !== 'None' && effects !== 'NoneOnDryRun') throw badRequest(`admission webhook "${webhook.name}" does not support dry run`);
    const began = performance.now();
    const tell = (outcome: WebhookCall['outcome'], message: string, auditAnnotations: JsonObject = {}): void => {
      const { operation, namespace, name, dryRun } = request;
      const resource = `${request.kind.plural}${request.kind.group === '' ? '' : `.${request.kind.group}`}${request.subresource === '' ? '' : `/${request.subresource}`}`;
      const milliseconds = performance.now() - began;
      const { configuration, name: webhookName } = webhook;
      this.calls.push({
        configuration,
        webhook: webhookName,
        operation,
        resource,
        namespace,
        name,
        dryRun,
        round,
        outcome,
        milliseconds,
        message,
        auditAnnotations,
      });
    };
    let answer: WebhookAnswer;
    try {
      answer = await this.#caller.call(webhook, request, version, mutating);
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      const message = `failed calling webhook "${webhook.name}": ${error.message}`;
      tell(webhook.failOpen ? 'failed open' : 'failed', message);
      if (webhook.failOpen) return undefined;
      throw internal(message);
    }
    request.warnings.push(...answer.warnings);
    const annotations = Object.entries(answer.auditAnnotations).filter(([key, value]) => QUALIFIED.test(key) && typeof value === 'string');
    const prefixed = Object.fromEntries(annotations.map(([key, value]) => [`${webhook.name}/${key}`, value]));
    const denial = answer.allowed ? undefined : denied(webhook.name, answer.result);
    tell(denial ? 'denied' : 'allowed', denial?.message ?? '', prefixed);
    if (denial) throw denial;
    return answer;
  }

  #patched(webhook: Webhook, request: AdmissionRequest, { patch }: WebhookAnswer): JsonObject | undefined {
    if (patch.length === 0) return request.object;
    if (!request.object) throw internal(`admission webhook "${webhook.name}" attempted to modify the object, which is not supported for this operation`);
    let changed: unknown;
    try {
      changed = jsonPatch(request.object, patch);
    } catch (error) {
      throw internal(error instanceof Error ? error.message : String(error));
    }
    if (!isObject(changed)) throw internal(`admission webhook "${webhook.name}" left no object`);
    const { objectKind, kind, version } = request;
    return objectKind.kind === kind.kind ? { ...changed, apiVersion: apiVersion(kind.group, version), kind: kind.kind } : changed;
  }
}

/** The name part of an annotation's key: the name of the webhook stands before it. */
const QUALIFIED = /^(?=.{1,63}$)[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

function denied(name: string, result: JsonObject | undefined): ApiFailure {
  const [code, reason, said] = [numberAt(result, 'code') ?? 0, textAt(result, 'reason'), textAt(result, 'message') || textAt(result, 'reason')];
  const message = `admission webhook "${name}" denied the request${said === '' ? ' without explanation' : `: ${said}`}`;
  const details = result?.['details'];
  // A denial is an error, whatever code it carries.
  return new ApiFailure(code < 400 ? 400 : code, reason, message, isObject(details) ? details : undefined);
}

const TOTAL_RUNES = 4096;
const LONG_RUNES = 256;

/** The values of the Warning headers: no text twice, none that is not printable; cut to 256 once there are more than 4,096 characters. */
export function warningHeaders(warnings: readonly string[]): string[] {
  const distinct = [...new Set(warnings)].filter((text) => text !== '' && text.isWellFormed() && !/[\p{Cc}]/u.test(text));
  const runes = (texts: readonly string[]): number => texts.reduce((sum, text) => sum + Array.from(text).length, 0);
  const cut = runes(distinct) > TOTAL_RUNES ? distinct.map((text) => Array.from(text).slice(0, LONG_RUNES).join('')) : distinct;
  const kept = cut.filter((_, i) => runes(cut.slice(0, i + 1)) <= TOTAL_RUNES);
  // Headers carry bytes: as Go sends them, the UTF-8 as it is.
  return kept.map((text) => Buffer.from(`299 - "${text.replace(/[\\"]/g, '\\$&')}"`, 'utf8').toString('latin1'));
}
