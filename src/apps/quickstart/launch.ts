/**
 * What npm puts on the PATH: starts the program that lies beside it, with the code that the last such call compiled.
 * Bundled by tools/build.mjs, which says what the programs are called.
 */
import { join } from 'node:path';
import { runKeepingCode } from '../cli/index.ts';

/** By command, where it has a program of its own; all others are in the one under the empty name. */
declare const PROGRAMS: Readonly<Record<string, string>>;

const [first = ''] = process.argv.slice(2);
const program = Object.hasOwn(PROGRAMS, first) ? PROGRAMS[first] : PROGRAMS[''];
runKeepingCode(join(import.meta.dirname, program ?? ''), process.argv.slice(2).find((word) => /^[a-z][a-z-]{1,30}$/.test(word)) ?? 'none');
