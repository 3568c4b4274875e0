/** Signing and verifying as it is typed, against a real registry in memory: every outcome, its exit code and its words. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { RegistryClient } from '../../src/clients/registry/index.ts';
import { createKeyPairFiles } from '../../src/clients/signers/index.ts';
import { formatDigest, parseRepository } from '../../src/core/artifact/index.ts';
import { buildImage, gate, MemoryRegistry, pushArtifact } from '../../src/testing/index.ts';
import { type CliOptions, type CliResult, sealward, startSealward } from '../cli.ts';

const PASSWORD = 'pass';
const KEYLESS = ['--certificate-identity', 'maria@example.org', '--certificate-oidc-issuer', 'https://accounts.example'];
const ESCAPE = '\u001b';

let registry: MemoryRegistry;
let folder: string;
let digest: string;
let images = 0;

/** The user's own folders are never looked at. */
const env = (): Record<string, string> => ({ COSIGN_PASSWORD: PASSWORD, HOME: folder });
const run = (args: readonly string[], options: CliOptions = {}): Promise<CliResult> => sealward(args, { ...options, env: { ...env(), ...options.env } });
const file = (name: string): string => join(folder, name);
const keyed = (...args: string[]): string[] => ['verify', '--key', file('k.pub'), '--insecure-ignore-tlog', ...args];

before(async () => {
  registry = await MemoryRegistry.start();
  folder = mkdtempSync(join(tmpdir(), 'sealward-verify-'));
  await createKeyPairFiles(file('k'), 'ecdsa-p256', PASSWORD);
  await createKeyPairFiles(file('other'), 'ecdsa-p256', PASSWORD);
});
after(async () => {
  await registry.close();
  rmSync(folder, { recursive: true });
});

/** A new image under a name of its own, so that no test sees what another attached. */
async function image(tag = 'v1'): Promise<string> {
  const repository = `${registry.host}/team/app${++images}`;
  const client = new RegistryClient();
  const { digest: made } = await pushArtifact(client, parseRepository(repository), buildImage({ 'hello.txt': `hello ${images}` }), tag);
  digest = formatDigest(made);
  client.close();
  return `${repository}:${tag}`;
}

async function signedImage(...flags: string[]): Promise<string> {
  const name = await image();
  const { code, stderr } = await run(['sign', '--key', file('k.key'), ...flags, name]);
  assert.equal(code, 0, stderr);
  return name;
}

interface Answer {
  readonly name: string;
  readonly outcome: string;
  readonly code: string;
  readonly digest?: string;
  readonly reason?: string;
  readonly hint?: string;
  readonly critical?: { readonly image: Record<string, string>; readonly identity: Record<string, string> };
  readonly optional?: Record<string, string>;
  readonly signatures: readonly { readonly key: { sha256: string } }[];
  readonly places: readonly { readonly name: string; readonly state: string }[];
}

function answers({ stdout }: CliResult): Answer[] {
  return JSON.parse(stdout) as Answer[];
}

test('an image is signed and verified', async () => {
  const name = await image();
  const signed = await run(['sign', '--key', file('k.key'), '-a', 'commit=4f2c1e', name], { tty: true });
  assert.equal(signed.code, 0, signed.stderr);
  assert.match(signed.stdout, new RegExp(`signed.* ${name}@${digest}\n +attached as sha256:[0-9a-f]{64}\n$`));

  const seen = await run(keyed(name), { tty: true });
  assert.deepEqual([seen.code, seen.stderr], [0, '']);
  assert.match(
    seen.stdout,
    new RegExp(`^${ESCAPE}\\[32mverified${ESCAPE}\\[39m {2}${name}@${digest}\n +signed by the key .*k\\.pub \\(ECDSA P-256, .*\n +commit=4f2c1e\n$`),
  );

  const piped = await run(keyed(name));
  const [answer] = answers(piped);
  assert.deepEqual([piped.code, answer?.outcome, answer?.code, answer?.digest], [0, 'verified', 'VERIFIED', digest]);
  // Where scripts that were made for cosign look.
  assert.equal(answer?.critical?.image['docker-manifest-digest'], digest);
  assert.equal(answer.optional?.['commit'], '4f2c1e');
  assert.equal(answer.signatures.length, 1);
});

