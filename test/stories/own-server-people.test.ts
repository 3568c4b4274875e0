/** People and the process itself: signing in at signing time by a browser and by a code; starting, ending, and a configuration that is wrong. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { hashPassword } from '../../src/services/identity/index.ts';
import { controlRecords, type OwnServer, startOwnServer } from '../own-server.ts';
import { repositoryRoot } from '../vectors.ts';
import { Workshop } from './workshop.ts';

const PASSWORD = 'correct horse battery';

describe('people who sign', () => {
  const build = generateKeyPairSync('rsa', { modulusLength: 2048 });
  let server: OwnServer;
  let workshop: Workshop;
  before(async () => {
    workshop = new Workshop();
    const hash = workshop.file('hash', `${await hashPassword(PASSWORD)}\n`);
    const key = workshop.file('build.pub', build.publicKey.export({ type: 'spki', format: 'pem' }));
    server = await startOwnServer({
      configure: (yaml) =>
        yaml
          .replace('publicKey: keys/build.pub', `publicKey: '${key}'`)
          .replace('users: []', `users: [{ name: maria, email: maria@sealward.test, passwordHashFile: '${hash}' }]`),
    });
    workshop.file('blob', 'a release');
  });
  after(async () => {
    await server.stop();
    workshop.remove();
  });

  it('share it with machines, which get a token as the how-to says, word for word', async (t) => {
    const page = readFileSync(join(repositoryRoot, 'docs/how-to/private-sigstore.md'), 'utf8');
    const [, script] = /A workload asks for a token[^]*?```sh\n([^]*?)```/.exec(page) ?? [];
    assert.ok(script);
    const here = script.replace('https://sigstore.example:8443', server.url).replace('--cacert ca.pem ', '');
    const shell = `set -e; for program in openssl curl sed; do command -v $program >/dev/null || exit 77; done\n${here}`;
    writeFileSync(workshop.path('build.pem'), build.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const { code, stderr } = await new Promise<{ code: number | null; stderr: string }>((resolve) => {
      const child = spawn('/bin/sh', ['-c', shell], { cwd: dirname(workshop.path('build.pem')), stdio: ['ignore', 'ignore', 'pipe'] });
      let said = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
      child.on('close', (ended) => resolve({ code: ended, stderr: said }));
    });
    if (code === 77) return t.skip('openssl or curl is not here');
    assert.equal(code, 0, stderr);
    const services = ['--signing-config', server.signingConfig, '--trusted-root', server.trustedRoot, '--identity-token', workshop.path('token')];
    const signed = await workshop.sealward(['sign-blob', ...services, '--bundle', workshop.path('build.json'), workshop.path('blob')]);
    assert.equal(signed.code, 0, signed.stderr);
  });

  const who = (): string[] => ['--certificate-identity', 'maria@sealward.test', '--certificate-oidc-issuer', `${server.url}/oidc`];
  /** Starts signing, and does as the person does when the program has said what to do. */
  async function signs(flow: string, asks: RegExp, person: (said: string) => Promise<void>): Promise<{ code: number; stderr: string }> {
    const services = [
      '--signing-config',
      server.signingConfig,
      '--trusted-root',
      server.trustedRoot,
      '--oidc-disable-ambient-providers',
      '--fulcio-auth-flow',
      flow,
      '--timeout',
      '40s',
    ];
    const { child, finished } = workshop.start(['sign-blob', ...services, '--bundle', workshop.path(`${flow}.json`), workshop.path('blob')]);
    let said = '';
    const asked = new Promise<void>((resolve) => {
      child.stderr.on('data', (text: string) => {
        said += text;
        if (asks.test(said)) resolve();
      });
    });
    // A program that ends before it asked has failed, and says why.
    await Promise.race([asked, finished]);
    if (asks.test(said)) await person(asks.exec(said)?.[1] ?? '');
    return finished;
  }
  const form = (fields: Record<string, string>): RequestInit => ({ method: 'POST', body: new URLSearchParams(fields) });

  it('sign in with a browser, and their address stands in the certificate', async () => {
    const ran = await signs('normal', /browser:\s+(http\S+)\n/, async (url) => {
      const page = await (await fetch(url)).text();
      const login = /name="login" value="([^"]+)"/.exec(page)?.[1] ?? '';
      assert.equal((await fetch(`${server.url}/oidc/auth`, form({ login, username: 'maria', password: 'wrong' }))).status, 401);
      // The browser is sent back to the program, which thanks.
      const end = await fetch(`${server.url}/oidc/auth`, form({ login, username: 'maria', password: PASSWORD }));
      assert.match(await end.text(), /Thank you/);
    });
    assert.equal(ran.code, 0, ran.stderr);
    // Who signed in, and whose password was wrong, stands in the control log, without the name.
    const accessed = async (): Promise<string[]> =>
      (await controlRecords(server)).flatMap(({ type, action }) => (type === 'access/v1' && action !== 'start' ? [action] : []));
    while ((await accessed()).length < 2);
    assert.deepEqual((await accessed()).sort(), ['sign-in', 'sign-in-refused']);
    const asked = ['--trusted-root', server.trustedRoot, ...who(), '--bundle', workshop.path('normal.json'), workshop.path('blob')];
    assert.equal((await workshop.sealward(['verify-blob', ...asked])).code, 0);
  });

  it('sign in by a code in any browser, or say no', async () => {
    const answers = (answer: string) => async (code: string) => {
      await fetch(`${server.url}/oidc/device`, form({ user_code: code, username: 'maria', password: PASSWORD, answer }));
    };
    const ran = await signs('device', /code:\s+([A-Z0-9]{4}-[A-Z0-9]{4})\n/, answers('yes'));
    assert.equal(ran.code, 0, ran.stderr);
    const asked = ['--trusted-root', server.trustedRoot, ...who(), '--bundle', workshop.path('device.json'), workshop.path('blob')];
    assert.equal((await workshop.sealward(['verify-blob', ...asked])).code, 0);
    const denied = await signs('device', /code:\s+([A-Z0-9]{4}-[A-Z0-9]{4})\n/, answers('no'));
    assert.match(denied.stderr, /ERR_TOKEN_MISSING/);
  });
});

