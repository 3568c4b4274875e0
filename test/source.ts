/** Reads TypeScript as text, for the tests of the house: which files there are, what each imports, and its code without comments and strings. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';

export interface Source {
  /** The specifiers of static, type, side-effect, re-exporting and dynamic imports; null for a computed one. */
  readonly imports: readonly (string | null)[];
  /** The text with comments blanked and the contents of strings, templates and regular expressions removed. */
  readonly code: string;
}

/** Every file below `folder` with one of the endings, as path relative to `root` (with `/`) to text. */
export function readTree(root: string, folder: string, endings: readonly string[] = ['.ts']): Map<string, string> {
  const files = new Map<string, string>();
  for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !endings.some((ending) => entry.name.endsWith(ending))) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(path.slice(root.length + 1).replaceAll(sep, '/'), readFileSync(path, 'utf8'));
  }
  return files;
}

const BEFORE_SPECIFIER = /(?<![.\w$])(?:from|import|import\s*\(|require\s*\()\s*$/;
const COMPUTED = /(?<![.\w$])(?:import|require)\s*\(\s*(?=[^\s'"])/g;
/** After these a slash starts a regular expression; after anything else it divides. */
const BEFORE_REGEX = /(?:^|[-(,=:[!&|?{};+*%~^<>\n]|\b(?:return|typeof|case|in|of|do|else|void|throw|await|yield))\s*$/;

/** One piece of the text, from `at`: a comment, a quoted string, a regular expression or one character of code. */
const PIECE = /\/\/[^\n]*|\/\*[^]*?\*\/|'(?:[^'\\\n]|\\[^])*'|"(?:[^"\\\n]|\\[^])*"|[^]/y;
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
const TEMPLATE = /(?:[^`\\$]|\\[^]|\$(?!\{))*(`|\$\{)/y;

export function scan(text: string): Source {
  const imports: (string | null)[] = [];
  const depths: number[] = []; // one counter of open braces per `${` that is open
  let code = '';
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match) at = pattern.lastIndex;
    return match;
  };
  const template = (): void => {
    if (take(TEMPLATE)?.[1] === '${') depths.push(0);
    code += depths.length > 0 && text[at - 1] === '{' ? ' ' : '`';
  };
  while (at < text.length) {
    if (text[at] === '/' && !/^\/[/*]/.test(text.slice(at, at + 2)) && BEFORE_REGEX.test(code.slice(-40)) && take(REGEX)) {
      code += '/ /';
      continue;
    }
    const piece = take(PIECE)?.[0] ?? '';
    const open = depths.length - 1;
    if (piece.startsWith('//') || piece.startsWith('/*')) code += piece.replace(/[^\n]/g, ' ');
    else if (piece.length > 1) {
      if (BEFORE_SPECIFIER.test(code.slice(-400))) imports.push(piece.slice(1, -1));
      code += "''";
    } else if (piece === '`') {
      code += '`';
      template();
    } else if (piece === '}' && depths[open] === 0) {
      depths.pop();
      template();
    } else {
      if (piece === '{' && open >= 0) depths[open] = (depths[open] ?? 0) + 1;
      if (piece === '}' && open >= 0) depths[open] = (depths[open] ?? 0) - 1;
      code += piece;
    }
  }
  for (const _ of code.matchAll(COMPUTED)) imports.push(null);
  return { imports, code };
}
