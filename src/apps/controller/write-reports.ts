/** One report for each namespace, written when something in it is another, and not again for nothing. */
import { type KubernetesClient, RESOURCES } from '../../clients/kubernetes/index.ts';
import { canonicalJson } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { Held } from './inventory.ts';
import { composeReport, REPORT_NAME } from './policy-report.ts';

export interface ReportWriterOptions {
  readonly client: KubernetesClient;
  readonly held: () => readonly Held[];
  readonly report: (problem: SealwardError) => void;
  /** How long changes are gathered before they are written, in milliseconds. */
  readonly gatherMs?: number;
}

/** A cluster without the kind is asked again after so long. */
const MISSING_MS = 600_000;
const RETRY_MS = 30_000;

export class ReportWriter {
  readonly #options: ReportWriterOptions;
  /** What stands in the cluster as far as this process wrote it, by namespace. */
  readonly #written = new Map<string, string>();
  readonly #dirty = new Set<string>();
  #cancel: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();
  #closed = false;
  #notBefore = 0;
  /** Writes that the cluster did not take. */
  failed = 0;

  constructor(options: ReportWriterOptions) {
    this.#options = options;
  }

  /** Something in this namespace changed. */
  touch(namespace: string): void {
    this.#dirty.add(namespace);
    this.#schedule(this.#options.gatherMs ?? 2000);
  }

  #schedule(ms: number): void {
    if (this.#closed || this.#cancel || this.#dirty.size === 0) return;
    const { clock } = this.#options.client;
    this.#cancel = clock.after(Math.max(ms, this.#notBefore - clock.now()), () => {
      this.#cancel = undefined;
      void this.flush();
    });
  }

  /** Writes what is waiting, one after the other. */
  flush(): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      const namespaces = [...this.#dirty];
      this.#dirty.clear();
      const held = Map.groupBy(this.#options.held(), ({ namespace }) => namespace);
      for (const namespace of namespaces) {
        if (this.#closed) return;
        try {
          await this.#write(namespace, held.get(namespace) ?? []);
        } catch (error) {
          this.#failedOn(namespace, error);
        }
      }
      this.#schedule(RETRY_MS);
    });
    return this.#writing;
  }

  async #write(namespace: string, held: readonly Held[]): Promise<void> {
    const { client } = this.#options;
    const report = composeReport(namespace, held);
    const text = report ? canonicalJson(report) : '';
    if (this.#written.get(namespace) === text) return;
    if (report) await client.apply(RESOURCES.policyReports, { namespace, name: REPORT_NAME }, report);
    else await client.delete(RESOURCES.policyReports, { namespace, name: REPORT_NAME });
    this.#written.set(namespace, text);
  }

  #failedOn(namespace: string, error: unknown): void {
    const { client, report } = this.#options;
    const problem =
      error instanceof SealwardError ? error : new SealwardError('ERR_INVARIANT', `a report could not be written: ${String(error)}`, { cause: error });
    this.failed++;
    this.#written.delete(namespace);
    // A namespace that is going away takes no reports, and needs none.
    if (problem.code === 'ERR_OBJECT_NOT_FOUND') this.#notBefore = client.clock.now() + MISSING_MS;
    this.#dirty.add(namespace);
    report(problem);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    await this.#writing;
  }
}
