/** A node asks before it pulls, as containerd does: the program is started with containerd's words, its exit code and its line are the answer. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../vectors.ts';
import { atWork } from './on-every-registry.ts';
import { quickKeyFile } from './quick-key-file.ts';
import { pushImage, startMemoryRegistry } from './registries.ts';
import { PASSWORD, type Ran, type Workshop } from './workshop.ts';

const MAIN = join(repositoryRoot, 'src/apps/node-verifier/main.ts');
const TYPE = 'application/vnd.oci.descriptor.v1+json';

/** As io.containerd.image-verifier.v1.bindir does: flags, a descriptor on stdin, no environment but its own. */
function ask(workshop: Workshop, name: string, digest: string, more: readonly string[] = [], config = 'node-verifier.yaml'): Promise<Ran> {
  const descriptor = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: 1000 };
  return new Promise((resolve) => {
    const env = { SEALWARD_NODE_CONFIG: workshop.path(config) };
    const child = execFile(
      process.execPath,
      [MAIN, '-name', name, '-digest', digest, '-stdin-media-type', TYPE, ...more],
      { env, timeout: 60_000 },
      (error, stdout, stderr) => resolve({ code: error ? (typeof error.code === 'number' ? error.code : -1) : 0, stdout, stderr }),
    );
    child.stdin?.end(`${JSON.stringify(descriptor)}\n`);
  });
}

atWork('a node pulls what is signed, and nothing else, also when the registry is gone', ['cosign3'], async (t, workshop) => {
  const registry = await startMemoryRegistry();
  let stopped = false;
  const stop = async (): Promise<void> => {
    if (!stopped) await registry.stop();
    stopped = true;
  };
  t.after(stop);
  const keys = await workshop.keys();
  const [cosigned, ours, unsigned] = [
    await pushImage(registry.host, 'node/cosigned'),
    await pushImage(registry.host, 'node/ours'),
    await pushImage(registry.host, 'node/unsigned'),
  ];
  await workshop.cosign3Sign(cosigned.byDigest, keys);
  assert.equal((await workshop.sign(ours.tagged, keys)).code, 0);

  const does = async (...args: readonly string[]): Promise<void> => {
    const { code, stderr } = await workshop.sealward(['trust', ...args, '--folder', workshop.path('trust')]);
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
  };
  for (const name of ['alice', 'bob', 'online']) {
    const { key, pub } = quickKeyFile('ecdsa-p256', PASSWORD);
    workshop.file(`${name}.key`, key);
    workshop.file(`${name}.pub`, pub);
  }
  const [alice, bob, online] = ['alice', 'bob', 'online'].map((name) => workshop.path(`${name}.key`)) as [string, string, string];
  const published = workshop.path('published');
  const signers = ['alice', 'bob'].flatMap((name) => ['--signer', `${name}=${workshop.path(`${name}.pub`)}`]);
  await does('init', ...signers, '--online-key', workshop.path('online.pub'), '--key', alice);
  await does('key', 'add', 'release', '--public-key', keys.pub, '--key', alice);
  const policy = workshop.file(
    'signed.yaml',
    `apiVersion: sealward.dev/v1alpha1
kind: ImagePolicy
metadata: { name: signed }
spec:
  match: { images: ["${registry.host}/node/*"] }
  authorities: [{ name: release, key: { trustKey: release } }]
  signatures: release
`,
  );
  await does('policy', 'add', policy, '--key', alice);
  await does('sign', '--key', bob);
  await does('publish', published, '--key', online);

  workshop.file('node-verifier.yaml', `trust: { from: ${published}, memory: memory }\nevidence: evidence\nrecords: { folder: records }\n`);
  const digestOf = ({ byDigest }: { readonly byDigest: string }): string => byDigest.slice(byDigest.indexOf('@') + 1);

  for (const image of [cosigned, ours]) {
    const answer = await ask(workshop, image.tagged, digestOf(image));
    assert.deepEqual([answer.code, answer.stdout.split('\n').length], [0, 2], answer.stdout + answer.stderr);
  }
  const refused = await ask(workshop, unsigned.tagged, digestOf(unsigned));
  assert.equal(refused.code, 1);
  assert.match(refused.stdout, /may not run by the policy signed: .* \(NO_SIGNATURE\)\n$/);
  assert.equal(readdirSync(workshop.path('records')).length, 3);

  // Another digest than the descriptor's, words that containerd does not say, no configuration: never a yes.
  assert.equal((await ask(workshop, cosigned.tagged, digestOf(cosigned), ['-more', 'x'])).code, 2);
  assert.equal((await ask(workshop, `${cosigned.tagged}@${digestOf(ours)}`, digestOf(cosigned))).code, 2);
  const unconfigured = await ask(workshop, cosigned.tagged, digestOf(cosigned), [], 'none.yaml');
  assert.equal(unconfigured.code, 2);
  assert.match(unconfigured.stdout, /ERR_FILE_UNREADABLE/);

  await stop();
  assert.equal((await ask(workshop, cosigned.tagged, digestOf(cosigned))).code, 0, 'held');
  const unknown = await ask(workshop, `${registry.host}/node/new:v1`, `sha256:${'5'.repeat(64)}`);
  assert.deepEqual([unknown.code, /NO_SIGNATURE/.test(unknown.stdout)], [4, false], unknown.stdout);

  await does('key', 'revoke', 'release/1', '--reason', 'laptop stolen', '--key', bob);
  await does('publish', published, '--key', online);
  const revoked = await ask(workshop, cosigned.tagged, digestOf(cosigned));
  // The policy asks for no other key, so that there is nothing to ask the registry for.
  assert.equal(revoked.code, 1, revoked.stdout);
  assert.match(revoked.stdout, /release\/1 is compromised \(laptop stolen\)/);
});
