/** What `npm run docs` makes of the chart: the plain manifests, and the copy of the chart that `sealward admission install` carries. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { type ChartFiles, definitionsOf, renderChart } from '../src/apps/admission/install/chart.ts';
import { namespaceObject } from '../src/apps/admission/install/namespace.ts';

const root = resolve(import.meta.dirname, '..');
const CHART = 'deploy/chart/sealward';
const NAMESPACE = 'sealward-system';

export function chartFiles(): ChartFiles {
  const paths = readdirSync(join(root, CHART), { recursive: true, encoding: 'utf8' }).filter((path) => /\.(?:yaml|tpl)$/.test(path));
  return Object.fromEntries(paths.sort().map((path) => [path, readFileSync(join(root, CHART, path), 'utf8')]));
}

/** As the formatter would have it: in single quotes, unless there are more of these inside than of the others. */
function literal(text: string): string {
  const count = (quote: string): number => text.split(quote).length;
  const quote = count("'") > count('"') ? '"' : "'";
  return `${quote}${text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll(quote, `\\${quote}`)}${quote}`;
}

function carriedChart(): string {
  const key = (path: string): string => (/^[A-Za-z_]\w*$/.test(path) ? path : literal(path));
  const lines = Object.entries(chartFiles()).map(([path, text]) => {
    const value = literal(text);
    // The formatter breaks a line that is too long after the colon, and nowhere else.
    const one = `  ${key(path)}: ${value},`;
    return one.length > 160 ? `  ${key(path)}:\n    ${value},` : one;
  });
  return `/** Written by \`npm run docs\` from ${CHART}; edits here are lost. */\nexport const CHART_FILES: Readonly<Record<string, string>> = {\n${lines.join('\n')}\n};\n`;
}

const VALUES = {
  image: { repository: 'registry.example/sealward' },
  trust: { from: 'https://trust.example/sealward', root: '{"put": "your root.json here"}' },
};

/** In the order in which they are applied; the last once the pods are ready. */
function manifests(): Readonly<Record<string, () => string>> {
  const objects = renderChart(chartFiles(), { namespace: NAMESPACE, values: VALUES });
  const isWebhook = ({ kind }: { readonly kind?: unknown }): boolean => String(kind).endsWith('WebhookConfiguration');
  const page = (what: string, selected: readonly unknown[]): string =>
    [`# Written by \`npm run docs\` from ${CHART}. ${what}`, ...selected.map((object) => `---\n${stringify(object, { lineWidth: 0 })}`)].join('\n');
  return {
    'deploy/manifests/1-namespace.yaml': () => page('First.', [namespaceObject(NAMESPACE), ...definitionsOf(chartFiles())]),
    'deploy/manifests/2-sealward.yaml': () =>
      page(
        'Put in your registry, where trust comes from, and your root.json; then apply it and wait until the pods are ready.',
        objects.filter((one) => !isWebhook(one)),
      ),
    'deploy/manifests/3-webhooks.yaml': () => page('Last: from here on the API server asks.', objects.filter(isWebhook)),
  };
}

export const MANIFESTS: Readonly<Record<string, () => string>> = {
  'src/apps/admission/install/chart-files.ts': carriedChart,
  ...manifests(),
};
