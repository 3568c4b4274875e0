/** Plugins that do not do what the protocol says, or are slow, or die. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openPublicKey, openSigner } from '../../src/clients/signers/index.ts';
import { generateKeyPair } from '../../src/core/crypto/index.ts';
import { utf8 } from '../../src/core/encoding/index.ts';
import { FixedClock } from '../../src/testing/index.ts';
import { HONEST_PLUGIN, keyOf, writePlugin } from './key-keepers.ts';
import { fails } from './refusals.ts';

const folder = mkdtempSync(join(tmpdir(), 'sealward-plugin-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const keyFile = join(folder, 'key.pem');
writeFileSync(keyFile, keyOf('ecdsa-p256').export({ format: 'pem', type: 'pkcs8' }));
const strangerFile = join(folder, 'stranger.pem');
writeFileSync(strangerFile, generateKeyPair('ecdsa-p256').privateKey.export({ format: 'pem', type: 'pkcs8' }));

/** The honest plugin with something before it, when it is asked to sign. */
const signing = (body: string): string =>
  HONEST_PLUGIN.replace('else {\n', `else if (methodName === 'signMessage') {\n${body}\n`).replace(/ {2}const hash[^]*$/, '}');

const signature = (change: string): string => `
  const made = sign('sha256', readFileSync(0), key);
  say({ signMessage: { signature: Buffer.from(${change}).toString('base64') } });`;

const cases: readonly (readonly [string, string, Parameters<typeof fails>[0], RegExp])[] = [
  ['fails in its own words', "say({ errorMessage: 'the token is \\u001b[31mlocked' });", 'ERR_KEY_UNAVAILABLE', /"the token is \\u001b\[31mlocked"/],
  ['says nothing', 'process.exit(3);', 'ERR_KEY_UNAVAILABLE', /ended with 3 and without a word/],
  ['dies', "process.kill(process.pid, 'SIGKILL'); for (;;);", 'ERR_KEY_UNAVAILABLE', /ended by SIGKILL/],
  ['writes no JSON', "process.stdout.write('signed!');", 'ERR_KEY_ANSWER', /is not JSON/],
  ['answers another question', 'say({ publicKey: {} });', 'ERR_KEY_ANSWER', /no signMessage/],
  ['answers without a signature', 'say({ signMessage: {} });', 'ERR_KEY_ANSWER', /no signature/],
  ['answers in no base64', "say({ signMessage: { signature: '***' } });", 'ERR_KEY_ANSWER', /not strict base64/],
  ['writes without end', "const more = () => process.stdout.write('x'.repeat(65536), more); more();", 'ERR_KEY_UNAVAILABLE', /more than 1048576 bytes/],
  [
    'signs something else',
    "say({ signMessage: { signature: sign('sha256', Buffer.from('x'), key).toString('base64') } });",
    'ERR_KEY_ANSWER',
    /does not verify/,
  ],
  [
    'signs with another key',
    `say({ signMessage: { signature: sign('sha256', readFileSync(0), createPrivateKey(readFileSync(${JSON.stringify(strangerFile)}))).toString('base64') } });`,
    'ERR_KEY_ANSWER',
    /does not verify/,
  ],
  ['alters what it signed', signature('made.map((byte, i) => i === 20 ? byte ^ 1 : byte)'), 'ERR_KEY_ANSWER', /does not verify/],
];
for (const [what, body, code, words] of cases) {
  test(`a plugin that ${what} is ${code}`, async () => {
    const environment = writePlugin(folder, 'odd', signing(body));
    const signer = await openSigner(`odd:/${keyFile}`, { environment });
    await assert.rejects(signer.sign(utf8('message')), fails(code, words));
  });
}

test('a plugin that reads no message, ends with an error code and signs all the same is taken by its answer', async () => {
  const environment = writePlugin(folder, 'odd', `${HONEST_PLUGIN}\nprocess.exitCode = 1;`);
  const signer = await openSigner(`odd:/${keyFile}`, { environment });
  await signer.sign(utf8('message'));
  const deaf = writePlugin(folder, 'odd', signing("say({ errorMessage: 'deaf' });"));
  const other = await openSigner(`odd:/${keyFile}`, { environment: deaf });
  await assert.rejects(other.sign(new Uint8Array(8 * 1024 * 1024)), fails('ERR_KEY_UNAVAILABLE', /deaf/));
});

test('a plugin that never answers is ended at the deadline, and by Ctrl-C', async () => {
  const pid = join(folder, 'pid');
  const environment = writePlugin(
    folder,
    'odd',
    signing(`require('node:fs').writeFileSync(${JSON.stringify(pid)}, String(process.pid)); setInterval(() => {}, 1000);`),
  );
  const options = { environment, callMilliseconds: 60_000 };
  const stop = new AbortController();
  const signer = await openSigner(`odd:/${keyFile}`, { ...options, signal: stop.signal });
  const waiting = assert.rejects(signer.sign(utf8('message')), fails('ERR_INTERRUPTED'));
  while (!existsSync(pid) || readFileSync(pid, 'utf8') === '') await new Promise(setImmediate);
  stop.abort('SIGINT');
  await waiting;
  const child = Number(readFileSync(pid, 'utf8'));
  // Gone within a moment: a kill of nobody throws.
  for (let gone = false; !gone; ) {
    try {
      process.kill(child, 0);
      await new Promise(setImmediate);
    } catch {
      gone = true;
    }
  }
  const clock = new FixedClock();
  const hurried = await openSigner(`odd:/${keyFile}`, { ...options, clock });
  const late = assert.rejects(hurried.sign(utf8('message')), fails('ERR_DEADLINE', /the deadline passed before a signature by odd:/));
  clock.advance(60_000);
  await late;
});

test('what a plugin has for the user reaches the user, and its environment is the one that it is given', async () => {
  const said: string[] = [];
  const environment = {
    ...writePlugin(folder, 'odd', `process.stderr.write('touch your token ' + process.env.TOKEN_NAME);${HONEST_PLUGIN}`),
    TOKEN_NAME: 'blue',
  };
  await openPublicKey(`odd:/${keyFile}`, { environment, say: (text) => said.push(text) });
  assert.deepEqual(said, ['touch your token blue']);
});

test('a plugin in the working folder is not found by a dot in PATH', async () => {
  writePlugin(folder, 'odd', HONEST_PLUGIN);
  await assert.rejects(
    openSigner(`odd:/${keyFile}`, { environment: { PATH: '.:' } }),
    fails('ERR_KEY_PROVIDER_MISSING', /no program sigstore-kms-odd on PATH/),
  );
});