test('an unsigned image exits 10, and says so only because every place answered', async () => {
  const name = await image();
  const { code, stdout, stderr } = await run(keyed(name));
  const [answer] = answers({ code, stdout, stderr });
  assert.deepEqual([code, answer?.outcome, answer?.code], [10, 'rejected', 'NO_SIGNATURE']);
  assert.ok(answer?.places.every(({ state }) => state === 'complete' || state === 'absent'));
  // A script's log shows why, although the answer is JSON on stdout.
  assert.match(stderr, /^sealward: rejected .*: Nothing is signed.*\n {2}hint: /);
  assert.equal((await run(['verify-attestation', ...keyed(name).slice(1)])).code, 10);
});

test('another key exits 1, a missing certificate 13, a missing tag or digest 11', async () => {
  const name = await signedImage();
  const other = await run(['verify', '--key', file('other.pub'), '--insecure-ignore-tlog', name]);
  assert.deepEqual([other.code, answers(other)[0]?.code], [1, 'KEY_MISMATCH']);

  const root = file('root.json');
  writeFileSync(
    root,
    JSON.stringify({
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      tlogs: [],
      certificateAuthorities: [],
      ctlogs: [],
      timestampAuthorities: [],
    }),
  );
  const bare = await run(['verify', '--trusted-root', root, ...KEYLESS, name]);
  assert.deepEqual([bare.code, answers(bare)[0]?.code], [13, 'CERTIFICATE_MISSING']);

  const repository = name.replace(/:v1$/, '');
  for (const missing of [`${repository}:v2`, `${repository}@sha256:${'0'.repeat(64)}`, `${registry.host}/nobody/nothing:v1`]) {
    const gone = await run(keyed(missing));
    assert.deepEqual([gone.code, answers(gone)[0]?.code], [11, 'ERR_NOT_FOUND'], missing);
  }
});

test('without --insecure-ignore-tlog a signature needs a log entry', async () => {
  const name = await signedImage();
  const none = await run(['verify', '--key', file('k.pub'), name]);
  assert.equal(none.code, 2);
  assert.match(none.stderr, /no trusted root was given.*\n {2}hint: .*cosign initialize.*--insecure-ignore-tlog/);
  writeFileSync(
    file('empty.json'),
    JSON.stringify({
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      tlogs: [],
      certificateAuthorities: [],
      ctlogs: [],
      timestampAuthorities: [],
    }),
  );
  const unlogged = await run(['verify', '--key', file('k.pub'), '--trusted-root', file('empty.json'), name]);
  assert.deepEqual([unlogged.code, answers(unlogged)[0]?.code], [1, 'LOG_ENTRY_MISSING']);
  // What cosign has deprecated means the same, with one warning.
  const mapped = await run(['verify', '--key', file('k.pub'), '--private-infrastructure', '--offline', name]);
  assert.equal(mapped.code, 0);
  assert.deepEqual(mapped.stderr.match(/^warning: --[a-z-]+/gm), ['warning: --private-infrastructure', 'warning: --offline']);
});

const failures = [
  [401, 3, 'ERR_REGISTRY_UNAUTHENTICATED'],
  [403, 3, 'ERR_REGISTRY_DENIED'],
  [429, 4, 'ERR_REGISTRY_THROTTLED'],
  [500, 4, 'ERR_REGISTRY_FAILED'],
] as const;
for (const [status, exit, code] of failures) {
  test(`a registry that answers ${status} is no answer about the signature: exit ${exit}`, async () => {
    const name = await image();
    registry.fault({ path: '/referrers/', status, ...(status === 429 ? { headers: { 'retry-after': '60' } } : {}) });
    try {
      const places = await run(['-t', '3s', ...keyed(name)]);
      assert.deepEqual([places.code, answers(places)[0]?.outcome, answers(places)[0]?.code], [exit, 'inconclusive', code]);
      assert.match(places.stderr, /could not be found out/);
    } finally {
      registry.clearFaults();
    }
    registry.fault({ path: '/manifests/', status, ...(status === 429 ? { headers: { 'retry-after': '60' } } : {}) });
    try {
      const tag = await run(['-t', '3s', ...keyed(name)]);
      assert.deepEqual([tag.code, answers(tag)[0]?.outcome, answers(tag)[0]?.code], [exit, 'inconclusive', code]);
    } finally {
      registry.clearFaults();
    }
  });
}

test('a registry that is not there, or does not answer in time, exits 4', async () => {
  const nobody = await run(keyed('127.0.0.1:1/app:v1'));
  assert.deepEqual([nobody.code, answers(nobody)[0]?.code], [4, 'ERR_REGISTRY_UNREACHABLE']);
  const name = await image();
  const stuck = gate();
  registry.fault({ path: '/manifests/', before: stuck });
  try {
    const late = await run(['-t', '200ms', ...keyed(name)]);
    assert.equal(late.code, 4, late.stderr);
    assert.match(late.stdout + late.stderr, /ERR_DEADLINE/);
  } finally {
    stuck.open();
    registry.clearFaults();
  }
});

