/** The signing commands as people type them: what is missing, mistyped or not there is said in a sentence, and nothing is published. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { commands } from '../../src/apps/cli/table/index.ts';
import { buildImage, gate, MemoryRegistry } from '../../src/testing/index.ts';
import { repositoryRoot } from '../vectors.ts';
import { type PushedImage, plainClient, pushImage } from './registries.ts';
import { type KeyFiles, Workshop } from './workshop.ts';

interface Scene {
  readonly workshop: Workshop;
  readonly registry: MemoryRegistry;
  readonly image: PushedImage;
  readonly keys: KeyFiles;
  /** Requests that write. */
  readonly writes: () => number;
}

async function scene(t: TestContext): Promise<Scene> {
  const workshop = new Workshop();
  const registry = await MemoryRegistry.start();
  t.after(async () => {
    workshop.remove();
    await registry.close();
  });
  const image = await pushImage(registry.host, 'app');
  const writes = (): number => registry.journal.filter(({ method }) => method !== 'GET' && method !== 'HEAD').length;
  return { workshop, registry, image, keys: await workshop.keys(), writes };
}

const PROVENANCE = { buildDefinition: { buildType: 'https://ci.example', externalParameters: {} }, runDetails: { builder: { id: 'https://ci.example' } } };

test('every new command explains itself and names the flag that was meant', async (t) => {
  const { workshop } = await scene(t);
  for (const name of ['attest', 'attest-blob', 'sign-blob', 'resign', 'copy', 'gate', 'import-key-pair', 'login', 'logout', 'trusted-root', 'completion']) {
    for (const args of [
      [name, '--help'],
      ['help', name],
    ]) {
      const { code, stdout, stderr } = await workshop.sealward(args);
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, new RegExp(`^Usage\n {2}sealward ${name} [^]*\nExamples\n`));
    }
    const typo = await workshop.sealward([name, '--verbos']);
    assert.equal(typo.code, 2);
    assert.match(typo.stderr, new RegExp(`unknown flag "--verbos" for \`sealward ${name}\`\n {2}hint: Did you mean --verbose\\?`));
    const mistyped = await workshop.sealward([`${name}x`]);
    assert.match(mistyped.stderr, new RegExp(`unknown command "${name}x"\n {2}hint: Did you mean \`sealward ${name}\``));
  }
});

