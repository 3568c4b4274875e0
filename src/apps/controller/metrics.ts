/** Numbers for Prometheus. Labels have values out of lists that are known here, or that whoever configures the controller makes. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { CanaryRound } from './canary.ts';
import { CONTAINMENTS, type ContainmentDone } from './contain.ts';
import type { Held } from './inventory.ts';

/** Seconds: from a pipeline that deploys what it just signed to what lay about for a quarter. */
const AGES = [10, 30, 60, 300, 900, 3600, 21_600, 86_400, 604_800, 2_592_000, 7_776_000];
const OUTCOMES = ['verified', 'rejected', 'inconclusive', 'unjudged'] as const;

export interface ControllerMetrics {
  contained(done: ContainmentDone): void;
  /** From the signature to the first admission of a digest; undefined when nobody dated the signature. */
  firstRun(seconds: number | undefined): void;
  canary(round: CanaryRound): void;
  gauge(name: string, help: string, read: () => number): void;
  /** Images by outcome, counted when the numbers are read. */
  inventory(held: () => readonly Held[]): void;
  text(): Promise<string>;
  readonly contentType: string;
}

export function createControllerMetrics(): ControllerMetrics {
  const registry = new Registry();
  const registers = [registry];
  const contained = new Counter({
    name: 'sealward_controller_containments_total',
    help: 'What was done about images that must not run, by action and result; dry runs apart',
    labelNames: ['action', 'result', 'dry_run'],
    registers,
  });
  for (const action of CONTAINMENTS) contained.inc({ action, result: 'done', dry_run: 'true' }, 0);
  const firstRuns = new Histogram({
    name: 'sealward_signature_to_first_admission_seconds',
    help: 'From when the newest signature that counts was dated to when the first Pod of a digest was admitted',
    buckets: AGES,
    registers,
  });
  const undated = new Counter({
    name: 'sealward_first_admissions_undated_total',
    help: 'Digests that were admitted for the first time by a signature that no log and no timestamp authority dated',
    registers,
  });
  const canary = new Gauge({
    name: 'sealward_canary_admitted',
    help: '1 when the API server would have let in an image that must be refused, 0 when it refused, NaN when it could not be asked',
    labelNames: ['canary'],
    registers,
  });
  const weak = new Gauge({
    name: 'sealward_canary_weaknesses',
    help: 'Ways in which the webhook configuration is weak; NaN when it could not be read',
    registers,
  });
  const at = new Gauge({ name: 'sealward_canary_last_round_timestamp_seconds', help: 'When the canary last asked', registers });
  return {
    contained: ({ action, result, dryRun }) => contained.inc({ action, result, dry_run: String(dryRun) }),
    firstRun: (seconds) => (seconds === undefined ? undated.inc() : firstRuns.observe(seconds)),
    canary(round) {
      for (const { name, result } of round.images) canary.set({ canary: name }, result === 'refused' ? 0 : result === 'admitted' ? 1 : Number.NaN);
      weak.set(round.weaknesses?.length ?? Number.NaN);
      at.set(round.at / 1000);
    },
    gauge(name, help, read) {
      const gauge: Gauge = new Gauge({ name, help, registers, collect: () => gauge.set(read()) });
    },
    inventory(held) {
      const gauge: Gauge<'outcome'> = new Gauge({
        name: 'sealward_controller_running_images',
        help: 'Images that run, each counted once for each namespace, by outcome',
        labelNames: ['outcome'],
        registers,
        collect: () => {
          const counts = new Map<string, number>(OUTCOMES.map((outcome) => [outcome, 0]));
          for (const { judged } of held()) counts.set(judged?.outcome ?? 'unjudged', (counts.get(judged?.outcome ?? 'unjudged') ?? 0) + 1);
          for (const [outcome, count] of counts) gauge.set({ outcome }, count);
        },
      });
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
