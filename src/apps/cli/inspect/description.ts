/**
 * What `sealward inspect` found, as one value from which both its text and its JSON are made. Keys are camelCase; the
 * text turns them into words. Nothing in a description is verified, and it says so.
 */
export type Described = string | number | boolean | readonly Described[] | Description;
export interface Description {
  readonly [key: string]: Described | undefined;
}

/** At most this much of one value is shown in text; JSON has all of it. */
const LONGEST_TEXT = 400;

function words(key: string): string {
  return key.replace(/([a-z0-9])([A-Z])/g, (_, before: string, letter: string) => `${before} ${letter.toLowerCase()}`);
}

function isPlain(value: Described): value is string | number | boolean {
  return typeof value !== 'object';
}

/** Lines of text; `show` makes a value safe to print. */
export function descriptionLines(description: Description, show: (text: string) => string, indent = ''): string[] {
  const entries = Object.entries(description).filter((entry): entry is [string, Described] => entry[1] !== undefined);
  const width = Math.min(30, Math.max(0, ...entries.filter(([, value]) => isPlain(value)).map(([key]) => words(key).length)));
  const lines: string[] = [];
  for (const [key, value] of entries) {
    const name = show(words(key));
    if (isPlain(value)) lines.push(`${indent}${name.padEnd(width)}  ${shorten(show(String(value)))}`);
    else if (Array.isArray(value)) lines.push(...listLines(name, value, show, indent, width));
    else lines.push(`${indent}${name}`, ...descriptionLines(value as Description, show, `${indent}  `));
  }
  return lines;
}

function listLines(name: string, values: readonly Described[], show: (text: string) => string, indent: string, width: number): string[] {
  if (values.length === 0) return [];
  if (values.every(isPlain)) return values.map((value, at) => `${indent}${(at === 0 ? name : '').padEnd(width)}  ${shorten(show(String(value)))}`);
  return values.flatMap((value, at) => {
    const head = values.length === 1 ? name : `${name} ${at + 1}`;
    return isPlain(value)
      ? [`${indent}${head}  ${shorten(show(String(value)))}`]
      : [`${indent}${head}`, ...descriptionLines(value as Description, show, `${indent}  `)];
  });
}

function shorten(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}... (${text.length} characters; all of them with -o json)` : text;
}
