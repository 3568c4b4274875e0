/** The actions of `sealward admission` that work on a cluster from outside: install, uninstall, status, manifests. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import packageJson from '../../../package.json' with { type: 'json' };
import { HttpClient, parseProxyEnvironment } from '../../clients/http/index.ts';
import { clusterOf, KubernetesClient } from '../../clients/kubernetes/index.ts';
import { dockerConfig, openRegistry } from '../../clients/registry/index.ts';
import { formatDigest, formatReference, parseReference, quoted } from '../../core/artifact/index.ts';
import { decodeUtf8, type JsonObject, LIMITS, memberOf, stringOf } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { byKey, trust, verifyImage } from '../../sdk/index.ts';
import {
  admissionStatus,
  clusterYaml,
  installAdmission,
  objectsFor,
  parseValues,
  putValue,
  statusWords,
  uninstallAdmission,
  withAssignments,
} from '../admission/index.ts';
import type { AdmissionInvocation } from './admission-flags.ts';

/** What is left of the time of --timeout when waiting ends, to say why. */
const LAST_WORDS_MS = 2000;

export async function install(invocation: AdmissionInvocation): Promise<number> {
  const { flags, terminal, signal, deadline, form } = invocation;
  const found = await verifiedValues(invocation, valuesOf(invocation));
  if ('exit' in found) return found.exit;
  return withCluster(invocation, async (client) => {
    const waiting = client.clock.now() + Math.max(deadline - Date.now() - LAST_WORDS_MS, 0);
    const installed = await installAdmission({
      client,
      namespace: flags.namespace,
      values: found.values,
      dryRun: flags['dry-run'],
      deadline: waiting,
      signal,
      report: (line) => terminal.say(line),
    });
    const { failurePolicy } = installed;
    const asked = {
      Fail: 'The API server asks it about everything that starts something, and lets nothing in while nobody answers.',
      Ignore: 'The API server asks it, and lets everything in while nobody answers.',
      none: 'The API server does not ask it yet.',
    }[failurePolicy];
    terminal.print(form === 'json' ? JSON.stringify(installed, null, 2) : `${flags['dry-run'] ? 'Nothing was kept. ' : ''}${asked ?? ''}`);
    return 0;
  });
}

export async function uninstall(invocation: AdmissionInvocation): Promise<number> {
  const { flags, terminal, signal, form } = invocation;
  return withCluster(invocation, async (client) => {
    const options = { client, namespace: flags.namespace, dryRun: flags['dry-run'], deadline: deadlineOf(invocation, client), signal };
    const deleted = await uninstallAdmission({ ...options, report: (line) => terminal.say(line) });
    const words =
      deleted.length === 0
        ? `Nothing of Sealward was in ${flags.namespace}.`
        : `The namespace ${flags.namespace} stays, with its volumes: evidence and decision records lie there. \`kubectl delete namespace ${flags.namespace}\` takes them away.`;
    terminal.print(form === 'json' ? JSON.stringify({ deleted }, null, 2) : words);
    return 0;
  });
}

export async function status(invocation: AdmissionInvocation): Promise<number> {
  const { flags, terminal, signal, form } = invocation;
  return withCluster(invocation, async (client) => {
    const found = await admissionStatus({ client, namespace: flags.namespace, deadline: deadlineOf(invocation, client), signal });
    terminal.print(form === 'json' ? JSON.stringify(found, null, 2) : statusWords(found, Date.now()).join('\n'));
    return found.problems.length === 0 ? 0 : 1;
  });
}

/** For those who apply files: what `install` would, in its order. */
export async function manifests(invocation: AdmissionInvocation): Promise<number> {
  const found = await verifiedValues(invocation, valuesOf(invocation));
  if ('exit' in found) return found.exit;
  const objects = objectsFor(invocation.flags.namespace, found.values);
  invocation.terminal.print(objects.map((object) => `---\n${clusterYaml(object)}`).join(''));
  return 0;
}

