/**
 * What npm puts on the PATH: starts the program that lies beside it, with the code that the last such call compiled.
 * Bundled by tools/build.mjs, which says what the program is called.
 */
import { join } from 'node:path';
import { runKeepingCode } from '../cli/index.ts';

declare const PROGRAM: string;

runKeepingCode(join(import.meta.dirname, PROGRAM), process.argv.slice(2).find((word) => /^[a-z][a-z-]{1,30}$/.test(word)) ?? 'none');
