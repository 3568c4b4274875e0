/** `sealward admission install`, `status`, `uninstall` and `manifests`, with kubectl beside them, on an API server of tests. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { issueAuthority } from '../../src/apps/admission/certificates/issue.ts';
import { objectsFor } from '../../src/apps/admission/install/install.ts';
import { placed } from '../../src/apps/admission/install/resources.ts';
import { moreCommands } from '../../src/apps/quickstart/more-commands.ts';
import { KubernetesClient, type Resource, RESOURCES, WatchList } from '../../src/clients/kubernetes/index.ts';
import type { JsonObject, JsonValue } from '../../src/core/encoding/index.ts';
import { imagePolicyDefinition } from '../../src/core/policy/custom-resource.ts';
import { ClusterServer, MemoryRegistry } from '../../src/testing/index.ts';
import type { CliResult } from '../cli.ts';
import { CLUSTERS, type ClusterKind, type TestCluster } from '../clusters.ts';
import { inCI, repositoryRoot } from '../vectors.ts';
import { pushImage } from './registries.ts';
import { Workshop } from './workshop.ts';

const run = promisify(execFile);
const NAMESPACE = 'sealward-system';
const VALUES = 'image: {repository: registry.example/sealward}\ntrust: {from: "https://trust.example", root: "{}"}\n';

interface Scene {
  readonly cluster: TestCluster;
  readonly workshop: Workshop;
  readonly sealward: (...args: readonly string[]) => Promise<CliResult>;
}

/** A cluster in which StatefulSets come up, and the webhook tells the API server whom to believe. */
async function scene(t: TestContext, { start }: ClusterKind): Promise<Scene> {
  const [cluster, workshop] = [await start(), new Workshop()];
  const client = new KubernetesClient(cluster.access());
  const statefulSets: Resource = { group: 'apps', version: 'v1', plural: 'statefulsets', kind: 'StatefulSet', namespaced: true };
  const merge = (path: string, body: object, contentType = 'application/merge-patch+json'): Promise<unknown> =>
    cluster.request('PATCH', path, body as never, { contentType });
  const caBundle = Buffer.from(issueAuthority(Date.now(), 365 * 86_400_000).cert).toString('base64');
  const watches = [
    new WatchList(client, statefulSets, {
      keep: ({ json }) => json,
      changed: (change) => {
        if (change.type === 'removed') return;
        const after = change.value;
        const { generation = 0 } = after['metadata'] as { generation?: number };
        const { observedGeneration, readyReplicas } = (after['status'] ?? {}) as { observedGeneration?: number; readyReplicas?: number };
        if (observedGeneration === generation && readyReplicas === 3) return;
        void merge(`/apis/apps/v1/namespaces/${NAMESPACE}/statefulsets/sealward/status`, {
          status: { observedGeneration: generation, replicas: 3, readyReplicas: 3, updatedReplicas: 3 },
        });
      },
    }),
    ...[RESOURCES.mutatingWebhooks, RESOURCES.validatingWebhooks].map(
      (of) =>
        new WatchList(client, of, {
          keep: ({ json }) => json,
          changed: (change) => {
            const hooks = (change.type === 'removed' ? [] : change.value['webhooks']) as { clientConfig: { caBundle?: string } }[];
            const patch = hooks.flatMap(({ clientConfig }, i) =>
              clientConfig.caBundle === caBundle ? [] : [{ op: 'add', path: `/webhooks/${i}/clientConfig/caBundle`, value: caBundle }],
            );
            if (patch.length > 0) void merge(`/apis/admissionregistration.k8s.io/v1/${of.plural}/sealward`, patch, 'application/json-patch+json');
          },
        }),
    ),
  ];
  await Promise.all(watches.map(({ synced }) => synced));
  t.after(async () => {
    await Promise.all(watches.map((watch) => watch.close()));
    client.close();
    await cluster.close();
    workshop.remove();
  });
  const kubeconfig = workshop.file('kubeconfig', cluster.kubeconfig());
  return {
    cluster,
    workshop,
    sealward: (...args) => workshop.sealward(['admission', ...args, '--timeout', '60s'], { more: moreCommands, env: { KUBECONFIG: kubeconfig }, tty: true }),
  };
}

const kubectl = async ({ workshop }: Scene, ...args: readonly string[]): Promise<string> => {
  const { stdout } = await run('kubectl', ['--kubeconfig', workshop.path('kubeconfig'), ...args], { env: workshop.environment });
  return stdout;
};
const skip =
  inCI ||
  (await run('kubectl', ['version', '--client']).then(
    () => true,
    () => false,
  ))
    ? false
    : 'kubectl is not on this machine (Debian: kubernetes-client)';