test('several images are judged side by side, and each has its own answer', async () => {
  const good = await signedImage();
  const unsigned = await image();
  const three = await run(keyed(good, unsigned, '127.0.0.1:1/app:v1'));
  assert.deepEqual(
    answers(three).map(({ name, outcome }) => [name, outcome]),
    [
      [good, 'verified'],
      [unsigned, 'rejected'],
      ['127.0.0.1:1/app:v1', 'inconclusive'],
    ],
  );
  assert.equal(three.code, 1);
  assert.equal((await run(keyed(good, unsigned))).code, 10, 'all that is wrong is wrong alike');
  assert.equal((await run(keyed(good, good))).code, 0);
  registry.forget();
  const typo = await run(keyed(good, 'NOT A REFERENCE'));
  assert.deepEqual([typo.code, typo.stdout, registry.journal.length], [2, '', 0], 'a typo costs no request');
});

test('annotations and the claimed repository are compared when that is asked', async () => {
  const name = await signedImage('-a', 'commit=4f2c1e,branch=main');
  assert.equal((await run(keyed('-a', 'branch=main', '-a', 'commit=4f2c1e', name))).code, 0);
  assert.deepEqual(
    answers(await run(keyed('-a', 'branch=dev', name))).map(({ code }) => code),
    ['ANNOTATION_MISMATCH'],
  );
  assert.deepEqual(
    answers(await run(keyed('-a', 'missing=1', name))).map(({ code }) => code),
    ['ANNOTATION_MISMATCH'],
  );
  assert.deepEqual(
    answers(await run(keyed('--repository-claim', 'exact', name))).map(({ code }) => code),
    ['CLAIMED_REPOSITORY_MISMATCH'],
  );
  assert.match((await run(keyed('-a', 'branch', name))).stderr, /an annotation is not KEY=VALUE: "branch"/);
});

const contradictions: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['nobody to trust', [], /nothing says who must have signed/],
  ['a key and an identity', ['--key', 'k.pub', ...KEYLESS], /--key and the --certificate flags contradict/],
  ['an identity without its issuer', KEYLESS.slice(0, 2), /--certificate-oidc-issuer.* is missing/],
  ['an issuer without an identity', KEYLESS.slice(2), /--certificate-identity.* is missing/],
  ['two identities', [...KEYLESS, '--certificate-identity-regexp', '.*'], /contradict each other/],
  ['a threshold of what is ignored', ['--key', 'k.pub', '--insecure-ignore-tlog', '--tlog-threshold', '2'], /contradict each other/],
  ['claims that are not checked', ['--key', 'k.pub', '--check-claims=false'], /--check-claims=false is refused/],
  ['a regular expression that is none', ['--certificate-identity-regexp', '(', '--certificate-oidc-issuer', 'x'], /regular expression|pattern/],
  ['a payload without a signature', ['--key', 'k.pub', '--insecure-ignore-tlog', '--payload', 'x'], /belong together/],
  ['half a login', ['--key', 'K', '--insecure-ignore-tlog', '--registry-username', 'x'], /belong together/],
  ['a key of a cloud whose region nothing says', ['--key', 'awskms:///alias/x', '--insecure-ignore-tlog'], /nothing says in which region/],
];
for (const [what, flags, message] of contradictions) {
  test(`${what}: exit 2 before anything is asked`, async () => {
    registry.forget();
    const { code, stdout, stderr } = await run(['verify', ...flags.map((flag) => (flag === 'K' ? file('k.pub') : flag)), `${registry.host}/team/app:v1`]);
    assert.deepEqual([code, stdout, registry.journal.length], [2, '', 0], stderr);
    assert.match(stderr, message);
    assert.match(stderr, /\n {2}hint: .+\n {2}code: ERR_/);
  });
}

test('--explain tells the whole story, on a pipe too', async () => {
  const name = await signedImage();
  const good = await run(keyed('--explain', name));
  assert.equal(good.code, 0);
  assert.match(good.stdout, /asked for +a signature by the key .*; no log entry needed\n {2}places +the referrers API answered \(1 signature\)\n/);
  assert.match(good.stdout, /1\. counts: bundle-v0\.3 sha256:.*\n +signed by +the key .*k\.pub/);
  const bad = await run(['verify', '--explain', '--key', file('other.pub'), '--insecure-ignore-tlog', name]);
  assert.equal(bad.code, 1);
  assert.match(bad.stdout, /1\. does not count/);
  assert.match(bad.stdout, /failed +a trusted signer made it: .*\n +what to do /);
  assert.match(bad.stdout, /\n {2}rejected: .*\n {2}what to do .*\n {2}code +KEY_MISMATCH\n$/);
  // With -o json as well it stays JSON.
  assert.equal(answers(await run(keyed('--explain', '-o', 'json', name)))[0]?.outcome, 'verified');
});

