/** What `policy compile --to validating-admission-policy` writes, in a real API server: its CEL is evaluated by nobody else. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { kubectlFor, requireKubectl } from '../kubectl.ts';
import { kubeBin, RealCluster } from '../real-cluster.ts';
import { Workshop } from './workshop.ts';

const skip = kubeBin === undefined ? 'SEALWARD_KUBE_BIN names no folder with kube-apiserver and etcd (tools/build-kube-apiserver)' : false;
const DIGEST = `sha256:${'a'.repeat(64)}`;

/** For each place in a Pod that names an image one with this one there. */
function pods(image: string): Readonly<Record<string, object>> {
  const fine = { containers: [{ name: 'app', image: `registry.example/other@${DIGEST}` }] };
  const specs = {
    container: { containers: [{ name: 'app', image }] },
    'init container': { ...fine, initContainers: [{ name: 'init', image }] },
    'image volume': { ...fine, volumes: [{ name: 'v', image: { reference: image } }] },
  };
  return Object.fromEntries(
    Object.entries(specs).map(([place, spec]) => [place, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace: 'default' }, spec }]),
  );
}

const DEPLOYMENT = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'a', namespace: 'default' },
  spec: {
    selector: { matchLabels: { app: 'a' } },
    template: { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'app', image: 'registry.example/app:1' }] } },
  },
};

describe('digests demanded by the API server itself', { skip }, () => {
  it('in each place where a Pod names an image; templates keep their tags, which are pinned in the Pods', async (t) => {
    if (!requireKubectl(t)) return;
    const [workshop, cluster] = [new Workshop(), await RealCluster.start()];
    t.after(async () => {
      await cluster.close();
      workshop.remove();
    });
    const kubectl = kubectlFor(t, cluster);
    const compiled = await workshop.sealward(['policy', 'compile', '--to', 'validating-admission-policy']);
    const applied = await kubectl(['apply', '-f', '-'], compiled.stdout);
    assert.equal(applied.code, 0, applied.stderr);
    const dry = (manifest: object): ReturnType<typeof kubectl> => kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(manifest));
    const [tagged, pinned] = [pods('registry.example/app:1'), pods(`registry.example/app:1@${DIGEST}`)];
    // A policy is in force some time after it is there, and the API server says nowhere when.
    for (let tries = 0; (await dry(tagged['container'] ?? {})).code === 0; tries++) {
      assert.ok(tries < 100, 'the policy never came into force');
      await sleep(200);
    }
    for (const [what, manifest] of Object.entries(tagged)) {
      const { code, stderr } = await dry(manifest);
      assert.equal(code, 1, `${what} without a digest`);
      assert.match(stderr, /ValidatingAdmissionPolicy 'sealward-images-by-digest' with binding '[^']+' denied request: .*digest/, what);
    }
    for (const [what, manifest] of Object.entries(pinned)) {
      const { code, stderr } = await dry(manifest);
      assert.equal(code, 0, `${what} with a digest: ${stderr}`);
    }
    assert.equal((await dry(DEPLOYMENT)).code, 0);
    for (const image of [`registry.example/app@sha256:${'a'.repeat(63)}`, `registry.example/app@${DIGEST}b`, DIGEST, `app@${DIGEST}\n`])
      assert.equal((await dry(pods(image)['container'] ?? {})).code, 1, image);
    assert.equal((await kubectl(['create', '-f', '-'], JSON.stringify(pinned['container']))).code, 0);
    const debug = await kubectl(['debug', 'a', '--image', 'registry.example/tools:1', '--', 'true']);
    assert.match(debug.stderr, /denied request: .*digest/);
    assert.equal((await kubectl(['debug', 'a', '--image', `registry.example/tools@${DIGEST}`, '--', 'true'])).code, 0);
    assert.equal((await kubectl(['label', 'pod', 'a', 'x=y'])).code, 0);
    const elsewhere = { ...tagged['container'], metadata: { name: 'dns', namespace: 'kube-system' } };
    assert.equal((await dry(elsewhere)).code, 0, 'the exempt namespace');
  });
});