/** Fails unless everything that was meant is there, as it was meant; an API server adds to it. */
function assertHolds(kept: JsonValue | undefined, meant: JsonValue, place: string): void {
  if (meant === null || typeof meant !== 'object') return assert.equal(kept, meant, place);
  assert.equal(Array.isArray(kept), Array.isArray(meant), place);
  if (Array.isArray(meant)) assert.equal((kept as readonly JsonValue[]).length, meant.length, place);
  for (const [name, inner] of Object.entries(meant)) assertHolds((kept as JsonObject | undefined)?.[name], inner, `${place}.${name}`);
}

/** kubectl reads YAML 1.1, and we write for it. */
async function assertApplied({ cluster }: Scene, meant: readonly JsonObject[]): Promise<void> {
  for (const { of, namespace, name, object } of placed(meant)) {
    const kept = (await cluster.objects(of.group === '' ? of.plural : `${of.plural}.${of.group}`)).find(({ metadata }) => {
      const { name: itsName, namespace: itsNamespace } = metadata as { name?: string; namespace?: string };
      return itsName === name && itsNamespace === namespace;
    });
    assertHolds(kept, object, `${of.kind} ${name}`);
  }
}

/** Text, and something else in YAML 1.1 where no quotes stand around it. */
const ODD_TEXTS = ['yes', '1:30', '0777', '2001-01-01', '1e3', '~', '0b1', '1_000', '<<', '='];

