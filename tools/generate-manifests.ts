/** What `npm run docs` makes of the chart: the plain manifests. */
import { chartFiles } from '../src/apps/admission/install/chart-files.ts';
import { definitionsOf, renderChart } from '../src/apps/admission/install/chart.ts';
import { namespaceObject } from '../src/apps/admission/install/namespace.ts';
import { clusterYaml } from '../src/apps/admission/install/resources.ts';
import type { JsonObject } from '../src/core/encoding/index.ts';

const CHART = 'deploy/chart/sealward';
const NAMESPACE = 'sealward-system';

const VALUES = {
  image: { repository: 'registry.example/sealward' },
  trust: { from: 'https://trust.example/sealward', root: '{"put": "your root.json here"}' },
};

/** In the order in which they are applied; the last once the pods are ready. */
export function manifests(): Readonly<Record<string, () => string>> {
  const objects = renderChart(chartFiles(), { namespace: NAMESPACE, values: VALUES });
  const isWebhook = ({ kind }: { readonly kind?: unknown }): boolean => String(kind).endsWith('WebhookConfiguration');
  const page = (what: string, selected: readonly JsonObject[]): string =>
    [`# Written by \`npm run docs\` from ${CHART}. ${what}`, ...selected.map((object) => `---\n${clusterYaml(object)}`)].join('\n');
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