/** The clock of the client is not that of the wall. */
const deadlineOf = ({ deadline }: AdmissionInvocation, client: KubernetesClient): number => client.clock.now() + deadline - Date.now();

async function withCluster(invocation: AdmissionInvocation, use: (client: KubernetesClient) => Promise<number>): Promise<number> {
  const { config, flags } = invocation;
  const environment = { ...config.environment, ...(flags.kubeconfig === undefined ? {} : { KUBECONFIG: flags.kubeconfig }) };
  const cluster = await clusterOf({ environment, readFile: (path, maxBytes, what) => readText(path, maxBytes, what) });
  const client = new KubernetesClient(cluster, { proxy: parseProxyEnvironment(config.proxyEnvironment), userAgent: `sealward/${packageJson.version}` });
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

function valuesOf({ flags }: AdmissionInvocation): JsonObject {
  const files = flags.values.map((path) => parseValues(decodeUtf8(readText(path, LIMITS.documentBytes, 'the values'), path), path));
  return withAssignments(files.reduce(mergedValues, {}), flags.set);
}

/** Of several files the later counts. */
function mergedValues(before: JsonObject, after: JsonObject): JsonObject {
  return Object.entries(after).reduce<JsonObject>((values, [name, value]) => {
    const [there, given] = [mapOf(values[name]), mapOf(value)];
    return putValue(values, [name], there && given ? mergedValues(there, given) : value);
  }, before);
}

const mapOf = (value: JsonObject[string] | undefined): JsonObject | undefined =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? value : undefined;

/**
 * What judges others is judged here, once, before it runs: afterwards nobody asks about its namespace. With --key the image
 * must be signed by it, and runs by the digest that was verified.
 */
async function verifiedValues(
  { flags, config, terminal, signal, deadline }: AdmissionInvocation,
  values: JsonObject,
): Promise<{ readonly values: JsonObject } | { readonly exit: number }> {
  const image = values['image'];
  const [repository, tag, digest] = ['repository', 'tag', 'digest'].map((name) => stringOf(memberOf(image, name)) ?? '');
  if (flags.key === undefined) {
    terminal.warn('the image of Sealward itself was not verified: give --key with the public key of whoever published it');
    return { values };
  }
  if (!repository)
    throw new SealwardError('ERR_CONFIG_INVALID', 'image.repository is missing', { hint: 'Write --set image.repository=registry.example/sealward.' });
  const reference = parseReference(`${repository}:${tag || packageJson.version}${digest ? `@${digest}` : ''}`);
  const http = new HttpClient({ proxy: parseProxyEnvironment(config.proxyEnvironment) });
  const registry = openRegistry({ http, credentials: dockerConfig(join(config.dockerConfig, 'config.json')) });
  try {
    const anchors = trust({ keys: [decodeUtf8(readText(flags.key, LIMITS.documentBytes, 'the public key'), flags.key)] });
    const found = await verifyImage({
      registry,
      reference,
      anchors,
      requirement: byKey({ logs: 0 }),
      deadline: http.clock.now() + deadline - Date.now(),
      signal,
    });
    const { outcome, code } = found.decision;
    if (outcome !== 'verified') {
      terminal.say(`${formatReference(reference)}: ${outcome}: ${code}`);
      return { exit: outcome === 'rejected' ? 1 : 4 };
    }
    terminal.say(`${formatReference(reference)} is signed by ${quoted(flags.key, 400)}`);
    return { values: putValue(values, ['image', 'digest'], formatDigest(found.digest)) };
  } finally {
    registry.close();
  }
}

function readText(path: string, maxBytes: number, what: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new SealwardError('ERR_FILE_UNREADABLE', `${what} ${quoted(path, 400)} cannot be read: ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
  if (bytes.length > maxBytes) throw new SealwardError('ERR_TOO_LARGE', `${what} ${quoted(path, 400)} has more than ${maxBytes} bytes`);
  return bytes;
}
