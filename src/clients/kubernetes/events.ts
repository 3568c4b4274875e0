/** Events on objects, for `kubectl describe`: best effort, repeated ones counted, bounded, and never in anybody's way. */
import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { KubernetesClient } from './client.ts';
import { apiVersionOf, type ObjectName, type Resource, RESOURCES } from './resource.ts';

export interface ObjectEvent {
  readonly about: ObjectName & { readonly resource: Resource; readonly uid?: string };
  readonly type: 'Normal' | 'Warning';
  /** One word in capitals and small letters, for machines: "ImageRejected". */
  readonly reason: string;
  /** A sentence; cut to 1,024 bytes, which is the bound of the API. */
  readonly message: string;
}

interface Told {
  readonly name: string;
  count: number;
}

const MESSAGE_BYTES = 1024;
/** Different events that are remembered so that a repetition is counted, and events that may wait to be sent. */
const REMEMBERED = 4096;
const WAITING = 500;
/** Kubernetes forgets events after an hour; until then a repetition changes the one that is there. */
const FORGET_MS = 3_600_000;

export class EventRecorder {
  readonly #client: KubernetesClient;
  readonly #component: string;
  readonly #instance: string;
  readonly #report: (problem: SealwardError) => void;
  readonly #told = new Map<string, Told & { readonly at: number }>();
  readonly #waiting: ObjectEvent[] = [];
  #sending: Promise<void> | undefined;
  #lost = 0;

  /** @param from which program, and which replica of it. */
  constructor(client: KubernetesClient, from: { readonly component: string; readonly instance: string }, report: (problem: SealwardError) => void = () => {}) {
    this.#client = client;
    this.#component = from.component;
    this.#instance = from.instance;
    this.#report = report;
  }

  /** Returns at once; what does not fit into the queue is lost, and counted. */
  record(event: ObjectEvent): void {
    if (this.#waiting.length >= WAITING) {
      this.#lost++;
      return;
    }
    this.#waiting.push(event);
    this.#sending ??= this.#send();
  }

  /** How many events were lost because too many waited, or the server did not take them. */
  get lost(): number {
    return this.#lost;
  }

  /** Resolves when nothing waits any more. */
  async drained(): Promise<void> {
    await this.#sending;
  }

  async #send(): Promise<void> {
    for (let event = this.#waiting.shift(); event; event = this.#waiting.shift()) {
      try {
        await this.#tell(event);
      } catch (error) {
        this.#lost++;
        if (error instanceof SealwardError) this.#report(error);
      }
    }
    this.#sending = undefined;
  }

  async #tell(event: ObjectEvent): Promise<void> {
    const { about, type, reason } = event;
    const now = this.#client.clock.now();
    const message = cut(event.message);
    const key = JSON.stringify([about.resource.kind, about.namespace, about.name, about.uid, type, reason, message]);
    const told = this.#told.get(key);
    const namespace = about.namespace ?? 'default';
    if (told && now - told.at < FORGET_MS) {
      const patch = { count: ++told.count, lastTimestamp: moment(now) };
      try {
        await this.#client.patch(RESOURCES.events, { namespace, name: told.name }, { type: 'merge', patch });
        return;
      } catch (error) {
        if (!(error instanceof SealwardError && error.code === 'ERR_OBJECT_NOT_FOUND')) throw error;
      }
    }
    // The name of an Event is the object's and something of its own; a name of 253 characters leaves no room for it.
    const name = `${about.name.slice(0, 200).replace(/[^a-z0-9]+$/, '')}.${randomUUID().slice(0, 18).replaceAll('-', '')}`;
    await this.#client.create(RESOURCES.events, namespace, { metadata: { name }, ...this.#body(event, message, now) });
    this.#told.delete(key);
    this.#told.set(key, { name, count: 1, at: now });
    for (const old of this.#told.keys()) if (this.#told.size > REMEMBERED) this.#told.delete(old);
  }

  #body({ about, type, reason }: ObjectEvent, message: string, now: number): JsonObject {
    const { resource, name, namespace, uid } = about;
    const involvedObject = {
      kind: resource.kind,
      apiVersion: apiVersionOf(resource),
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
    };
    const at = moment(now);
    const source = { component: this.#component };
    const reporting = { reportingComponent: this.#component, reportingInstance: this.#instance };
    return { involvedObject, type, reason, message, source, ...reporting, count: 1, firstTimestamp: at, lastTimestamp: at };
  }
}

const moment = (now: number): string => new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');

/** At most so many bytes of UTF-8, and no half of a character. */
function cut(text: string): string {
  const bytes = Buffer.from(text.toWellFormed(), 'utf8');
  return bytes.length <= MESSAGE_BYTES
    ? bytes.toString('utf8')
    : `${bytes
        .subarray(0, MESSAGE_BYTES - 3)
        .toString('utf8')
        .replace(/\uFFFD+$/, '')}...`;
}
