/** Loaded first by a run over one mutant: gives the changed text in the place of the file's own. */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

const { SEALWARD_MUTANT: mutant = '' } = process.env;
const { path, start, end, replacement } = JSON.parse(mutant) as { path: string; start: number; end: number; replacement: string };
const url = pathToFileURL(path).href;

registerHooks({
  load(given, context, next) {
    if (given !== url) return next(given, context);
    const text = readFileSync(path, 'utf8');
    return { format: 'module-typescript', shortCircuit: true, source: text.slice(0, start) + replacement + text.slice(end) };
  },
});
