/**
 * A configuration in YAML, read field by field. Every fault is kept with its line and place, so that one start names all of
 * them; what is read after a fault is a stand-in that nobody gets to use.
 */
import { readFileSync } from 'node:fs';
import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml';
import { LIMITS } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';

const MAX_FAULTS = 20;
const SIZES: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The text of a configuration. Throws ERR_FILE_UNREADABLE, with the hint that is given, or ERR_TOO_LARGE. */
export function readSettings(file: string, hint: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new SealwardError('ERR_FILE_UNREADABLE', `the configuration ${file} cannot be read: ${(cause as NodeJS.ErrnoException).code}`, { cause, hint });
  }
  if (text.length > LIMITS.documentBytes) throw new SealwardError('ERR_TOO_LARGE', `the configuration ${file} is larger than ${LIMITS.documentBytes} bytes`);
  return text;
}

class Faults {
  readonly #file: string;
  readonly #lines: LineCounter;
  readonly #said: string[] = [];

  constructor(file: string, lines: LineCounter) {
    this.#file = file;
    this.#lines = lines;
  }

  add(node: Node | null | undefined, place: string, why: string): void {
    const { line, col } = this.#lines.linePos(node?.range?.[0] ?? 0);
    this.#said.push(`${this.#file}:${line}:${col}: ${place} ${why}`);
  }

  throwIfAny(): void {
    if (this.#said.length === 0) return;
    const more = this.#said.length > MAX_FAULTS ? [`and ${this.#said.length - MAX_FAULTS} more`] : [];
    // In one line: in those of an error a line break is shown as an escape, since others may have chosen it.
    throw new SealwardError('ERR_CONFIG_INVALID', [...this.#said.slice(0, MAX_FAULTS), ...more].join('; '));
  }
}

/** Reads the whole document; throws ERR_CONFIG_INVALID with all that is wrong. */
export function readYaml<T>(file: string, text: string, read: (root: Section) => T): T {
  const lines = new LineCounter();
  // No aliases: what somebody reads in the file is what stands there.
  const document: Document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, strict: true, version: '1.2', schema: 'core' });
  const faults = new Faults(file, lines);
  for (const error of document.errors) throw new SealwardError('ERR_CONFIG_INVALID', `${file}: ${error.message.split('\n', 1)[0]}`);
  if (!isMap(document.contents)) throw new SealwardError('ERR_CONFIG_INVALID', `${file} holds no settings`);
  const root = new Section(document.contents, '', faults);
  const value = read(root);
  root.end();
  faults.throwIfAny();
  return value;
}

export class Section {
  readonly #map: YAMLMap;
  readonly #place: string;
  readonly #faults: Faults;
  readonly #known = new Set<string>();
  readonly #inner: Section[] = [];

  constructor(map: YAMLMap, place: string, faults: Faults) {
    this.#map = map;
    this.#place = place;
    this.#faults = faults;
  }

  /** Says that a value cannot be, at its place. */
  refuse(name: string, why: string): void {
    this.#faults.add(this.#node(name) ?? this.#map, this.#at(name), why);
  }

  /** To be called when all was read: what is there and was not asked for is a mistake somewhere. */
  end(): void {
    for (const { key } of this.#map.items) {
      const name = String(isScalar(key) ? key.value : key);
      if (!this.#known.has(name))
        this.#faults.add(key as Node, this.#at(name), `is not known; ${this.#place === '' ? 'there are' : 'it has'} ${[...this.#known].join(', ')}`);
    }
    for (const section of this.#inner) section.end();
  }

  has(name: string): boolean {
    this.#known.add(name);
    return this.#node(name) !== undefined;
  }

  section(name: string): Section | undefined {
    if (!this.has(name)) return undefined;
    const node = this.#node(name);
    if (isMap(node)) return this.#open(node, this.#at(name));
    this.refuse(name, 'must have members of its own');
    return undefined;
  }

  sections(name: string): Section[] {
    return this.#list(name).flatMap((node, i) => {
      const place = `${this.#at(name)}[${i}]`;
      if (isMap(node)) return [this.#open(node, place)];
      this.#faults.add(node, place, 'must have members of its own');
      return [];
    });
  }

  text(name: string, fallback?: string): string {
    if (!this.has(name)) return fallback ?? this.#missing(name, '');
    const node = this.#node(name);
    if (isScalar(node) && typeof node.value === 'string' && node.value !== '') return node.value;
    this.refuse(name, 'must be a text');
    return '';
  }

  optionalText(name: string): string | undefined {
    return this.has(name) ? this.text(name) : undefined;
  }

  choice<T extends string>(name: string, choices: readonly T[], fallback?: T): T {
    const text = this.text(name, fallback) as T;
    if (text !== '' && !choices.includes(text)) this.refuse(name, `must be one of ${choices.join(', ')}`);
    return text;
  }

  texts(name: string): string[] {
    return this.#list(name).flatMap((node, i) => {
      if (isScalar(node) && typeof node.value === 'string') return [node.value];
      this.#faults.add(node, `${this.#at(name)}[${i}]`, 'must be a text');
      return [];
    });
  }