for (const kind of CLUSTERS) {
  test(`install brings everything and says so, kubectl sees it, status finds nothing wrong, uninstall takes it away: ${kind.name}`, { skip }, async (t) => {
    const stage = await scene(t, kind);
    const values = stage.workshop.file('values.yaml', VALUES);
    const installed = await stage.sealward('install', '--values', values, '--set', 'logLevel=debug');
    assert.equal(installed.code, 0, installed.stderr);
    assert.match(installed.stderr, /image of Sealward itself was not verified/);
    assert.match(installed.stderr, /\nStatefulSet sealward-system\/sealward: created\n/);
    assert.match(installed.stdout, /asks it about everything that starts something, and lets nothing in while nobody answers/);
    const configurations = await kubectl(stage, 'get', 'validatingwebhookconfigurations,mutatingwebhookconfigurations', '-o', 'name');
    assert.deepEqual(
      configurations
        .trim()
        .split('\n')
        .map((line) => line.split('/').at(-1)),
      ['sealward', 'sealward'],
    );
    assert.match(await kubectl(stage, '-n', NAMESPACE, 'get', 'configmap', 'sealward', '-o', 'yaml'), /logLevel: debug/);

    const again = await stage.sealward('install', '--values', values, '--set', 'logLevel=debug', '--output', 'json');
    assert.equal(again.code, 0, again.stderr);
    const { objects, failurePolicy } = JSON.parse(again.stdout) as { objects: { change: string }[]; failurePolicy: string };
    assert.deepEqual([...new Set(objects.map(({ change }) => change))], ['unchanged']);
    assert.equal(failurePolicy, 'Fail');

    const fine = await stage.sealward('status');
    assert.equal(fine.code, 0, fine.stdout);
    assert.match(fine.stdout, /^Sealward in sealward-system: 3 of 3 replicas are ready\n[^]*Nothing is wrong\.\n$/);
    await kubectl(stage, 'delete', 'validatingwebhookconfiguration', 'sealward');
    const weak = await stage.sealward('status');
    assert.equal(weak.code, 1);
    assert.match(weak.stdout, /pods\.sealward\.dev is missing: the API server does not ask it/);

    const removed = await stage.sealward('uninstall');
    assert.equal(removed.code, 0, removed.stderr);
    assert.match(removed.stdout, /The namespace sealward-system stays, with its volumes/);
    assert.equal((await kubectl(stage, '-n', NAMESPACE, 'get', 'statefulsets,services,roles', '-o', 'name')).trim(), '');
    assert.match((await stage.sealward('uninstall')).stdout, /Nothing of Sealward was in sealward-system/);
    const gone = await stage.sealward('status');
    assert.notEqual(gone.code, 0);
    assert.match(gone.stderr, /ERR_OBJECT_NOT_FOUND/);
  });

  test(`kubectl applies what manifests prints, and the files of deploy/manifests, and the API server holds what was meant: ${kind.name}`, {
    skip,
  }, async (t) => {
    const stage = await scene(t, kind);
    const given = {
      image: { repository: 'registry.example/sealward' },
      trust: { from: 'https://trust.example', root: '{}' },
      cluster: 'off',
      podAnnotations: Object.fromEntries(ODD_TEXTS.map((odd, at) => [`z${at}`, odd])),
      podLabels: { on: 'y' },
      extraEnv: ODD_TEXTS.map((odd, at) => ({ name: `Z${at}`, value: odd })),
      controller: { canary: { namespace: '0777', images: [{ name: 'no', image: 'registry.example/canary:1' }] } },
    };
    const printed = await stage.sealward('manifests', '--values', stage.workshop.file('values.yaml', JSON.stringify(given)));
    assert.equal(printed.code, 0, printed.stderr);
    const kinds = parseAllDocuments(printed.stdout).map((document) => (document.toJS() as { kind: string }).kind);
    assert.equal(kinds[0], 'Namespace');
    assert.deepEqual(kinds.slice(-2), ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']);
    await kubectl(
      stage,
      'apply',
      '--validate=false',
      '-f',
      stage.workshop.file('canary.yaml', 'apiVersion: v1\nkind: Namespace\nmetadata: { name: "0777" }\n'),
    );
    await kubectl(stage, 'apply', '--validate=false', '-f', stage.workshop.file('printed.yaml', printed.stdout));
    const again = await kubectl(stage, 'apply', '--validate=false', '-f', stage.workshop.path('printed.yaml'));
    assert.doesNotMatch(again, / created/);
    await assertApplied(stage, objectsFor(NAMESPACE, given));

    const folder = join(repositoryRoot, 'deploy', 'manifests');
    assert.match(await kubectl(stage, 'apply', '--validate=false', '-f', folder), /statefulset\.apps\/sealward configured/);
    const files = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
    const meant = files.flatMap((text) => parseAllDocuments(text).flatMap((document) => (document.contents ? [document.toJS() as JsonObject] : [])));
    assert.equal(meant.length, (await kubectl(stage, 'apply', '--validate=false', '-f', folder, '-o', 'name')).trim().split('\n').length);
    await assertApplied(stage, meant);
    await assertApplied(stage, [imagePolicyDefinition()]);
  });

  test(`with a key the image is verified before anything is made, and runs by the digest that was: ${kind.name}`, async (t) => {
    const stage = await scene(t, kind);
    const registry = await MemoryRegistry.start();
    t.after(() => registry.close());
    const keys = await stage.workshop.keys();
    const image = await pushImage(registry.host, 'sealward');
    const [repository = '', tag = ''] = image.tagged.split(/:(?=[^:/]+$)/);
    const set = ['--set', `image.repository=${repository}`, '--set', `image.tag=${tag}`, '--set', 'trust.from=https://trust.example'];
    const unsigned = await stage.sealward('install', ...set, '--key', keys.pub);
    assert.equal(unsigned.code, 1, unsigned.stderr);
    assert.match(unsigned.stderr, /rejected: NO_SIGNATURE/);
    assert.deepEqual(await stage.cluster.objects('statefulsets.apps'), []);
    assert.equal((await stage.workshop.sign(image.tagged, keys)).code, 0);
    const signed = await stage.sealward('install', ...set, '--key', keys.pub);
    assert.equal(signed.code, 0, signed.stderr);
    const text = JSON.stringify(await stage.cluster.objects('statefulsets.apps'));
    assert.ok(text.includes(`"image":"${image.tagged}@sha256:`), text.slice(0, 400));
  });
}

test('what is wrong with the values, the files and the words is said before anything is asked', async (t) => {
  const cluster = await ClusterServer.start();
  const stage = await scene(t, { name: '', start: async () => Object.assign(cluster, { serve: () => undefined, account: () => '' }) });
  cluster.forget();
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['install', '--set', 'trust.from=https://trust.example'], /image\.repository is missing/],
    [['install', '--set', 'image.repository=a.example/b'], /trust\.from is missing/],
    [['install', '--set', 'unknown=1'], /the chart has no value "unknown"/],
    [['install', '--set', 'nothing'], /is not PATH=VALUE/],
    [['install', '--values', 'missing.yaml'], /"missing\.yaml" cannot be read: ENOENT/],
    [['manifests', '--values', stage.workshop.file('list.yaml', '- a')], /is no map of values/],
    [['dance'], /cannot "dance"/],
  ];
  for (const [args, expected] of cases) {
    const { code, stderr } = await stage.sealward(...args);
    assert.equal(code, 2, stderr);
    assert.match(stderr, expected);
  }
  assert.deepEqual(
    cluster.journal.filter(({ method }) => method !== 'GET'),
    [],
  );
});
