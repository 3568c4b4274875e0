/** The Helm chart. In the clone it is read where it lies; what is installed has no such folder, so tools/bundle.mjs puts its text in place of this module. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ChartFiles } from './chart.ts';

export function chartFiles(): ChartFiles {
  const folder = resolve(import.meta.dirname, '../../../../deploy/chart/sealward');
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => /\.(?:yaml|tpl|json)$/.test(path));
  return Object.fromEntries(paths.sort().map((path) => [path.replaceAll('\\', '/'), readFileSync(join(folder, path), 'utf8')]));
}