test('what a signer wrote cannot write to the terminal', async () => {
  const name = await signedImage('-a', `note=${ESCAPE}[2Jfree\u202eeerf`);
  for (const flags of [[], ['--explain'], ['-o', 'json']]) {
    const { code, stdout } = await run(keyed(...flags, name), { tty: true, env: { NO_COLOR: '1' } });
    assert.equal(code, 0);
    assert.ok(!stdout.includes(ESCAPE) && !stdout.includes('\u202e'), JSON.stringify(stdout));
  }
  const tree = await run(['tree', name], { tty: true, env: { NO_COLOR: '1' } });
  assert.ok(tree.code === 0 && !tree.stdout.includes(ESCAPE));
});

test('the answer goes to --output-file also when it is no', async () => {
  const name = await image();
  const { code, stdout } = await run(keyed('--output-file', file('answer.json'), name));
  assert.deepEqual([code, stdout], [10, '']);
  assert.equal((JSON.parse(readFileSync(file('answer.json'), 'utf8')) as Answer[])[0]?.outcome, 'rejected');
});

test('sign can write the bundle to a file and publish nothing', async () => {
  const name = await image();
  assert.match((await run(['sign', '--key', file('k.key'), '--no-upload', name])).stderr, /would go nowhere/);
  registry.forget();
  const written = await run(['sign', '--key', file('k.key'), '--upload=false', '--bundle', file('bundle.json'), '--output-signature', file('sig'), name]);
  assert.equal(written.code, 0, written.stderr);
  assert.equal(registry.count(/^(PUT|POST|PATCH)/), 0);
  assert.match(written.stderr, /warning: --output-signature is deprecated/);
  assert.equal(
    (JSON.parse(readFileSync(file('bundle.json'), 'utf8')) as { dsseEnvelope: { signatures: { sig: string }[] } }).dsseEnvelope.signatures[0]?.sig,
    readFileSync(file('sig'), 'utf8').trim(),
  );
  assert.equal((await run(keyed(name))).code, 10);
  // The bundle is about the image's manifest, whose digest is enough to verify it.
  const blob = ['verify-blob', '--key', file('k.pub'), '--insecure-ignore-tlog', '--bundle', file('bundle.json'), digest];
  assert.equal((await run(blob)).code, 0);
});

test('nothing is signed with a wrong password, a missing key, or an image that is not there', async () => {
  const name = await image();
  registry.forget();
  for (const [args, environment, exit] of [
    [['sign', '--key', file('k.key'), name], { COSIGN_PASSWORD: 'wrong' }, 2],
    [['sign', '--key', file('none.key'), name], {}, 2],
    [['sign', '--key', file('k.pub'), name], {}, 2],
    [['sign', name], {}, 2],
    [['sign', '--key', file('k.key'), '--bundle', file('b'), name, name], {}, 2],
    [['sign', '--key', file('k.key'), `${name}x`], {}, 11],
  ] as const) {
    const { code, stdout, stderr } = await run(args, { env: environment });
    assert.deepEqual([code, stdout], [exit, ''], stderr);
  }
  assert.equal(registry.count(/^(PUT|POST|PATCH)/), 0);
});

test('an image layout folder is signed and verified as a registry is', async (t: TestContext) => {
  const layout = mkdtempSync(join(tmpdir(), 'sealward-layout-'));
  t.after(() => rmSync(layout, { recursive: true }));
  const { openRegistry } = await import('../../src/clients/registry/index.ts');
  await pushArtifact(openRegistry(), { registry: 'oci:', repository: layout }, buildImage({ a: 'b' }), 'v1');
  assert.equal((await run(keyed(`oci:${layout}:v1`))).code, 10);
  const signed = await run(['sign', '--key', file('k.key'), `oci:${layout}:v1`]);
  assert.equal(signed.code, 0, signed.stderr);
  assert.equal((await run(keyed(`oci:${layout}:v1`))).code, 0);
  assert.equal((await run(keyed('--local-image', `${layout}:v1`))).code, 0);
});

