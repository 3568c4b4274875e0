/** How the webhook configurations of a cluster say that it is called. */
import { type KubernetesClient, RESOURCES } from '../../../clients/kubernetes/index.ts';
import { decodeBase64, decodeUtf8, type JsonValue, memberOf, stringOf } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import type { Call } from '../self-probe.ts';

/** @param names of configurations, each tried as both kinds; one that is not there yet calls nobody. Throws what the client throws. */
export async function configuredCalls(client: KubernetesClient, names: readonly string[]): Promise<readonly Call[]> {
  const calls: Call[] = [];
  for (const name of names) {
    for (const [of, refuses] of [
      [RESOURCES.validatingWebhooks, true],
      [RESOURCES.mutatingWebhooks, false],
    ] as const) {
      const entries = (await client.get(of, { name }))?.json['webhooks'];
      for (const entry of Array.isArray(entries) ? entries : [])
        calls.push({
          by: `${stringOf(memberOf(entry, 'name')) ?? 'an entry'} of the ${of.kind} ${name}`,
          refuses,
          ...calledAt(memberOf(entry, 'clientConfig')),
        });
    }
  }
  return calls;
}

function calledAt(config: JsonValue | undefined): Pick<Call, 'name' | 'path' | 'authorities'> {
  const authorities = bundleIn(stringOf(memberOf(config, 'caBundle')) ?? '');
  const url = stringOf(memberOf(config, 'url'));
  if (url !== undefined && URL.canParse(url)) {
    const { hostname, pathname } = new URL(url);
    return { name: hostname.replace(/^\[(.*)\]$/, '$1'), path: pathname, authorities };
  }
  const service = memberOf(config, 'service');
  const [name, namespace, path] = ['name', 'namespace', 'path'].map((member) => stringOf(memberOf(service, member)) ?? '');
  return { name: `${name}.${namespace}.svc`, path: path || '/', authorities };
}

/** What is no base64 and no text is no bundle, and is believed by nobody. */
function bundleIn(caBundle: string): string {
  try {
    return decodeUtf8(decodeBase64(caBundle, 'caBundle'), 'caBundle');
  } catch (error) {
    if (error instanceof SealwardError) return '-';
    throw error;
  }
}
