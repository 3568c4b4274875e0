/** One report for each namespace, written when something in it is another, and not again for nothing. */
import { type KubernetesClient, RESOURCES } from '../../clients/kubernetes/index.ts';
import { digestOf } from '../../core/artifact/index.ts';
import { canonicalJson, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { Held } from './inventory.ts';
import { composeReport, REPORT_NAME } from './policy-report.ts';

export interface ReportWriterOptions {
  readonly client: KubernetesClient;
  readonly held: () => readonly Held[];
  /** Asked before each write: whoever leads no more writes no more. */
  readonly leads: () => boolean;
  readonly report: (problem: SealwardError) => void;
  /** How long changes are gathered before they are written, in milliseconds. */
  readonly gatherMs?: number;
}

/** A cluster without the kind is asked again after so long. */
const MISSING_MS = 600_000;
const RETRY_MS = 30_000;
/** Reports that others changed or left behind are put right after so long. */
const SWEEP_MS = 3_600_000;
/** A report has a megabyte at most, and pages of a list are bounded. */
const PAGE = 50;

export class ReportWriter {
  readonly #options: ReportWriterOptions;
  /** Digests of what stands in the cluster as far as this process wrote it, by namespace. */
  readonly #written = new Map<string, string>();
  readonly #dirty = new Set<string>();
  /** Namespaces whose report was not taken, and when that is tried again. */
  readonly #failing = new Map<string, number>();
  #cancel: (() => void) | undefined;
  #cancelSweep: (() => void) | undefined;
  #at = Number.POSITIVE_INFINITY;
  #writing: Promise<void> = Promise.resolve();
  #closed = false;
  #notBefore = 0;
  /** Writes that the cluster did not take. */
  failed = 0;

  constructor(options: ReportWriterOptions) {
    this.#options = options;
  }

  /** This replica leads from now on: what stands in the cluster may be by another one, about namespaces in which nothing runs any more. */
  begin(): void {
    if (this.#closed) return;
    const { client, held } = this.#options;
    this.#cancelSweep?.();
    this.#cancelSweep = client.clock.after(SWEEP_MS, () => {
      if (this.#options.leads()) this.begin();
    });
    this.#written.clear();
    for (const { namespace } of held()) this.touch(namespace);
    this.#writing = this.#writing.then(() => this.#findOthers());
  }

  async #findOthers(): Promise<void> {
    const { client, report } = this.#options;
    if (this.#closed || client.clock.now() < this.#notBefore) return;
    try {
      const selection = { fieldSelector: `metadata.name=${REPORT_NAME}` };
      const { objects } = await client.list(RESOURCES.policyReports, selection, { pageSize: PAGE, keep: ({ namespace }) => namespace });
      for (const namespace of objects) this.touch(namespace);
    } catch (error) {
      report(asProblem(error));
    }
  }

  /** Something in this namespace changed. */
  touch(namespace: string): void {
    this.#dirty.add(namespace);
    this.#schedule(this.#options.gatherMs ?? 2000);
  }

  #schedule(ms: number): void {
    const { leads, client } = this.#options;
    const { clock } = client;
    const at = Math.max(clock.now() + ms, this.#notBefore);
    if (this.#closed || this.#dirty.size === 0 || at >= this.#at || !leads()) return;
    this.#cancel?.();
    this.#at = at;
    this.#cancel = clock.after(at - clock.now(), () => {
      this.#at = Number.POSITIVE_INFINITY;
      void this.flush();
    });
  }

  /** Writes what is waiting, one after the other. */
  flush(): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      const { client, leads } = this.#options;
      const held = Map.groupBy(this.#options.held(), ({ namespace }) => namespace);
      // As many as there are now: what fails is waiting again.
      const namespaces = [...this.#dirty];
      for (const namespace of namespaces) {
        if (this.#closed || !leads() || client.clock.now() < this.#notBefore) break;
        if (client.clock.now() < (this.#failing.get(namespace) ?? 0)) continue;
        this.#dirty.delete(namespace);
        this.#failing.delete(namespace);
        try {
          await this.#write(namespace, held.get(namespace) ?? []);
        } catch (error) {
          await this.#failedOn(namespace, asProblem(error));
        }
      }
      this.#schedule(RETRY_MS);
    });
    return this.#writing;
  }

  async #write(namespace: string, held: readonly Held[]): Promise<void> {
    const { client } = this.#options;
    const report = composeReport(namespace, held);
    // What runs and was not judged yet is nothing to say, and no reason to take back what was said.
    if (!report && held.length > 0) return;
    const digest = report ? digestOf(utf8(canonicalJson(report))).hex : '';
    if (report && this.#written.get(namespace) === digest) return;
    if (report) await client.apply(RESOURCES.policyReports, { namespace, name: REPORT_NAME }, report);
    else await client.delete(RESOURCES.policyReports, { namespace, name: REPORT_NAME });
    if (report) this.#written.set(namespace, digest);
    else this.#written.delete(namespace);
  }

  async #failedOn(namespace: string, problem: SealwardError): Promise<void> {
    const { client, report } = this.#options;
    this.#written.delete(namespace);
    this.#dirty.add(namespace);
    this.#failing.set(namespace, client.clock.now() + RETRY_MS);
    // A namespace that is gone, or going, takes no reports, and needs none. Its Pods will be heard to be gone.
    if (/being terminated/.test(problem.message)) return;
    if (problem.code === 'ERR_OBJECT_NOT_FOUND') {
      if (await this.#kindIsServed()) return;
      this.#notBefore = client.clock.now() + MISSING_MS;
    }
    this.failed++;
    report(problem);
  }

  /** "Not found" is the answer for a namespace that is not there, and for a kind. */
  async #kindIsServed(): Promise<boolean> {
    try {
      await this.#options.client.list(RESOURCES.policyReports, { fieldSelector: 'metadata.name=none' });
      return true;
    } catch (error) {
      return !(error instanceof SealwardError && error.code === 'ERR_OBJECT_NOT_FOUND');
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    this.#cancelSweep?.();
    await this.#writing;
  }
}

function asProblem(error: unknown): SealwardError {
  return error instanceof SealwardError ? error : new SealwardError('ERR_INVARIANT', `a report could not be written: ${String(error)}`, { cause: error });
}