test('COSIGN_REPOSITORY is where signatures are written and looked for', async () => {
  const name = await image();
  const elsewhere = { COSIGN_REPOSITORY: `${registry.host}/signatures/all` };
  assert.equal((await run(['sign', '--key', file('k.key'), name], { env: elsewhere })).code, 0);
  assert.equal((await run(keyed(name), { env: elsewhere })).code, 0);
  assert.equal((await run(keyed(name))).code, 10);
});

test('tree shows what is attached and who it says it is by', async () => {
  const name = await signedImage();
  const { code, stdout } = await run(['tree', name], { tty: true, env: { NO_COLOR: '1' } });
  assert.equal(code, 0);
  assert.match(
    stdout,
    new RegExp(
      `^${name}@${digest}\n└─ referrers API\n   └─ application/vnd\\.dev\\.sigstore\\.bundle\\.v0\\.3\\+json sha256:.*\n +signature, bundle-v0\\.3, by a bare key with the hint`,
    ),
  );
  assert.match((await run(['tree', await image()], { tty: true })).stdout, /nothing is attached, and every place answered/);
  assert.equal((await run(['tree', `${name}x`])).code, 11);
  registry.fault({ path: '/referrers/', status: 500 });
  try {
    assert.equal((await run(['-t', '3s', 'tree', name])).code, 4);
  } finally {
    registry.clearFaults();
  }
});

test('inspect says in words what a file is', async () => {
  const name = await image();
  await run(['sign', '--key', file('k.key'), '--no-upload', '--bundle', file('seen.json'), name]);
  const bundle = await run(['inspect', file('seen.json')], { tty: true });
  assert.equal(bundle.code, 0);
  assert.match(bundle.stdout, /kind +Sigstore bundle\n/);
  assert.match(bundle.stdout, /predicate type +https:\/\/sigstore\.dev\/cosign\/sign\/v1/);
  assert.match(bundle.stderr, /Nothing of it was verified/);
  const both = JSON.parse((await run(['inspect', file('k.pub'), file('k.key')])).stdout) as { kind: string }[];
  assert.deepEqual(
    both.map(({ kind }) => kind),
    ['public key, ECDSA P-256', 'private key, encrypted (ENCRYPTED SIGSTORE PRIVATE KEY)'],
  );
  writeFileSync(file('unknown'), 'what is this?');
  const unknown = await run(['inspect', file('unknown')]);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /unknown: the file is nothing that is known here\n {2}hint: Known are/);
});

test('a file is verified with a bundle, and refused when one byte of it changes', async () => {
  const name = await image();
  await run(['sign', '--key', file('k.key'), '--no-upload', '--bundle', file('blob.json'), name]);
  const manifest = registry.repository(name.slice(registry.host.length + 1, -3)).manifests.get(digest)?.bytes;
  assert.ok(manifest);
  writeFileSync(file('manifest.json'), manifest);
  const verify = ['verify-blob', '--key', file('k.pub'), '--insecure-ignore-tlog', '--bundle', file('blob.json'), file('manifest.json')];
  assert.equal((await run(verify)).code, 0);
  writeFileSync(file('manifest.json'), `${Buffer.from(manifest).toString()} `);
  const changed = await run(verify);
  assert.deepEqual([changed.code, answers(changed)[0]?.code], [1, 'DIGEST_MISMATCH']);
  assert.match((await run([...verify.slice(0, -3), file('manifest.json')])).stderr, /nothing says where the signature is/);
  assert.match((await run([...verify.slice(0, -2), file('k.pub'), file('manifest.json')])).stderr, /neither a Sigstore bundle nor a DSSE envelope/);
  assert.match((await run([...verify.slice(0, -1), file('no-such-file')])).stderr, /no-such-file cannot be read/);
});

test('Ctrl-C while the registry is asked: exit 130, no result, and nothing left', async (t) => {
  const name = await image();
  const stuck = gate();
  registry.fault({ path: '/manifests/', before: stuck });
  t.after(() => {
    stuck.open();
    registry.clearFaults();
  });
  const files = readdirSync(folder);
  const { child, finished } = startSealward(keyed('--output-file', file('interrupted.json'), name), env());
  // A program that cannot even start would never come to the gate.
  await Promise.race([stuck.reached, finished]);
  child.kill('SIGINT');
  const { code, stdout, stderr } = await finished;
  assert.deepEqual([code, stdout], [130, ''], stderr);
  assert.match(stderr, /interrupted/);
  assert.deepEqual(
    readdirSync(folder).filter((entry) => entry !== '.cache'),
    files.filter((entry) => entry !== '.cache'),
  );
});
