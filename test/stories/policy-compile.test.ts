/** Policies compiled for what else asks before an image runs: skopeo reads what CRI-O and podman read, and agrees with us. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, describe, it, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { requirePeers } from '../peers.ts';
import { pushImage, startMemoryRegistry, type StoryRegistry } from './registries.ts';
import { type KeyFiles, Workshop } from './workshop.ts';

type Name = 'both' | 'half' | 'unsigned' | 'other';

describe('policies for CRI-O, podman and skopeo', () => {
  const workshop = new Workshop();
  const images = {} as Record<Name, { readonly tagged: string; readonly byDigest: string }>;
  let registry: StoryRegistry;
  let signers: readonly [KeyFiles, KeyFiles, KeyFiles];

  const policy = (more = '', count = 2): string => `apiVersion: sealward.dev/v1alpha1
kind: ImagePolicy
metadata: { name: shop }
spec:
  match: { images: ["${registry.host}/shop/**"] }
  authorities:
    - { name: maria, key: { file: ${signers[0].pub} } }
    - { name: jan, key: { file: ${signers[1].pub} } }
    - { name: eve, key: { file: ${signers[2].pub} } }
  signatures: { atLeast: ${count}, of: [maria, jan, eve] }
${more}`;

  before(async () => {
    registry = await startMemoryRegistry();
    signers = await Promise.all([workshop.keys(), workshop.keys('ed25519'), workshop.keys('rsa3072')]);
    for (const name of ['both', 'half', 'unsigned', 'other'] as const)
      images[name] = await pushImage(registry.host, `${name === 'other' ? 'other' : 'shop'}/${name}`);
    const [maria, jan, eve] = signers;
    const sign = async (image: string, ...by: KeyFiles[]): Promise<void> => {
      for (const keys of by) {
        const { code, stderr } = await workshop.sign(image, keys, '--signature-format', 'legacy');
        assert.equal(code, 0, stderr);
      }
    };
    await sign(images.both.byDigest, maria, eve);
    await sign(images.half.byDigest, jan);
    await sign(images.other.byDigest, maria, jan, eve);
  });
  after(async () => {
    await registry.stop();
    workshop.remove();
  });

  /** Whether skopeo takes an image under the policy.json in a folder, and what it says otherwise. */
  async function skopeo(folder: string, image: string): Promise<{ readonly taken: boolean; readonly says: string }> {
    const settings = ['--policy', workshop.path(`${folder}/policy.json`), '--registries.d', workshop.path(`${folder}/registries.d`)];
    const { code, stderr } = await workshop.run('skopeo', [
      ...settings,
      'copy',
      '--src-tls-verify=false',
      `docker://${image}`,
      `dir:${workshop.path('copied')}`,
    ]);
    return { taken: code === 0, says: stderr };
  }

  async function compile(folder: string, text: string, ...more: string[]): Promise<string> {
    const file = workshop.file(`${folder}.yaml`, text);
    const { code, stdout, stderr } = await workshop.sealward([
      'policy',
      'compile',
      '-o',
      'text',
      '--to',
      'containers-policy',
      '--out',
      workshop.path(folder),
      ...more,
      file,
    ]);
    assert.equal(code, 0, stdout + stderr);
    return stdout;
  }

  it('are taken by skopeo, which lets in what the policies let in and nothing else', async (t) => {
    if (!requirePeers(t, 'skopeo')) return;
    const said = await compile('two', policy());
    assert.match(said, /shop: signatures: mapped$/m);
    assert.match(said, /written: .*two\/policy\.json, .*two\/registries\.d\/sealward\.yaml; 0 of \d+ parts could not be carried over/);
    await compile('one', policy('', 1));
    const answers: Record<string, readonly [ours: boolean, theirs: boolean]> = {};
    for (const folder of ['two', 'one'])
      for (const [name, { tagged }] of Object.entries(images)) {
        const ours = await workshop.sealward(['verify', '--policy', workshop.path(`${folder}.yaml`), tagged]);
        const { taken, says } = await skopeo(folder, tagged);
        answers[`${folder} ${name}`] = [ours.code === 0, taken];
        if (!taken) assert.match(says, /rejected by policy|[Ss]ignature|not signed|invalid/, says);
      }
    assert.deepEqual(answers, {
      'two both': [true, true],
      'two half': [false, false],
      'two unsigned': [false, false],
      'two other': [false, false],
      'one both': [true, true],
      'one half': [true, true],
      'one unsigned': [false, false],
      'one other': [false, false],
    });
  });

  it('count every signature that stands beside one payload', async () => {
    const file = workshop.file('payload.yaml', policy());
    const explained = await workshop.sealward(['policy', 'explain', '-o', 'text', '--policy', file, images.both.tagged]);
    assert.equal(explained.code, 0, explained.stdout);
    assert.deepEqual([...explained.stdout.matchAll(/counts .* in sig-tag, .* as (\w+) /g)].map(([, name = '']) => name).sort(), ['eve', 'maria']);
  });

  it('of one repository take what was signed for it', async (t) => {
    if (!requirePeers(t, 'skopeo')) return;
    const repository = images.both.tagged.replace(/:[^:]*$/, '');
    await compile('alone', policy().replace(/images: \[.*\]/, `images: ["${repository}"]`));
    assert.equal((await skopeo('alone', images.both.tagged)).taken, true);
    assert.equal((await skopeo('alone', images.half.tagged)).taken, false);
  });

  it('of which something cannot be said reject the images, and with --strict fail', async (t) => {
    if (!requirePeers(t, 'skopeo')) return;
    const attested = policy('  attestations: [{ type: slsaprovenance1, from: [maria] }]\n');
    assert.match(await compile('lost', attested), /lost\.yaml:1 shop: not mapped: the attestation .* cannot be asked for: its images are rejected/);
    const { taken, says } = await skopeo('lost', images.both.tagged);
    assert.deepEqual([taken, /rejected by policy/.test(says)], [false, true], says);
    const strict = ['policy', 'compile', '--strict', '--to', 'containers-policy', '--out', workshop.path('lost'), workshop.path('lost.yaml')];
    assert.equal((await workshop.sealward(strict)).code, 1);
  });

  it('come back through the importer as what they were', async () => {
    await compile('back', policy('', 3));
    const imported = await workshop.sealward(['policy', 'import', '-o', 'text', workshop.path('back/policy.json')]);
    assert.equal(imported.code, 0, imported.stderr);
    const file = workshop.file('imported.yaml', imported.stdout);
    for (const image of [images.both.tagged, images.half.tagged, images.unsigned.tagged])
      assert.notEqual((await workshop.sealward(['verify', '--policy', file, image])).code, 0, 'three must have signed');
    await compile('back', policy('', 2));
    assert.match(readFileSync(workshop.path('back/policy.json'), 'utf8'), /"keyDatas"/);
  });

  it('are refused whole when they cannot be understood, and nothing is written', async () => {
    const file = workshop.file('broken.yaml', policy().replace('signatures', 'sginatures'));
    const { code, stdout } = await workshop.sealward(['policy', 'compile', '-o', 'text', '--to', 'containers-policy', '--out', workshop.path('none'), file]);
    assert.deepEqual([code, existsSync(workshop.path('none'))], [2, false]);
    assert.match(stdout, /broken\.yaml:10:3 error "sginatures" is not known here/);
  });

  it('take no flag without effect', async () => {
    const file = workshop.file('p.yaml', policy());
    for (const [args, says] of [
      [['policy', 'compile', file], /--to is missing/],
      [['policy', 'compile', '--to', 'containers-policy', file], /--out is missing/],
      [['policy', 'compile', '--to', 'containers-policy', '--out', 'x', '--only-warn', file], /--only-warn says nothing about --to containers-policy/],
      [['policy', 'compile', '--to', 'validating-admission-policy', '--environment', 'e'], /--environment says nothing about --to validating-admission-policy/],
      [['policy', 'compile', '--to', 'validating-admission-policy', file], /takes no policies/],
      [
        ['policy', 'compile', '--to', 'containers-policy', '--out', 'x', '--trust', 't', '--trusted-root', 'r', file],
        /--trust and --trusted-root contradict each other/,
      ],
      [['policy', 'compile', '--to', 'containers-policy', '--out', 'x', '--junit', 'r', file], /--junit is not for `sealward policy compile`/],
    ] as const) {
      const { code, stderr } = await workshop.sealward(args);
      assert.equal(code, 2);
      assert.match(stderr, says);
    }
  });
});

test('what demands digests within the API server goes to stdout, or into a folder', async (t) => {
  const workshop = new Workshop();
  t.after(() => workshop.remove());
  const printed = await workshop.sealward(['policy', 'compile', '--to', 'validating-admission-policy']);
  assert.equal(printed.code, 0, printed.stderr);
  const kinds = parseAllDocuments(printed.stdout).map((one) => (one.toJS() as { kind: string }).kind);
  assert.deepEqual(kinds, ['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding']);
  assert.match(printed.stdout, /- kube-system\n\s+- sealward-system/);
  const out = ['--out', workshop.path('out'), '--exempt-namespace', 'guard', '--only-warn'];
  assert.equal((await workshop.sealward(['policy', 'compile', '--to', 'validating-admission-policy', ...out])).code, 0);
  const written = workshop.read('out/sealward-images-by-digest.yaml');
  assert.match(written, /- guard\n[^]*- Warn\n\s+- Audit/);
  assert.doesNotMatch(written, /kube-system/);
});