describe('the process of a server', () => {
  it('says when it is ready, ends with 0 when it is told to, and names what is wrong with its configuration', async () => {
    const server = await startOwnServer();
    try {
      await server.halt();
      const start = (): { said: () => string; ready: Promise<void>; ended: Promise<number | null>; stop: () => void } => {
        const program = [join(repositoryRoot, 'src/apps/quickstart/main.ts'), 'server', '--config', server.config];
        const child = spawn(process.execPath, program, { env: { HOME: server.folder, PATH: '/usr/bin:/bin' }, stdio: ['ignore', 'pipe', 'pipe'] });
        let said = '';
        const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
        const ready = new Promise<void>((resolve, reject) => {
          child.stderr.setEncoding('utf8').on('data', (text: string) => {
            said += text;
            if (said.includes('"msg":"ready"')) resolve();
          });
          void ended.then((code) => reject(new Error(`it ended with ${code}: ${said}`)));
        });
        ready.catch(() => undefined);
        return { said: () => said, ready, ended, stop: () => void child.kill('SIGTERM') };
      };
      const running = start();
      await running.ready;
      const token = await server.token();
      running.stop();
      assert.equal(await running.ended, 0, running.said());
      assert.match(running.said(), /"msg":"ended"/);
      assert.ok(!running.said().includes(token));
      await assert.rejects(fetch(`${server.url}/api/v2/trustBundle`));
      writeFileSync(server.config, 'url: nonsense\nlisten: 7\n');
      const wrong = start();
      assert.equal(await wrong.ended, 2);
      assert.match(wrong.said(), /server\.yaml:1:6: url must be a URL[^]*server\.yaml:2:9: listen must be a text[^]*ERR_CONFIG_INVALID/);
    } finally {
      await server.stop();
    }
  });
});
