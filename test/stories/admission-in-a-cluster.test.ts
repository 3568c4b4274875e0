/** What people see who use kubectl in a cluster that asks Sealward: the configurations that are deployed, an API server of tests, the webhook as a process. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import type { JsonObject } from '../../src/core/encoding/index.ts';
import { CLUSTERS, type TestCluster } from '../clusters.ts';
import { type Kubectl, kubectlFor, requireKubectl } from '../kubectl.ts';
import { repositoryRoot } from '../vectors.ts';
import { WebhookProcess } from '../webhook-process.ts';
import { openTrustedShop, type TrustedShop } from './trusted-shop.ts';
import { Workshop } from './workshop.ts';

const NAMESPACE = 'sealward-system';
const CONFIGURATIONS = [
  ['validating', 'validate'],
  ['mutating', 'mutate'],
] as const;

for (const { name: kind, start } of CLUSTERS) {
  describe(`kubectl in a cluster that asks: ${kind}`, () => {
    const workshop = new Workshop();
    let shop: TrustedShop;
    let cluster: TestCluster;
    let webhook: WebhookProcess;

    before(async () => {
      [shop, cluster] = [await openTrustedShop(workshop), await start()];
      for (const name of [NAMESPACE, 'shop', 'strict'])
        await cluster.request('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
      const crd = parse(readFileSync(join(repositoryRoot, 'deploy/chart/sealward/crds/imagepolicies.yaml'), 'utf8')) as JsonObject;
      assert.equal((await cluster.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crd)).status, 201);
      workshop.file(
        'admission.yaml',
        `listen: 127.0.0.1:0
operations: 127.0.0.1:0
tls: { selfMade: { secret: ${NAMESPACE}/sealward-authority, names: [sealward.${NAMESPACE}.svc], configurations: [sealward] } }
caller: { proof: path-secret }
trust: { from: published, memory: memory, every: 1s }
evidence: evidence
decisions: { folder: decisions, mode: strict }
watch: { namespaceLabels: true, namespacedPolicies: true }
exemptNamespaces: [${NAMESPACE}, kube-system]
drain: 0s
`,
      );
      for (const document of parseAllDocuments(readFileSync(join(repositoryRoot, 'deploy/manifests/3-webhooks.yaml'), 'utf8'))) {
        const object = document.toJS() as JsonObject | null;
        const [, kind] = /^(\w+)WebhookConfiguration$/.exec(typeof object?.['kind'] === 'string' ? object['kind'] : '') ?? [];
        if (!object || kind === undefined) continue;
        const { status } = await cluster.request('POST', `/apis/admissionregistration.k8s.io/v1/${kind.toLowerCase()}webhookconfigurations`, object);
        assert.equal(status, 201);
      }
      const kubeconfig = workshop.file('kubeconfig', cluster.kubeconfig());
      webhook = new WebhookProcess(workshop.path('admission.yaml'), { ...workshop.environment, KUBECONFIG: kubeconfig });
      const { port } = await webhook.ready();
      await cluster.serve(`${NAMESPACE}/sealward`, `127.0.0.1:${port}`);
      await webhook.line(({ msg }) => msg === 'trust moved');
    });
    after(async () => {
      await webhook.stop('SIGKILL');
      await Promise.all([cluster.close(), shop.registry.stop()]);
      workshop.remove();
    });

    function kubectlIn(t: TestContext): Kubectl | undefined {
      return requireKubectl(t) ? kubectlFor(t, cluster) : undefined;
    }
    const stored = async (name: string, namespace = 'shop'): Promise<JsonObject | undefined> =>
      (await cluster.objects('pods', namespace)).find(({ metadata }) => (metadata as JsonObject)['name'] === name);
    const imageOf = async (name: string, namespace?: string): Promise<unknown> =>
      ((await stored(name, namespace))?.['spec'] as { containers: { image: string }[] } | undefined)?.containers[0]?.image;
    const deployment = (name: string, image: string): string =>
      JSON.stringify({
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name, namespace: 'shop' },
        spec: {
          replicas: 1,
          selector: { matchLabels: { app: name } },
          template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'app', image }] } },
        },
      });

    it('the configurations that are deployed are told of the authority and of the path by the webhook itself', async () => {
      for (const [kind, path] of CONFIGURATIONS) {
        const [found = assert.fail('it is not there')] = await cluster.objects(`${kind}webhookconfigurations.admissionregistration.k8s.io`);
        for (const { clientConfig } of found['webhooks'] as { clientConfig: { caBundle?: string; service: { path: string } } }[]) {
          assert.match(Buffer.from(clientConfig.caBundle ?? '', 'base64').toString(), /^-----BEGIN CERTIFICATE-----/);
          assert.match(clientConfig.service.path, new RegExp(`^/[0-9a-f]{64}/${path}$`));
        }
      }
      assert.deepEqual(
        webhook.lines.filter(({ code }) => code === 'ERR_WEBHOOK_UNREACHABLE'),
        [],
        'and so it can be asked',
      );
    });

    it('a signed image runs, by the digest that was judged; an unsigned one is refused in a sentence', async (t) => {
      const kubectl = kubectlIn(t);
      if (!kubectl) return;
      const yes = await kubectl(['run', 'web', '-n', 'shop', '--image', shop.images.signed.tagged]);
      assert.equal(yes.code, 0, yes.stderr);
      assert.equal(await imageOf('web'), `${shop.images.signed.tagged}@${shop.images.signed.byDigest.split('@')[1]}`);
      const no = await kubectl(['run', 'bad', '-n', 'shop', '--image', shop.images.unsigned.tagged]);
      assert.equal(no.code, 1);
      assert.match(no.stderr, /^Error from server \(Forbidden\): admission webhook "pods\.sealward\.dev" denied the request: .*shop/m);
      assert.equal(await stored('bad'), undefined);
    });

    it('a dry run says the same, and keeps nothing', async (t) => {
      const kubectl = kubectlIn(t);
      if (!kubectl) return;
      const dry = (name: string, image: string): ReturnType<Kubectl> =>
        kubectl(['run', name, '-n', 'shop', '--image', image, '--dry-run=server', '-o', 'yaml']);
      const yes = await dry('dry', shop.images.signed.tagged);
      assert.deepEqual([yes.code, yes.stdout.includes('@sha256:')], [0, true], yes.stderr);
      assert.match((await dry('dry', shop.images.unsigned.tagged)).stderr, /denied the request/);
      assert.equal(await stored('dry'), undefined);
    });

    it('a Deployment is refused early, and one that may run keeps its tag', async (t) => {
      const kubectl = kubectlIn(t);
      if (!kubectl) return;
      const no = await kubectl(['apply', '-f', '-'], deployment('bad', shop.images.unsigned.tagged));
      assert.match(no.stderr, /"templates\.sealward\.dev" denied the request/);
      const yes = await kubectl(['apply', '-f', '-'], deployment('good', shop.images.signed.tagged));
      assert.equal(yes.code, 0, yes.stderr);
      const [kept = assert.fail('it was not kept')] = await cluster.objects('deployments.apps', 'shop');
      assert.equal(
        ((kept['spec'] as JsonObject)['template'] as { spec: { containers: { image: string }[] } }).spec.containers[0]?.image,
        shop.images.signed.tagged,
      );
      assert.equal((await kubectl(['scale', 'deployment', 'good', '-n', 'shop', '--replicas=2'])).code, 0);
    });

    it('a debug container counts, labels do not, and a deletion is never asked about', async (t) => {
      const kubectl = kubectlIn(t);
      if (!kubectl) return;
      const debug = (image: string): ReturnType<Kubectl> => kubectl(['debug', 'web', '-n', 'shop', '--image', image, '--target', 'web', '--', 'true']);
      assert.match((await debug(shop.images.unsigned.byDigest)).stderr, /"pods\.sealward\.dev" denied the request/);
      assert.equal((await kubectl(['label', 'pod', 'web', '-n', 'shop', 'a=b'])).code, 0);
      assert.equal((await kubectl(['delete', 'pod', 'web', '-n', 'shop', '--wait=false'])).code, 0);
    });

    it('an ImagePolicy of a namespace asks for more there, and nowhere else', async (t) => {
      const kubectl = kubectlIn(t);
      if (!kubectl) return;
      const more = {
        apiVersion: 'sealward.dev/v1alpha1',
        kind: 'ImagePolicy',
        metadata: { name: 'none', namespace: 'strict' },
        spec: { refuse: 'this namespace is closed' },
      };
      assert.equal((await kubectl(['apply', '-f', '-'], JSON.stringify(more))).code, 0);
      const before = webhook.lines.filter(({ msg }) => msg === 'trust moved').length;
      if (before < 2) await webhook.line(() => webhook.lines.filter(({ msg }) => msg === 'trust moved').length > 1);
      assert.match(
        (await kubectl(['run', 'a', '-n', 'strict', '--image', shop.images.signed.tagged])).stderr,
        /denied the request: .*this namespace is closed/,
      );
      assert.equal((await kubectl(['run', 'a', '-n', 'shop', '--image', shop.images.signed.tagged])).code, 0);
    });

    it('an exempt namespace is never asked about, so that the cluster can mend itself', async (t) => {
      const kubectl = kubectlIn(t);
      if (!kubectl) return;
      assert.equal((await kubectl(['run', 'dns', '-n', 'kube-system', '--image', shop.images.unsigned.tagged])).code, 0);
    });

    it('without the webhook nothing new starts', async (t) => {
      const kubectl = kubectlIn(t);
      if (!kubectl) return;
      assert.equal(await webhook.stop(), 0);
      const no = await kubectl(['run', 'late', '-n', 'shop', '--image', shop.images.signed.tagged]);
      assert.match(no.stderr, /failed calling webhook "pin\.sealward\.dev"/);
      assert.equal(await stored('late'), undefined);
      assert.equal((await kubectl(['delete', 'pod', 'a', '-n', 'shop', '--wait=false'])).code, 0);
    });
  });
}
