/** A node pulls through a real containerd, as its kubelet asks it to, and the program of `npm run build` is asked before. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { Containerd, type ContainerdOptions, requireContainerd } from '../containerd.ts';
import { repositoryRoot } from '../vectors.ts';
import { openTrustedShop, type TrustedShop } from './trusted-shop.ts';
import { Workshop } from './workshop.ts';

const VERIFIER = 'sealward-node-verifier.cjs';
let built: Promise<Uint8Array> | undefined;

/** The program of `npm run build`, which is built once. */
function verifierProgram(): Promise<Uint8Array> {
  return (built ??= buildVerifier());
}

async function buildVerifier(): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-built-'));
  try {
    await promisify(execFile)(process.execPath, [join(repositoryRoot, 'tools/build.mjs'), folder]);
    return readFileSync(join(folder, 'bin', VERIFIER));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Node {
  readonly shop: TrustedShop;
  readonly workshop: Workshop;
  readonly containerd: Containerd;
}

/** The node of docs/how-to/guard-a-node.md; `more` is of the verifier's configuration. */
async function aNode(t: TestContext, options: Partial<ContainerdOptions> = {}, more = ''): Promise<Node> {
  const workshop = new Workshop();
  t.after(() => workshop.remove());
  const shop = await openTrustedShop(workshop);
  t.after(() => shop.registry.stop());
  const config = workshop.file('node.yaml', `trust: { from: published, memory: memory }\nevidence: evidence\nrecords: { folder: records }\n${more}`);
  const environment = { PATH: `${dirname(process.execPath)}:${process.env['PATH']}`, SEALWARD_NODE_CONFIG: config };
  const containerd = await Containerd.start({ perVerifierTimeout: '30s', environment, ...options });
  t.after(() => containerd.stop());
  containerd.verifier(VERIFIER, await verifierProgram());
  return { shop, workshop, containerd };
}

test('containerd pulls what is signed, and tells the kubelet why it does not pull the rest', async (t) => {
  if (!requireContainerd(t)) return;
  const { shop, workshop, containerd } = await aNode(t);
  for (const image of [shop.images.signed.tagged, shop.images.signed.byDigest]) assert.deepEqual(await containerd.pull(image), { status: 0, message: '' });
  const refused = await containerd.pull(shop.images.unsigned.tagged);
  assert.notEqual(refused.status, 0);
  assert.match(refused.message, /image verifier bindir blocked pull .* rejected image \(exit code 1\): .*may not run by the policy shop: .* \(NO_SIGNATURE\)$/);
  assert.equal(readdirSync(workshop.path('records')).length, 3, 'each pull is a decision');

  await shop.trust('key', 'revoke', 'release/1', '--reason', 'laptop stolen');
  await shop.trust('publish', workshop.path('published'));
  assert.match((await containerd.pull(shop.images.signed.tagged)).message, /exit code 1\): .*release\/1 is compromised \(laptop stolen\)/);
});

test('containerd lets nothing in by accident: a verifier that is late, killed, unconfigured, loud or no program', async (t) => {
  if (!requireContainerd(t)) return;
  const { shop, containerd, workshop } = await aNode(t, { perVerifierTimeout: '3s' });
  const { signed } = shop.images;
  const config = workshop.path('node.yaml');
  const whole = workshop.read('node.yaml');

  workshop.file('node.yaml', '');
  assert.match((await containerd.pull(signed.tagged)).message, /exit code 2\): .*\(ERR_CONFIG_INVALID\)$/);

  // A place of trust that never answers: the verifier's own deadline comes first, or containerd's does.
  const silent = createServer();
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.after(() => silent.close());
  const nowhere = `http://127.0.0.1:${(silent.address() as { port: number }).port}/`;
  const waiting = `trust: { from: '${nowhere}', root: published/1.root.json }\nevidence: elsewhere\nregistries: { http: allow }\n`;
  workshop.file('node.yaml', `${waiting}timeout: 1s\ntrustTimeout: 900ms\n`);
  const inTime = await containerd.pull(signed.tagged);
  assert.match(inTime.message, /exit code 4\): .*\(ERR_TRUST_MISSING\)$/);
  workshop.file('node.yaml', `${waiting}timeout: 60s\ntrustTimeout: 60s\n`);
  const late = await containerd.pull(signed.tagged);
  assert.match(late.message, /image verifier bindir returned error: .* signal: killed$/);

  workshop.file('node.yaml', whole);
  assert.equal((await containerd.pull(signed.tagged)).status, 0, config);
  for (const [name, text, said] of [
    ['0-dies', '#!/bin/sh\nkill -9 $$\n', /signal: killed/],
    ['0-nothing', 'no program', /exec format error/],
    ['0-loud', `#!/bin/sh\nhead -c 100000 /dev/zero | tr '\\0' x\nexit 1\n`, /\(stdout truncated\)/],
  ] as const) {
    containerd.verifier(name, text);
    assert.match((await containerd.pull(signed.tagged)).message, said, name);
    containerd.verifier(name, '#!/bin/sh\n');
  }
  assert.equal((await containerd.pull(signed.tagged)).status, 0);
});

test('containerd does not ask when it pulls by itself, which one setting is enough for: what the how-to warns of', async (t) => {
  if (!requireContainerd(t)) return;
  const { shop, workshop, containerd } = await aNode(t, { images: 'max_concurrent_downloads = 5' });
  assert.equal((await containerd.pull(shop.images.unsigned.tagged)).status, 0);
  assert.throws(() => readdirSync(workshop.path('records')), { code: 'ENOENT' }, 'nobody was asked');
});