test('what is missing or contradicts itself is said before anything is asked', async (t) => {
  const { workshop, registry, image, keys, writes } = await scene(t);
  const predicate = workshop.file('predicate.json', JSON.stringify(PROVENANCE));
  const blob = workshop.file('app.tgz', 'an archive');
  const attest = ['attest', '--key', keys.key];
  registry.forget();
  for (const [args, says] of [
    [['attest'], /`sealward attest` needs IMAGE/],
    [['attest', '--type', 'custom', '--predicate', predicate, image.tagged], /`sealward attest` needs --key/],
    [[...attest, image.tagged], /nothing says what is attested/],
    [[...attest, '--predicate', predicate, image.tagged], /--type is missing/],
    [[...attest, '--scan', predicate, '--sbom', predicate, image.tagged], /--scan and --sbom contradict each other/],
    [[...attest, '--type', 'custom', '--predicate', workshop.path('none.json'), image.tagged], /none\.json cannot be read: there is no such file/],
    [[...attest, '--type', 'slsaprovenance1', '--predicate', blob, image.tagged], /ERR_JSON_INVALID/],
    [[...attest, '--type', 'spdxjson', '--predicate', predicate, image.tagged], /ERR_PREDICATE_INVALID/],
    [[...attest, '--scan', predicate, image.tagged], /ERR_PREDICATE_INVALID/],
    [[...attest, '--from-ci', image.tagged], /ERR_CI_ENVIRONMENT/],
    [[...attest, '--no-upload', '--type', 'custom', '--predicate', predicate, image.tagged], /would go nowhere/],
    [[...attest, '--key', keys.key, '--type', 'custom', '--predicate', predicate, image.tagged], /signs with one key, and 2 are given/],
    [['attest', '--key', keys.pub, '--type', 'custom', '--predicate', predicate, image.tagged], /ERR_KEY/],
    [['sign-blob', blob], /`sealward sign-blob` needs --key/],
    [['sign-blob', '--key', keys.key], /`sealward sign-blob` needs FILE/],
    [['sign-blob', '--key', keys.key, workshop.path('none.tgz')], /none\.tgz cannot be read: there is no such file/],
    [['sign-blob', '--key', workshop.path('none.key'), blob], /none\.key/],
    [['attest-blob', '--key', keys.key, blob], /nothing says what is attested/],
    [['attest-blob', '--key', keys.key, '--type', 'cyclonedx', '--predicate', predicate, blob], /ERR_PREDICATE_INVALID/],
    [['resign', image.tagged], /`sealward resign` needs --key/],
    [['copy', image.tagged], /`sealward copy` needs/],
    [['copy', image.tagged, 'not a reference'], /ERR_REFERENCE_INVALID/],
    [['gate', image.tagged], /nothing says who must have signed/],
    [['gate', '--key', keys.pub, '--results', workshop.path('none'), '--insecure-ignore-tlog', image.tagged], /cannot be written/],
    [['sign', '--key', keys.key, '--signature-format', 'newest', image.tagged], /--signature-format is one of bundle, legacy, both/],
    [['completion'], /`sealward completion` needs SHELL/],
    [['completion', 'powershell'], /there is no completion for "powershell"/],
  ] as const) {
    const { code, stdout, stderr } = await workshop.sealward(args);
    assert.equal(code, 2, `${args.join(' ')}: ${stderr}`);
    assert.equal(stdout, '', args.join(' '));
    assert.match(stderr, says);
    assert.match(stderr, /^ {2}hint: /m);
    assert.match(stderr, /^ {2}code: ERR_/m);
  }
  assert.equal(writes(), 0);
});

test('files are signed and attested to through a pipe, and a second run changes nothing that is there', async (t) => {
  const { workshop, keys } = await scene(t);
  workshop.file('app.tgz', 'an archive');
  const sign = async (input: string): Promise<string> => {
    const { child, finished } = workshop.start(['sign-blob', '--key', keys.key, '-']);
    child.stdin.end(input);
    const { code, stdout, stderr } = await finished;
    assert.equal(code, 0, stderr);
    return stdout;
  };
  for (const _ of [1, 2]) {
    workshop.file('app.sigstore.json', await sign('an archive'));
    const verify = ['verify-blob', '--insecure-ignore-tlog', '--key', keys.pub, '--bundle', workshop.path('app.sigstore.json'), workshop.path('app.tgz')];
    assert.equal((await workshop.sealward(verify)).code, 0);
  }
  const att = [
    'attest-blob',
    '--key',
    keys.key,
    '--type',
    'slsaprovenance1',
    '--bundle',
    workshop.path('att.json'),
    '--predicate',
    '-',
    workshop.path('app.tgz'),
  ];
  const { child, finished } = workshop.start(att);
  child.stdin.end(JSON.stringify(PROVENANCE));
  assert.equal((await finished).code, 0);
  const read = ['verify-blob-attestation', '--insecure-ignore-tlog', '--key', keys.pub, '--type', 'slsaprovenance1', '--bundle', workshop.path('att.json')];
  assert.equal((await workshop.sealward([...read, workshop.path('app.tgz')])).code, 0);
  assert.equal((await workshop.sealward([...read, workshop.file('other.tgz', 'another archive')])).code, 1);
});

