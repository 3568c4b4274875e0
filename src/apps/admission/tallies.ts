/**
 * What is counted for every review. prom-client puts the labels of each number into a text, to find it by; here each number
 * is found once and then a field, from which the text for Prometheus is made when somebody asks for it.
 */
import { Counter, type CounterConfiguration } from 'prom-client';

export interface Tally {
  count: number;
}

/** A counter. @returns the number under labels that were not asked for before; whoever asks keeps it. */
export function tallies<Label extends string>(configuration: CounterConfiguration<Label>): (labels: Readonly<Record<Label, string>>) => Tally {
  const all: { readonly labels: Readonly<Record<Label, string>>; readonly tally: Tally }[] = [];
  // It belongs to its registry.
  void new Counter<Label>({
    ...configuration,
    collect() {
      this.reset();
      for (const { labels, tally } of all) this.inc(labels, tally.count);
    },
  });
  return (labels) => {
    const tally = { count: 0 };
    all.push({ labels, tally });
    return tally;
  };
}

export interface TimesOptions<Stage extends string> {
  readonly name: string;
  readonly help: string;
  readonly stages: readonly Stage[];
  /** Upper bounds in seconds, growing. */
  readonly bounds: readonly number[];
}

interface Taken {
  /** One for each bound, and one for what is above all of them. */
  readonly counts: Float64Array;
  sum: number;
}

/** A histogram by stage. */
export class Times<Stage extends string> {
  readonly #options: TimesOptions<Stage>;
  readonly #stages: Readonly<Record<Stage, Taken>>;

  constructor(options: TimesOptions<Stage>) {
    this.#options = options;
    const none = (): Taken => ({ counts: new Float64Array(options.bounds.length + 1), sum: 0 });
    this.#stages = Object.fromEntries(options.stages.map((stage) => [stage, none()])) as Record<Stage, Taken>;
  }

  observe(stage: Stage, seconds: number): void {
    const { bounds } = this.#options;
    const taken = this.#stages[stage];
    let at = 0;
    while (at < bounds.length && seconds > (bounds[at] as number)) at++;
    taken.counts[at] = (taken.counts[at] as number) + 1;
    taken.sum += seconds;
  }

  /** In the text format of Prometheus (version 0.0.4), without the line feed at its end. */
  text(): string {
    const { name, help, stages, bounds } = this.#options;
    const lines = stages.flatMap((stage) => {
      const { counts, sum } = this.#stages[stage];
      let count = 0;
      const buckets = [...bounds.map(String), '+Inf'].map((le, at) => `${name}_bucket{le="${le}",stage="${stage}"} ${(count += counts[at] as number)}`);
      return [...buckets, `${name}_sum{stage="${stage}"} ${sum}`, `${name}_count{stage="${stage}"} ${count}`];
    });
    return [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`, ...lines].join('\n');
  }
}
