/** The command line as somebody types it: what it prints, where, and how it exits. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { commands } from '../../src/apps/cli/table/index.ts';
import { VERSION } from '../../src/apps/cli/version.ts';
import { type Keyboard, sealward, startSealward } from '../cli.ts';
import { repositoryRoot } from '../vectors.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'sealward-cli-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

const ESCAPE = '\u001b';

test('sealward --help lists every command on at most 100 columns', async () => {
  const { code, stdout, stderr } = await sealward(['--help'], { columns: 200 });
  assert.deepEqual([code, stderr], [0, '']);
  for (const { spec } of commands) assert.match(stdout, new RegExp(`^  ${spec.name} +\\S`, 'm'));
  for (const line of stdout.split('\n')) assert.ok(line.length <= 100, line);
  assert.ok(!stdout.includes(ESCAPE));
  assert.equal((await sealward(['help'])).stdout, stdout);
});

test('every command explains itself with an example and each of its flags', async () => {
  for (const { spec } of commands) {
    const { code, stdout } = await sealward([spec.name, '--help']);
    assert.equal(code, 0);
    assert.equal((await sealward(['help', spec.name])).stdout, stdout);
    assert.match(stdout, new RegExp(`^  sealward ${spec.name} `, 'm'));
    for (const [name, flag] of Object.entries(spec.flags)) assert.equal(stdout.includes(`--${name}`), flag.hidden !== true, `${spec.name} --${name}`);
    for (const line of stdout.split('\n')) assert.ok(line.length <= 100, line);
    for (const line of (await sealward([spec.name, '--help'], { columns: 60 })).stdout.split('\n')) {
      // Commands in examples are not broken, and neither is a word.
      assert.ok(line.length <= 60 || /^  (?:[A-Z_]+=\S+ )?sealward |^ +-|^ +\S+( \\)?$/.test(line), line);
    }
  }
});

test('the help of an action shows its own flags and examples, that of a family those of its members', async () => {
  const flagsOf = (stdout: string): string[] => [...stdout.matchAll(/^ {2}(?:-\w,| {3}) --([a-z-]+)/gm)].map(([, name = '']) => name);
  const everywhere = ['folder', 'output', 'output-file', 'timeout', 'verbose', 'help'];
  const { code, stdout } = await sealward(['trust', 'key', 'destroy', '--help']);
  assert.deepEqual([code, new Set(flagsOf(stdout))], [0, new Set(['from', 'key', 'password-file', ...everywhere])]);
  assert.match(stdout, /^ {2}sealward trust key destroy \[FLAGS\] \[WHAT\.\.\.\]$/m);
  assert.doesNotMatch(stdout, /^Examples$/m);
  assert.equal((await sealward(['help', 'trust', 'key', 'destroy', 'release/1'])).stdout, stdout);
  const keys = (await sealward(['trust', 'key', '-h'])).stdout;
  assert.deepEqual(
    ['public-key', 'superseded', 'evidence'].map((name) => flagsOf(keys).includes(name)),
    [true, true, false],
  );
  assert.match(keys, /key add release --public-key[^]*key revoke release\/1/);
  const diff = (await sealward(['trust', 'diff', '--help'])).stdout;
  assert.deepEqual(new Set(flagsOf(diff)), new Set(['evidence', ...everywhere]));
  assert.match(diff, /^ {2}sealward trust diff \[FLAGS\]$/m);
  assert.equal((await sealward(['trust', 'no-such', '--help'])).stdout, (await sealward(['trust', '--help'])).stdout);
});

test('no command at all is a usage error, so that an unset variable in a script is one', async () => {
  const { code, stdout, stderr } = await sealward([]);
  assert.deepEqual([code, stdout], [2, '']);
  assert.match(stderr, /Usage/);
});

test('a mistyped command and a mistyped flag name the nearest one', async () => {
  assert.deepEqual(await sealward(['generate-keypair']), {
    code: 2,
    stdout: '',
    stderr: [
      'sealward: unknown command "generate-keypair"',
      '  hint: Did you mean `sealward generate-key-pair`? See `sealward --help`.',
      '  code: ERR_USAGE (docs/reference/errors.md#err_usage)',
      '',
    ].join('\n'),
  });
  const flag = await sealward(['generate-key-pair', '--output-prefix', 'x']);
  assert.equal(flag.code, 2);
  assert.match(flag.stderr, /unknown flag "--output-prefix" .*\n {2}hint: Did you mean --output-key-prefix\?/);
});

test('an error with -o json is JSON on stdout as well', async () => {
  const { code, stdout, stderr } = await sealward(['nonsense', '-o', 'json']);
  assert.equal(code, 2);
  const { error } = JSON.parse(stdout) as { error: Record<string, string> };
  assert.deepEqual(Object.keys(error), ['code', 'message', 'hint', 'docs']);
  assert.equal(error['code'], 'ERR_USAGE');
  assert.match(stderr, /^sealward: unknown command/);
});

test('what the user typed cannot write to the terminal by itself', async () => {
  const { stderr } = await sealward([`${ESCAPE}[2Jx`], { tty: true });
  assert.ok(!stderr.includes(`${ESCAPE}[2J`));
});

test('sealward version says the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as { version: string };
  assert.equal(VERSION, version);
  assert.match((await sealward(['version'])).stdout, new RegExp(`^sealward ${version.replaceAll('.', '\\.')} \\(node `));
  assert.equal((JSON.parse((await sealward(['version', '--json'])).stdout) as { version: string }).version, version);
  assert.match((await sealward(['version', 'please'])).stderr, /takes no arguments, and "please" is one/);
});

test('colour is for terminals, and NO_COLOR and FORCE_COLOR are heard', async () => {
  const heading = async (tty: boolean, env: Record<string, string>): Promise<boolean> =>
    (await sealward(['public-key', '--key', 'none'], { tty, env })).stderr.includes(ESCAPE);
  assert.equal(await heading(true, {}), true);
  assert.equal(await heading(false, {}), false);
  assert.equal(await heading(true, { NO_COLOR: '1' }), false);
  assert.equal(await heading(true, { NO_COLOR: '' }), true, 'an empty NO_COLOR means nothing');
  assert.equal(await heading(false, { FORCE_COLOR: '1' }), true);
  assert.equal(await heading(true, { NO_COLOR: '1', FORCE_COLOR: '1' }), false);
});

test('a variable that cannot be meant is refused by name, and its value is not repeated', async () => {
  const { code, stderr } = await sealward(['version'], { env: { COSIGN_MAX_ATTACHMENT_SIZE: 'hunter2' } });
  assert.equal(code, 2);
  assert.match(stderr, /COSIGN_MAX_ATTACHMENT_SIZE is not a size/);
  assert.ok(!stderr.includes('hunter2'));
});

test('variables of cosign that change nothing are mentioned with --verbose', async () => {
  const env = { COSIGN_EXPERIMENTAL: '1', COSIGN_MAX_ATTACHMENT_SIZE: '64MiB' };
  assert.equal((await sealward(['version'], { env })).stderr, '');
  assert.match((await sealward(['version', '-d'], { env })).stderr, /^COSIGN_EXPERIMENTAL: .*\nCOSIGN_MAX_ATTACHMENT_SIZE: .*\n$/);
});

test('a bug of ours exits 70, and its stack is shown to who asks for it', async () => {
  const more = [
    {
      spec: { ...(commands[0] as (typeof commands)[number]).spec, name: 'broken', arguments: [], flags: {} },
      load: async () => ({
        run: async (): Promise<number> => {
          throw new TypeError('undefined is not a function');
        },
      }),
    },
  ];
  const short = await sealward(['broken'], { more });
  assert.deepEqual([short.code, short.stdout], [70, '']);
  assert.match(short.stderr, /^sealward: unexpected error: TypeError: undefined is not a function\n {2}hint: This is a bug.*\n {2}code: ERR_INVARIANT .*\n$/);
  assert.match((await sealward(['broken', '-d'], { more })).stderr, /\n {4}at /);
});

test('a key pair is made once, and its public key comes out again', async (t) => {
  const where = folder(t);
  const prefix = join(where, 'release');
  const env = { COSIGN_PASSWORD: 'pass' };
  const first = await sealward(['generate-key-pair', '--output-key-prefix', prefix], { env });
  assert.deepEqual([first.code, first.stdout], [0, '']);
  assert.match(first.stderr, /Private key written to .*release\.key, encrypted/);
  const files = ['release.key', 'release.pub'].map((name) => readFileSync(join(where, name), 'utf8'));

  const second = await sealward(['generate-key-pair', '--output-key-prefix', prefix], { env });
  assert.equal(second.code, 2);
  assert.match(second.stderr, /release\.key exists already.*\n {2}hint: .*\n {2}code: ERR_FILE_EXISTS/);
  assert.deepEqual(
    readdirSync(where).map((name) => readFileSync(join(where, name), 'utf8')),
    files,
  );

  assert.deepEqual(await sealward(['public-key', '--key', `${prefix}.key`], { env }), { code: 0, stdout: files[1], stderr: '' });
  assert.equal((await sealward(['public-key', '--key', `${prefix}.pub`])).stdout, files[1]);
  const written = await sealward(['public-key', '--key', `${prefix}.key`, '--outfile', join(where, 'copy.pub')], { env });
  assert.deepEqual([written.code, written.stdout, readFileSync(join(where, 'copy.pub'), 'utf8')], [0, '', files[1]]);

  const wrong = await sealward(['public-key', '--key', `${prefix}.key`], { env: { COSIGN_PASSWORD: 'Pass' } });
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /the password does not open the key file/);
  assert.ok(!wrong.stderr.includes('Pass\n') && wrong.stdout === '');
});

test('the password comes from a file, from a pipe, or from a prompt that shows nothing', async (t) => {
  const where = folder(t);
  const key = join(where, 'k.key');
  writeFileSync(join(where, 'pass'), 'pässword\n');
  assert.equal((await sealward(['generate-key-pair', '--output-key-prefix', join(where, 'k'), '--password-file', join(where, 'pass')])).code, 0);
  const pem = readFileSync(join(where, 'k.pub'), 'utf8');
  assert.equal((await sealward(['public-key', '--key', key], { stdin: 'pässword\nnot this\n' })).stdout, pem);
  assert.equal((await sealward(['public-key', '--key', key], { stdin: 'pässword' })).stdout, pem);
  const none = await sealward(['public-key', '--key', key]);
  assert.equal(none.code, 2);
  assert.match(none.stderr, /no password was given: stdin is at its end/);

  // Typed with a slip: x, backspace, and an arrow key.
  const keyboard: Keyboard = { steps: [{ sees: 'k.key: ', types: 'pässx\u007fwo\u001b[Drd\r' }], rawModes: [] };
  const typed = await sealward(['public-key', '--key', key], { keyboard });
  assert.equal(typed.stdout, pem);
  assert.ok(!typed.stderr.includes('pä') && !typed.stderr.includes('*'));
  assert.deepEqual(keyboard.rawModes, [true, false]);
});

test('a new password is typed twice', async (t) => {
  const where = folder(t);
  const ask = (second: string): Keyboard => ({
    steps: [
      { sees: 'a.key: ', types: 'one\r' },
      { sees: 'again: ', types: `${second}\r` },
    ],
    rawModes: [],
  });
  const differ = await sealward(['generate-key-pair', '--output-key-prefix', join(where, 'a')], { keyboard: ask('two') });
  assert.equal(differ.code, 2);
  assert.match(differ.stderr, /the two passwords differ/);
  assert.deepEqual(readdirSync(where), []);
  assert.equal((await sealward(['generate-key-pair', '--output-key-prefix', join(where, 'a')], { keyboard: ask('one') })).code, 0);
});

test('Ctrl-C at the prompt restores the terminal, exits 130 and leaves nothing', async (t) => {
  const where = folder(t);
  const keyboard: Keyboard = { steps: [{ sees: 'a.key: ', types: 'on\u0003' }], rawModes: [] };
  const typed = await sealward(['generate-key-pair', '--output-key-prefix', join(where, 'a')], { keyboard });
  assert.equal(typed.code, 130);
  assert.match(typed.stderr, /interrupted/);
  assert.deepEqual(keyboard.rawModes, [true, false]);

  const stop = new AbortController();
  const waiting: Keyboard = { steps: [{ sees: 'a.key: ', does: () => stop.abort('SIGTERM') }], rawModes: [] };
  const stopped = await sealward(['generate-key-pair', '--output-key-prefix', join(where, 'a')], { keyboard: waiting, signal: stop.signal });
  assert.equal(stopped.code, 143);
  assert.deepEqual(waiting.rawModes.at(-1), false);
  assert.deepEqual(readdirSync(where), []);
});

test('a prompt does not outlive --timeout', async (t) => {
  const keyboard: Keyboard = { steps: [], rawModes: [] };
  const { code, stderr } = await sealward(['generate-key-pair', '-t', '30ms', '--output-key-prefix', join(folder(t), 'a')], { keyboard });
  assert.equal(code, 4);
  assert.match(stderr, /ERR_DEADLINE/);
});

test('files that cannot be read or written are named, with the cause', async (t) => {
  const where = folder(t);
  const path = (name: string): string => join(where, name);
  mkdirSync(path('folder'));
  writeFileSync(path('huge.key'), Buffer.alloc(64 * 1024 + 1));
  writeFileSync(path('binary.key'), Buffer.from([0xff, 0xfe, 0, 1]));
  const says = async (name: string, expected: RegExp, exit = 2): Promise<void> => {
    const { code, stdout, stderr } = await sealward(['public-key', '--key', path(name)]);
    assert.deepEqual([code, stdout], [exit, ''], stderr);
    assert.match(stderr, expected);
  };
  await says('none', /none cannot be read: there is no such file/);
  await says('folder', /folder cannot be read: it is a folder/);
  await says('huge.key', /larger than 65536 bytes/);
  await says('binary.key', /not valid UTF-8/);
  if (process.getuid?.() !== 0) {
    writeFileSync(path('secret.key'), '');
    chmodSync(path('secret.key'), 0);
    await says('secret.key', /permission is denied/);
  }
  const into = await sealward(['version', '--output-file', path('missing/out')]);
  assert.equal(into.code, 2);
  assert.match(into.stderr, /missing\/out cannot be written: there is no such file/);
  assert.equal((await sealward(['version', '--output-file', path('folder')])).code, 2);
});

test('--output-file replaces a file as a whole, follows links, and writes into devices', async (t) => {
  const where = folder(t);
  writeFileSync(join(where, 'real'), 'old');
  symlinkSync('real', join(where, 'link'));
  const { code, stdout } = await sealward(['version', '--json', '--output-file', join(where, 'link')]);
  assert.deepEqual([code, stdout], [0, '']);
  assert.match(readFileSync(join(where, 'real'), 'utf8'), /"version"/);
  assert.deepEqual(readdirSync(where).sort(), ['link', 'real']);
  if (process.platform !== 'win32') {
    assert.equal((await sealward(['version', '--output-file', '/dev/null'])).code, 0);
    assert.ok(statSync('/dev/null').isCharacterDevice());
  }
});

test('the real program: exit code, nothing on stderr, a pipe that closes early', async () => {
  const asked = startSealward(['version']);
  const { code, stdout, stderr } = await asked.finished;
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /^sealward /);

  const early = startSealward(['--help']);
  early.child.stdout.destroy();
  const gone = await early.finished;
  assert.deepEqual([gone.code, gone.stderr], [0, '']);
});

for (const [signal, exit] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`the real program exits ${exit} on ${signal} and leaves nothing`, async (t) => {
    const where = folder(t);
    const { child, finished } = startSealward(['generate-key-pair', '-d', '--output-key-prefix', join(where, 'k')], {}, where);
    // With --verbose it says that it waits for the password.
    await once(child.stderr, 'data');
    child.kill(signal);
    const { code, stderr } = await finished;
    assert.equal(code, exit, stderr);
    assert.match(stderr, /interrupted/);
    assert.deepEqual(readdirSync(where), []);
  });
}
