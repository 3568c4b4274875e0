/** A document of another tool while it is carried over: its values with their places, and what became of each. */
import { isMap, isSeq, type Node } from 'yaml';
import type { JsonValue } from '../../encoding/index.ts';
import type { ImportLine, ImportOutcome } from '../compiled.ts';
import type { Reading } from '../yaml-source.ts';

/** A value of the document. Members that are asked for one by one are the ones that count as looked at. */
export class Foreign {
  readonly #node: Node | null | undefined;
  readonly #reading: Reading;
  readonly #report: ImportLine[];
  readonly #path: string;

  constructor(node: Node | null | undefined, reading: Reading, report: ImportLine[], path = '') {
    this.#node = reading.resolve(node);
    this.#reading = reading;
    this.#report = report;
    this.#path = path;
  }

  get path(): string {
    return this.#path;
  }

  get isThere(): boolean {
    return this.value !== null;
  }

  /** The whole value in plain form; null for what is not there. */
  get value(): JsonValue {
    return toPlain(this.#node, this.#reading) as JsonValue;
  }

  at(...names: readonly string[]): Foreign {
    const [name, ...rest] = names;
    if (name === undefined) return this;
    const child = isMap(this.#node) ? (this.#node.get(name, true) as Node | undefined) : undefined;
    return new Foreign(child, this.#reading, this.#report, this.#path === '' ? name : `${this.#path}.${name}`).at(...rest);
  }

  get items(): readonly Foreign[] {
    if (!isSeq(this.#node)) return [];
    return this.#node.items.map((item, i) => new Foreign(item as Node, this.#reading, this.#report, `${this.#path}[${i}]`));
  }

  get members(): readonly (readonly [name: string, value: Foreign])[] {
    if (!isMap(this.#node)) return [];
    return this.#node.items.map(({ key }) => {
      const name = String((key as { value?: unknown }).value);
      return [name, this.at(name)] as const;
    });
  }

  text(): string | undefined {
    const { value } = this;
    return typeof value === 'string' && value !== '' ? value : undefined;
  }

  /** The text, or none of its characters. */
  textOrEmpty(): string {
    return this.text() ?? '';
  }

  texts(): readonly string[] {
    return this.items.map((item) => item.text()).filter((text) => text !== undefined);
  }

  note(outcome: ImportOutcome, detail?: string): void {
    const { source, line } = this.#reading.place(this.#node);
    this.#report.push({ source, line, path: this.#path === '' ? 'the document' : this.#path, outcome, ...(detail === undefined ? {} : { detail }) });
  }

  noteWhereThere(outcome: ImportOutcome, detail?: string): void {
    if (this.isThere) this.note(outcome, detail);
  }

  /** The members that nothing above asked for. */
  others(known: readonly string[]): readonly Foreign[] {
    return this.members.filter(([name, member]) => !known.includes(name) && member.isThere).map(([, member]) => member);
  }
}

function toPlain(node: Node | null | undefined, reading: Reading): unknown {
  const resolved = reading.resolve(node);
  if (isMap(resolved))
    return Object.fromEntries(resolved.items.map(({ key, value }) => [String((key as { value?: unknown }).value), toPlain(value as Node | null, reading)]));
  if (isSeq(resolved)) return resolved.items.map((item) => toPlain(item as Node, reading));
  return (resolved as { value?: unknown } | null | undefined)?.value ?? null;
}

/** A member that is not known may ask for something: without it the rest would ask for less. */
export function refuseOthers(at: Foreign, known: readonly string[]): string[] {
  return at.others(known).map((member) => refused(member, 'Sealward knows no such member'));
}

/** Notes that a part cannot be carried over; the reason is what the policy that takes its place refuses with. */
export function refused(at: Foreign, why: string): string {
  at.note('not-mapped', why);
  return `${at.path}: ${why}`;
}
