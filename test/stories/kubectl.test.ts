/** kubectl against the API server of src/testing: what works there works in a cluster, and what is refused reads as it does there. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ClusterServer } from '../../src/testing/index.ts';
import { type Kubectl, kubectlFor, requireKubectl } from '../kubectl.ts';
import { startReviewServer } from '../review-server.ts';

async function started(t: TestContext): Promise<{ cluster: ClusterServer; kubectl: Kubectl; does: (args: string, stdin?: string) => Promise<string> }> {
  const cluster = await ClusterServer.start();
  t.after(() => cluster.close());
  const kubectl = kubectlFor(t, cluster);
  const does = async (args: string, stdin?: string): Promise<string> => {
    const { code, stdout, stderr } = await kubectl(args.split(' '), stdin);
    assert.equal(code, 0, `kubectl ${args}: ${stderr}`);
    return stdout.trim();
  };
  return { cluster, kubectl, does };
}

const deployment = (image: string): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: default }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - { name: app, image: "${image}", env: [{ name: A, value: b }] }
        - { name: side, image: "a.example/side:1" }
`;

test('kubectl makes, lists, changes and deletes', async (t) => {
  if (!requireKubectl(t)) return;
  const { does } = await started(t);
  assert.equal(await does('run web --image=a.example/app:1 --labels=app=web'), 'pod/web created');
  assert.equal(await does('get pods -l app=web -o name'), 'pod/web');
  assert.equal(await does('get pods --field-selector=metadata.name!=web -o name'), '');
  assert.equal(await does('label pod web tier=front'), 'pod/web labeled');
  assert.equal(await does('apply -f -', deployment('a.example/app:1')), 'deployment.apps/web created');
  assert.equal(await does('apply -f -', deployment('a.example/app:2')), 'deployment.apps/web configured');
  assert.equal(await does('apply -f -', deployment('a.example/app:2')), 'deployment.apps/web unchanged');
  assert.match(await does('set image deployment/web side=a.example/side:2'), /deployment.apps\/web image updated/);
  const images = '-o jsonpath={.spec.template.spec.containers[*].image}';
  assert.equal(await does(`get deployment web ${images}`), 'a.example/app:2 a.example/side:2', 'containers are merged by name');
  assert.equal(await does('scale deployment/web --replicas=3'), 'deployment.apps/web scaled');
  assert.equal(await does('get deployment web -o jsonpath={.spec.replicas}'), '3');
  assert.equal(await does('delete pod web'), 'pod "web" deleted');
  assert.equal(await does('get pods -o name'), '');
});

const definition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: policyreports.wgpolicyk8s.io }
spec:
  group: wgpolicyk8s.io
  scope: Namespaced
  names: { plural: policyreports, singular: policyreport, kind: PolicyReport, shortNames: [polr] }
  versions:
    - name: v1alpha2
      served: true
      storage: true
      schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } }
`;
const report = 'apiVersion: wgpolicyk8s.io/v1alpha2\nkind: PolicyReport\nmetadata: { name: images, namespace: default }\nsummary: { pass: 1 }\n';

test('a custom kind is served as soon as it is defined', async (t) => {
  if (!requireKubectl(t)) return;
  const { does } = await started(t);
  await does('apply -f -', definition);
  await does('wait --for=condition=Established crd/policyreports.wgpolicyk8s.io --timeout=30s');
  assert.equal(await does('apply --server-side -f -', report), 'policyreport.wgpolicyk8s.io/images serverside-applied');
  assert.equal(await does('get polr images -o jsonpath={.summary.pass}'), '1');
});

test('a webhook denies, warns and pins, and kubectl prints its words', async (t) => {
  if (!requireKubectl(t)) return;
  const { cluster, kubectl, does } = await started(t);
  const webhook = await startReviewServer();
  t.after(() => webhook.close());
  cluster.services.set('guard/webhook', webhook.address);
  const entry = (path: string): string => `
  - name: ${path}.sealward.dev
    admissionReviewVersions: [v1]
    sideEffects: None
    failurePolicy: Fail
    timeoutSeconds: 5
    clientConfig: { caBundle: ${webhook.caBundle}, service: { namespace: guard, name: webhook, path: /${path} } }
    rules: [{ operations: [CREATE, UPDATE], apiGroups: [""], apiVersions: [v1], resources: [pods] }]`;
  const configuration = (kind: string, path: string): string =>
    `apiVersion: admissionregistration.k8s.io/v1\nkind: ${kind}WebhookConfiguration\nmetadata: { name: sealward }\nwebhooks:${entry(path)}\n`;
  await does('apply -f -', `${configuration('Validating', 'judge')}---\n${configuration('Mutating', 'pin')}`);
  webhook.answer = ({ url, request }) => {
    const { name } = (request['object'] as { metadata: { name: string } }).metadata;
    if (url.startsWith('/pin')) {
      const patch = [{ op: 'replace', path: '/spec/containers/0/image', value: `a.example/app:1@sha256:${'0'.repeat(64)}` }];
      return { allowed: true, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') };
    }
    if (name === 'bad') return { allowed: false, status: { code: 403, reason: 'Forbidden', message: 'a.example/app:1 is not signed' } };
    return { allowed: true, warnings: ['this key ends in 3 days – renew it'] };
  };
  const good = await kubectl(['run', 'good', '--image=a.example/app:1']);
  assert.deepEqual([good.code, good.stdout], [0, 'pod/good created\n']);
  assert.match(good.stderr, /Warning: this key ends in 3 days – renew it/);
  assert.equal(await does('get pod good -o jsonpath={.spec.containers[0].image}'), `a.example/app:1@sha256:${'0'.repeat(64)}`);
  const tried = await kubectl(['run', 'tried', '--image=a.example/app:1', '--dry-run=server']);
  assert.deepEqual([tried.code, tried.stdout], [0, 'pod/tried created (server dry run)\n'], tried.stderr);
  assert.equal(webhook.seen.at(-1)?.request['dryRun'], true);
  const bad = await kubectl(['run', 'bad', '--image=a.example/app:1']);
  assert.equal(bad.code, 1);
  assert.match(bad.stderr, /Error from server \(Forbidden\): admission webhook "judge\.sealward\.dev" denied the request: a\.example\/app:1 is not signed/);
  cluster.services.set('guard/webhook', '127.0.0.1:1');
  const down = await kubectl(['run', 'other', '--image=a.example/app:1']);
  assert.match(
    down.stderr,
    /Error from server \(InternalError\): Internal error occurred: failed calling webhook "pin\.sealward\.dev": failed to call webhook: Post "https:/,
  );
  assert.equal(await does('get pods -o name'), 'pod/good');
});

test('a rollout comes to its end, and its Pods are ready', async (t) => {
  if (!requireKubectl(t)) return;
  const cluster = await ClusterServer.start({ workloads: {} });
  t.after(() => cluster.close());
  const kubectl = kubectlFor(t, cluster);
  assert.equal((await kubectl(['apply', '-f', '-'], deployment('a.example/app:1'))).code, 0);
  assert.match((await kubectl(['rollout', 'status', 'deployment/web', '--timeout=30s'])).stdout, /successfully rolled out/);
  assert.equal((await kubectl(['wait', '--for=condition=Ready', 'pod', '-l', 'app=web', '--timeout=30s'])).code, 0);
  const images = await kubectl(['get', 'pods', '-o', 'jsonpath={.items[*].spec.containers[*].image}']);
  assert.equal(images.stdout, 'a.example/app:1 a.example/side:1');
});