  /** Names, each with one text. */
  textMap(name: string): Record<string, string> {
    return Object.fromEntries(this.#members(name).flatMap(([key, section]) => [[key, section.text(key)] as const]));
  }

  /** Names, each with texts; one text stands for a list of one. */
  textLists(name: string): Record<string, string[]> {
    return Object.fromEntries(
      this.#members(name).map(([key, section]) => [key, isSeq(section.#node(key)) ? section.texts(key) : [section.text(key)]] as const),
    );
  }

  flag(name: string, fallback: boolean): boolean {
    if (!this.has(name)) return fallback;
    const node = this.#node(name);
    if (isScalar(node) && typeof node.value === 'boolean') return node.value;
    this.refuse(name, 'must be true or false');
    return fallback;
  }

  integer(name: string, minimum: number, maximum: number, fallback?: number): number {
    if (!this.has(name)) return fallback ?? this.#missing(name, minimum);
    const node = this.#node(name);
    const value = isScalar(node) ? node.value : undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum) return value;
    this.refuse(name, `must be a whole number from ${minimum} to ${maximum}`);
    return minimum;
  }

  truth(name: string, fallback: boolean): boolean {
    if (!this.has(name)) return fallback;
    const node = this.#node(name);
    if (isScalar(node) && typeof node.value === 'boolean') return node.value;
    this.refuse(name, 'must be true or false');
    return fallback;
  }

  /** `500ms`, `30s`, `5m`, `1h`, `2d`; in milliseconds. */
  duration(name: string, minimumMs: number, maximumMs: number, fallback: string): number {
    const node = this.has(name) ? this.#node(name) : undefined;
    // A bare number is no text to YAML, and means nothing here without its unit.
    const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(node === undefined ? fallback : isScalar(node) ? String(node.value) : '');
    const value = match ? Number(match[1]) * (UNITS[match[2] as string] as number) : Number.NaN;
    if (value >= minimumMs && value <= maximumMs) return value;
    this.refuse(name, `must be a time with its unit, as in ${fallback}, from ${minimumMs} ms to ${maximumMs / 1000} s`);
    return minimumMs;
  }

  /** `512KiB`, `64MiB`, `1GiB`; in bytes. */
  size(name: string, minimum: number, maximum: number, fallback: string): number {
    const node = this.has(name) ? this.#node(name) : undefined;
    const match = /^(\d{1,9})(KiB|MiB|GiB)$/.exec(node === undefined ? fallback : isScalar(node) ? String(node.value) : '');
    const value = match ? Number(match[1]) * (SIZES[match[2] as string] as number) : Number.NaN;
    if (value >= minimum && value <= maximum) return value;
    this.refuse(name, `must be a size with its unit, as in ${fallback}, from ${minimum} to ${maximum} bytes`);
    return minimum;
  }

  /** An absolute URL of http or https, without query and without a slash at its end. */
  url(name: string, fallback?: string): string {
    const text = this.text(name, fallback).replace(/\/$/, '');
    const parsed = URL.parse(text);
    if (text !== '' && (!parsed || !/^https?:$/.test(parsed.protocol) || parsed.search !== '' || parsed.hash !== '' || parsed.username !== ''))
      this.refuse(name, 'must be a URL such as https://sigstore.example');
    return text;
  }

  /** HOST:PORT; port 0 takes a free one. */
  address(name: string, fallback: string): { readonly host: string; readonly port: number } {
    const text = this.text(name, fallback);
    const match = /^(\[[0-9a-fA-F:]+\]|[^:\s]+):(\d{1,5})$/.exec(text);
    const port = Number(match?.[2]);
    if (match && port <= 65_535) return { host: (match[1] as string).replace(/^\[|\]$/g, ''), port };
    if (text !== '') this.refuse(name, 'must be HOST:PORT, as in 127.0.0.1:8443');
    return { host: '', port: 0 };
  }

  #open(map: YAMLMap, place: string): Section {
    const section = new Section(map, place, this.#faults);
    this.#inner.push(section);
    return section;
  }

  #members(name: string): (readonly [string, Section])[] {
    const section = this.section(name);
    return section ? section.#map.items.map(({ key }) => [String(isScalar(key) ? key.value : key), section] as const) : [];
  }

  #list(name: string): Node[] {
    if (!this.has(name)) return [];
    const node = this.#node(name);
    if (isSeq(node)) return node.items as Node[];
    this.refuse(name, 'must be a list');
    return [];
  }

  #node(name: string): Node | undefined {
    // `key:` without a value counts as left out.
    const node = this.#map.get(name, true) as Node | undefined;
    return isScalar(node) && node.value === null ? undefined : node;
  }

  #missing<T>(name: string, standIn: T): T {
    this.#faults.add(this.#map, this.#at(name), 'is missing');
    return standIn;
  }

  #at(name: string): string {
    return this.#place === '' ? name : `${this.#place}.${name}`;
  }
}