test('a tag that moves between resolving and publishing: nothing is published', async (t) => {
  const { workshop, registry, image, keys, writes } = await scene(t);
  const predicate = workshop.file('predicate.json', JSON.stringify(PROVENANCE));
  const other = buildImage({ 'etc/motd': 'an image of somebody else\n' });
  const path = '/manifests/v1';
  for (const args of [
    ['sign', '--key', keys.key],
    ['sign', '--key', keys.key, '--signature-format', 'both', '--recursive'],
    ['attest', '--key', keys.key, '--type', 'slsaprovenance1', '--predicate', predicate],
  ]) {
    await pushImage(registry.host, 'app');
    const hold = gate();
    // The first question is answered as it was; before the second, somebody pushes.
    registry.fault({ method: 'HEAD', path, times: 1, before: hold });
    registry.fault({ method: 'HEAD', path, times: 1 });
    const running = workshop.sealward([...args, image.tagged]);
    await hold.reached;
    await pushImage(registry.host, 'app', other);
    const before = writes();
    hold.open();
    const { code, stdout, stderr } = await running;
    assert.deepEqual([code, stdout], [2, ''], stderr);
    assert.match(stderr, /127\.0\.0\.1:\d+\/app:v1 stood for sha256:\w+ and stands for sha256:\w+ now; nothing was published/);
    assert.match(stderr, /code: ERR_TAG_MOVED/);
    assert.equal(writes(), before);
  }
});

test('a tag that is gone by then, and a digest, which cannot move', async (t) => {
  const { workshop, image, keys } = await scene(t);
  const byDigest = await workshop.sign(image.byDigest, keys);
  assert.equal(byDigest.code, 0, byDigest.stderr);
  await plainClient().deleteManifest(image.reference, 'v1');
  const gone = await workshop.sign(image.tagged, keys);
  assert.equal(gone.code, 11, gone.stderr);
});

test('tree says which verifiers look where a signature lies', async (t) => {
  const { workshop, image, keys } = await scene(t);
  const predicate = workshop.file('predicate.json', JSON.stringify(PROVENANCE));
  assert.equal((await workshop.sign(image.tagged, keys, '--signature-format', 'both')).code, 0);
  const attest = ['attest', '--key', keys.key, '--signature-format', 'legacy', '--type', 'slsaprovenance1', '--predicate', predicate, image.tagged];
  assert.equal((await workshop.sealward(attest)).code, 0);
  const { stdout } = await workshop.sealward(['tree', image.tagged], { tty: true, env: { NO_COLOR: '1' } });
  assert.match(stdout, /referrers API\n[^\n]+\n[│ ]+signature, bundle-v0\.3, .*read by cosign 3, sealward\n/);
  assert.match(stdout, /\.sig tag\n[^\n]+\n[│ ]+signature, simple-signing, .*read by cosign 1 to 3, skopeo, podman and CRI-O, sealward\n/);
  assert.match(stdout, /\.att tag\n[^\n]+\n +attestation, dsse, .*read by cosign 1 to 3, sealward/);
});

/** What bash offers when Tab is pressed after these words. */
async function completed(workshop: Workshop, words: readonly string[]): Promise<readonly string[]> {
  const program = workshop.file('bin/sealward', `#!/bin/sh\nexec '${process.execPath}' '${join(repositoryRoot, 'src/apps/cli/bin.ts')}' "$@"\n`);
  chmodSync(program, 0o755);
  const script = `source <('${program}' completion bash) || exit 1
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
complete -p sealward > /dev/null || exit 2
_sealward; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await promisify(execFile)('bash', ['--norc', '-c', script], { cwd: workshop.folder, env: workshop.environment });
  return stdout.trim().split('\n').sort();
}

test('a real bash completes commands, flags, choices and files', { skip: !existsSync('/bin/bash') && !existsSync('/usr/bin/bash') }, async (t) => {
  const { workshop } = await scene(t);
  workshop.file('release.key', '');
  assert.deepEqual(await completed(workshop, ['sealward', '']), commands.map(({ spec }) => spec.name).sort());
  assert.deepEqual(await completed(workshop, ['sealward', 'verify-b']), ['verify-blob', 'verify-blob-attestation']);
  assert.deepEqual(await completed(workshop, ['sealward', 'sign', '--signature-format', '']), ['both', 'bundle', 'legacy']);
  assert.deepEqual(await completed(workshop, ['sealward', 'login', '--pass']), ['--password-stdin']);
  assert.deepEqual(await completed(workshop, ['sealward', 'sign', '--bundle', 'rel']), ['release.key']);
  assert.deepEqual(await completed(workshop, ['sealward', 'sign', 'rel']), ['release.key']);
});
