/** `sealward policy check` as people and CI use it. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { readBeside, readPolicyFiles } from '../../src/clients/policies/index.ts';
import { LIMITS } from '../../src/core/encoding/index.ts';
import { sealward, startSealward } from '../cli.ts';
import { commandLines, sealwardArguments } from '../documentation.ts';
import { policyFile } from '../policies.ts';
import { repositoryRoot } from '../vectors.ts';

const root = mkdtempSync(join(tmpdir(), 'sealward-policy-'));
after(() => rmSync(root, { recursive: true }));

function folder(name: string, files: Readonly<Record<string, string>>): string {
  const path = join(root, name);
  mkdirSync(path, { recursive: true });
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, file)), { recursive: true });
    writeFileSync(join(path, file), text);
  }
  return path;
}

const policy = (name: string, authority: string): string => `apiVersion: sealward.dev/v1alpha1
kind: ImagePolicy
metadata:
  name: ${name}
spec:
  match:
    images: ["registry.example/team/**"]
  authorities:
    - name: release
      key: { file: ../keys/release.pub }
      ${authority}
  signatures: release
  strictness: { dated: either }
`;

const SOUND = {
  'policies/a.yaml': policy('a', 'validUntil: 2030-01-01T00:00:00Z'),
  'policies/deeper/b.json': JSON.stringify({ apiVersion: 'sealward.dev/v1alpha1', kind: 'DefaultRule', metadata: { name: 'd' }, spec: { action: 'deny' } }),
  'policies/README.md': 'not a policy',
  'policies/.hidden/c.yaml': 'kind: none',
  'keys/release.pub': policyFile('release.pub'),
};

test('a folder that is sound: exit code 0, and the digest that decisions will name', async () => {
  const path = join(folder('sound', SOUND), 'policies');
  const asText = await sealward(['policy', 'check', '-o', 'text', path]);
  assert.equal(asText.code, 0, asText.stderr);
  assert.match(asText.stdout, /^1 policy, 0 exceptions, default deny, 0 warnings, in 2 files\nsha256:[0-9a-f]{64}\n$/);
  const asJson = await sealward(['policy', 'check', '--strict', path]);
  assert.equal(asJson.code, 0);
  const { ok, digest, policies, problems, lints, defaultRule } = JSON.parse(asJson.stdout);
  assert.deepEqual([ok, problems, lints, defaultRule], [true, [], [], { action: 'deny', stated: true }]);
  assert.ok(asText.stdout.includes(digest));
  assert.deepEqual([policies[0].name, policies[0].source, policies[0].mode], ['a', `${join(path, 'a.yaml')}:1`, 'enforce']);
});

test('everything that is wrong in any file, each with its place: exit code 2', async () => {
  const path = folder('wrong', {
    ...SOUND,
    'policies/a.yaml': policy('a', 'validUntil: tomorrow'),
    'policies/c.yaml': policy('c', 'validTill: 2030-01-01T00:00:00Z').replace('signatures: release', 'signatures: { atLeast: 3, of: [release] }'),
  });
  const { code, stdout } = await sealward(['policy', 'check', '-o', 'text', join(path, 'policies')]);
  assert.equal(code, 2);
  const text = stdout.replaceAll(join(path, 'policies'), '');
  assert.match(text, /^\/a\.yaml:11:19 error this must be a moment in UTC.*\(ERR_POLICY_INVALID\)$/m);
  assert.match(text, /^\/c\.yaml:11:7 error "validTill" is not known here.*\n {2}Did you mean|Known are/m);
  assert.match(text, /^\/c\.yaml:12:15 error 3 of 1 can never be met/m);
  assert.match(text, /problems; nothing of this can be used\n$/);
  const json = JSON.parse((await sealward(['policy', 'check', '-o', 'json', join(path, 'policies')])).stdout);
  assert.equal(json.ok, false);
  assert.equal(json.digest, undefined);
  assert.ok(
    json.problems.every(({ line, column, code: of }: { line: number; column: number; code: string }) => line > 0 && column > 0 && of.startsWith('ERR_')),
  );
});

test('what is seldom meant is a warning, and with --strict exit code 1', async () => {
  const path = join(folder('lint', { ...SOUND, 'policies/a.yaml': policy('a', '') }), 'policies');
  const warned = await sealward(['policy', 'check', '-o', 'text', path]);
  assert.deepEqual(
    [warned.code, /a\.yaml:1 warning the authority release of a is a key that counts for ever \(key-without-end\)\n {2}Give validUntil/.test(warned.stdout)],
    [0, true],
  );
  assert.equal((await sealward(['policy', 'check', '--strict', path])).code, 1);
});

test('what is not there, names nothing or cannot be done is said', async () => {
  const empty = folder('empty', { 'x.txt': '' });
  const cases: readonly (readonly [args: readonly string[], says: RegExp])[] = [
    [['check'], /no policies are named[^]*ERR_USAGE/],
    [['check', join(root, 'gone')], /there is no such file[^]*ERR_FILE_UNREADABLE/],
    [['check', empty], /holds no policies[^]*ERR_FILE_UNREADABLE/],
    [['chekc', empty], /Did you mean `sealward policy check`/],
    [['check', '--trust', empty, empty], /ERR_/],
  ];
  for (const [args, says] of cases) {
    const { code, stderr } = await sealward(['policy', ...args]);
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, says);
  }
});

test('text of a policy does not reach the terminal as it is', async () => {
  const path = folder('escape', { 'a.yaml': 'kind: "\\e[31mred"\n' });
  const { stdout } = await sealward(['policy', 'check', '-o', 'text', path]);
  assert.ok(!stdout.includes('\u001b'));
});

test('files and folders are bounded, links are followed, and a loop of them ends', () => {
  const long = folder('long', { 'fits.yaml': ' '.repeat(LIMITS.documentBytes), 'over.yaml': ' '.repeat(LIMITS.documentBytes + 1) });
  assert.equal(readPolicyFiles([join(long, 'fits.yaml')]).length, 1);
  assert.throws(() => readPolicyFiles([long]), { code: 'ERR_TOO_LARGE' });
  const bytes = folder('bytes', {});
  writeFileSync(join(bytes, 'a.yaml'), Uint8Array.of(0xff));
  assert.throws(() => readPolicyFiles([bytes]), { code: 'ERR_ENCODING_INVALID' });
  const nested = Array.from({ length: LIMITS.policyFolderDepth }, (_, i) => `d${i}`).join('/');
  assert.equal(readPolicyFiles([folder('nested', { [`${nested}/a.yaml`]: 'x' })]).length, 1);
  assert.throws(() => readPolicyFiles([folder('deeper', { [`${nested}/more/a.yaml`]: 'x' })]), { code: 'ERR_TOO_LARGE' });
  const loop = folder('loop', { 'a.yaml': 'x' });
  symlinkSync(loop, join(loop, 'again'));
  assert.throws(() => readPolicyFiles([loop]), { code: 'ERR_TOO_LARGE' });
  const many = folder('many', { 'a.yaml': 'x' });
  assert.equal(readPolicyFiles(Array.from({ length: LIMITS.policyFiles }, () => join(many, 'a.yaml'))).length, 1);
  assert.throws(() => readPolicyFiles(Array.from({ length: LIMITS.policyFiles + 1 }, () => join(many, 'a.yaml'))), { code: 'ERR_TOO_LARGE' });
  assert.equal(readBeside('b.pub', join(many, 'a.yaml')), undefined);
  assert.equal(readBeside('a.yaml', join(many, 'z.yaml')), 'x');
});

test('the files and commands of docs/how-to/write-a-policy.md do what it says, step by step', async () => {
  const page = readFileSync(join(repositoryRoot, 'docs/how-to/write-a-policy.md'), 'utf8');
  const path = folder('how-to', {});
  const env = { HOME: path, PATH: process.env['PATH'] ?? '', COSIGN_PASSWORD: 'a pass phrase' };
  let ran = 0;
  for (const [block, kind = '', body = ''] of page.matchAll(/^```(yaml|sh)\n([^]*?)^```/gm)) {
    const name = /^# (\S+)$/m.exec(body)?.[1];
    if (kind === 'yaml') folder('how-to', { [name ?? assert.fail(`a document without the name of its file: ${body}`)]: body });
    for (const line of kind === 'sh' ? commandLines(block) : []) {
      const { code, stdout, stderr } = await startSealward(sealwardArguments(line) ?? [], env, path).finished;
      assert.equal(code, 0, `${line}\n${stdout}${stderr}`);
      ran++;
    }
  }
  assert.equal(ran, 4);
  const last = await sealward(['policy', 'check', '-o', 'json', join(path, 'policies')]);
  const { policies, exceptions, lints } = JSON.parse(last.stdout);
  assert.deepEqual([policies.length, exceptions.length, lints.map(({ rule }: { rule: string }) => rule)], [1, 1, ['open-default']]);
});

test('keys of the trust state are found where --trust says', async () => {
  const path = folder('trust', {
    'policies/a.yaml': policy('a', '').replace('file: ../keys/release.pub', 'trustKey: release/1'),
    'release.pub': policyFile('release.pub'),
  });
  const env = { HOME: path, COSIGN_PASSWORD: 'a pass phrase' };
  const work = ['--folder', join(path, 'work')];
  const steps: readonly (readonly string[])[] = [
    ['generate-key-pair', '--output-key-prefix', join(path, 'alice')],
    ['trust', 'init', ...work, '--signer', `alice=${join(path, 'alice.pub')}`, '--key', join(path, 'alice.key')],
    ['trust', 'key', 'add', 'release', ...work, '--public-key', join(path, 'release.pub'), '--key', join(path, 'alice.key')],
    ['trust', 'publish', join(path, 'out'), ...work, '--key', join(path, 'alice.key')],
  ];
  for (const step of steps) {
    const { code, stdout, stderr } = await sealward(step, { env });
    assert.equal(code, 0, `${step.join(' ')}\n${stdout}${stderr}`);
  }
  const found = await sealward(['policy', 'check', '-o', 'text', '--trust', join(path, 'out'), join(path, 'policies')], { env });
  assert.deepEqual([found.code, found.stdout.split('\n')[0]], [0, '1 policy, 0 exceptions, default deny, 0 warnings, in 1 file'], found.stderr);
  const without = await sealward(['policy', 'check', '-o', 'text', join(path, 'policies')], { env });
  assert.equal(without.code, 2);
  assert.match(without.stdout, /a\.yaml:10:24 error the key release\/1 is one of the trust state, and none was given/);
});
