/** A server of one's own, from `sealward server init` to certificates and timestamps, and how it ends and refuses to start. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { after, before, describe, it } from 'node:test';
import { serverCommand } from '../../src/apps/quickstart/more-commands.ts';
import { initServer, openServer, readServerConfig } from '../../src/apps/server/index.ts';
import { fulcioClaims, parseCertificatesPem, signBytes, signerNames } from '../../src/core/crypto/index.ts';
import { encodeBase64, encodePem, utf8 } from '../../src/core/encoding/index.ts';
import { parseSigningConfig, parseTrustedRoot, selectServices } from '../../src/core/trust/index.ts';
import { createTestKey } from '../../src/testing/index.ts';
import { pino } from 'pino';
import { sealward } from '../cli.ts';
import { freePort, type OwnServer, startOwnServer, WORKLOAD } from '../own-server.ts';
import { requirePostgres, startPostgres } from '../postgres.ts';
import { Workshop } from './workshop.ts';

/** What a client of Fulcio sends. */
async function askForCertificate(
  server: Pick<OwnServer, 'url'>,
  token: string,
  subject = WORKLOAD,
): Promise<{ readonly status: number; readonly body: string }> {
  const key = createTestKey('ecdsa-p256');
  const answer = await fetch(`${server.url}/api/v2/signingCert`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      credentials: { oidcIdentityToken: token },
      publicKeyRequest: {
        publicKey: { algorithm: 'ECDSA', content: encodePem('PUBLIC KEY', key.publicKey.spki) },
        proofOfPossession: encodeBase64(signBytes(key.privateKey, key.algorithm, utf8(subject))),
      },
    }),
  });
  return { status: answer.status, body: await answer.text() };
}

describe('a server of one’s own', () => {
  let server: OwnServer;
  before(async () => void (server = await startOwnServer()));
  after(() => server.stop());

  it('keeps its keys encrypted and for itself, and its root apart', () => {
    for (const name of readdirSync(join(server.folder, 'keys')).filter((file) => file.endsWith('.key'))) {
      assert.match(readFileSync(join(server.folder, 'keys', name), 'utf8'), /^-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY/);
      assert.equal(statSync(join(server.folder, 'keys', name)).mode & 0o077, 0);
    }
    assert.deepEqual(readdirSync(join(server.folder, 'offline')).sort(), ['password', 'root.key', 'root.pem', 'trust.key']);
    assert.equal(existsSync(join(server.folder, 'keys/root.key')), false);
  });

  it('certifies whom its own issuer names, under the root that it publishes', async () => {
    const { status, body } = await askForCertificate(server, await server.token());
    assert.equal(status, 200, body);
    const { signedCertificateEmbeddedSct } = JSON.parse(body) as { signedCertificateEmbeddedSct: { chain: { certificates: string[] } } };
    const [leaf, issuer] = parseCertificatesPem(signedCertificateEmbeddedSct.chain.certificates.join(''), 'the chain');
    assert.ok(leaf && issuer);
    assert.deepEqual([signerNames(leaf), fulcioClaims(leaf).issuer], [[WORKLOAD], `${server.url}/oidc`]);
    const root = parseTrustedRoot(readFileSync(server.trustedRoot));
    assert.equal(root.authorities[0]?.certificates[0]?.fingerprint, issuer.fingerprint);
    const config = parseSigningConfig(readFileSync(server.signingConfig));
    assert.deepEqual(
      selectServices(config.authorities, [1], { rule: 'any' }, Date.now(), 'authority').map(({ url }) => url),
      [server.url],
    );
  });

  it('writes each certificate into its certificate log, and what it did into one of its own, for those who run it', async () => {
    const { body } = await askForCertificate(server, await server.token());
    const { signedCertificateEmbeddedSct } = JSON.parse(body) as { signedCertificateEmbeddedSct: { chain: { certificates: string[] } } };
    const [leaf] = parseCertificatesPem(signedCertificateEmbeddedSct.chain.certificates.join(''), 'the chain');
    assert.ok(leaf);
    const checkpoint = await (await fetch(`${server.url}/ct/checkpoint`)).text();
    const [origin, size] = checkpoint.split('\n');
    assert.equal(origin, 'localhost/ct');
    const entries = Buffer.from(await (await fetch(`${server.url}/ct/tile/data/000.p/${size}`)).arrayBuffer());
    assert.ok(entries.includes(Buffer.from(leaf.serialBytes)), 'the log holds it before it was given');
    assert.equal((await fetch(`${server.url}/control/checkpoint`)).status, 404, 'not for clients');
    const events = Number((await (await fetch(`${server.operations}/control/checkpoint`)).text()).split('\n')[1]);
    const bundle = await (await fetch(`${server.operations}/control/bundle/${events - 1}`)).text();
    assert.ok(!Buffer.from(JSON.stringify(JSON.parse(bundle)), 'utf8').includes(WORKLOAD));
    const workshop = new Workshop();
    try {
      const asked = ['--trusted-root', join(server.folder, 'certificates/control-root.json'), '--key', join(server.folder, 'certificates/auditor.pub')];
      const type = ['--type', 'https://sealward.dev/control/signing/v1', '--bundle', workshop.file('event.json', bundle), '--digest', leaf.fingerprint];
      const verified = await sealward(['verify-blob-attestation', ...asked, ...type]);
      assert.equal(verified.code, 0, verified.stderr);
      const other = await sealward(['verify-blob-attestation', ...asked, ...type.slice(0, -1), 'ab'.repeat(32)]);
      assert.notEqual(other.code, 0);
    } finally {
      workshop.remove();
    }
  });

  it('takes a token once, also after it was started again', async () => {
    const token = await server.token();
    assert.equal((await askForCertificate(server, token)).status, 200);
    assert.match((await askForCertificate(server, token)).body, /ERR_TOKEN_REPLAYED/);
    await server.restart();
    assert.match((await askForCertificate(server, token)).body, /ERR_TOKEN_REPLAYED/);
  });

  it('says how it is: health, readiness, numbers and a state in words', async () => {
    assert.deepEqual(await (await fetch(`${server.operations}/readyz`)).json(), { ready: true, problems: [] });
    assert.equal((await fetch(`${server.operations}/healthz`)).status, 200);
    assert.match(await (await fetch(`${server.operations}/metrics`)).text(), /sealward_clock_refuses 0/);
    const said = await sealward(['server', 'status', '--config', server.config, '-o', 'text'], { more: [serverCommand] });
    assert.equal(said.code, 0, said.stderr);
    assert.match(said.stdout, /\nkeys\n[^]* {2}log: Ed25519, 0 days in force, SHA-256 [0-9a-f]{16}…\n/);
    assert.match(said.stdout, /^ready\n[^]*issued \d+[^]*CN=sealward\.test certificates,O=sealward\.test, 0 days old, 1094 days left/);
    assert.equal((await fetch(`${server.url}/metrics`)).status, 404, 'not for clients');
  });

  it('serves nothing but its repository of trust', async () => {
    for (const path of [
      '../server.yaml',
      '%2e%2e/server.yaml',
      '..%2fsecrets/key-password',
      '.hidden',
      '',
      'targets',
      'targets/../../server.yaml',
      'a'.repeat(900),
    ]) {
      const answer = await fetch(`${server.url}/trust/${path}`);
      assert.equal(answer.status, 404, path);
    }
  });

  it('writes neither tokens nor passwords to its log', async () => {
    const token = await server.token();
    await askForCertificate(server, token);
    assert.ok(server.log.length > 0);
    assert.ok(!server.log.some((line) => line.includes(token) || line.includes('eyJ')));
  });
});

describe('a server that cannot be what it was', () => {
  const logger = pino({ level: 'silent' });
  const refuses = async (server: OwnServer, code: string, says: RegExp): Promise<void> => {
    const before = readFileSync(join(server.folder, 'state/server.db'));
    await assert.rejects(openServer({ config: readServerConfig(server.config), logger, version: 'test', keyOptions: {}, failed: assert.ifError }), (error) => {
      const { code: found, message } = error as { code?: string; message: string };
      assert.equal(found, code, message);
      assert.match(message, says);
      return true;
    });
    assert.deepEqual(readFileSync(join(server.folder, 'state/server.db')), before, 'nothing is changed');
  };

  it('refuses to start: a second one, a wrong password, another certificate, a damaged database', async () => {
    const server = await startOwnServer();
    try {
      await refuses(server, 'ERR_STATE_INVALID', /in use by another process/);
      await server.halt();
      const at = (name: string): string => join(server.folder, name);
      const swapped = async (name: string, content: string | Uint8Array, code: string, says: RegExp): Promise<void> => {
        const before = readFileSync(at(name));
        writeFileSync(at(name), content);
        await refuses(server, code, says);
        writeFileSync(at(name), before);
      };
      await swapped('secrets/key-password', 'wrong\n', 'ERR_KEY_PASSWORD', /does not open/);
      await swapped('secrets/key-password', '', 'ERR_FILE_UNREADABLE', /is empty/);
      await swapped('certificates/authority.pem', readFileSync(at('certificates/timestamp.pem')), 'ERR_STATE_INVALID', /of another key/);
      await swapped('certificates/timestamp.pem', readFileSync(at('certificates/authority.pem')), 'ERR_STATE_INVALID', /of another key/);
      await swapped('keys/timestamp.key', 'nonsense', 'ERR_KEY_INVALID', /key file/);
      await swapped('state/server.db', Buffer.alloc(8192, 7), 'ERR_STATE_INVALID', /damaged, or is no database/);
      for (const lost of ['state/server.db', 'state/log/log.db', 'state/control-log/log.db', 'state/certificate-log/sign.db']) {
        const before = readFileSync(at(lost));
        rmSync(at(lost));
        const others = (): string[] => (readdirSync(at('state'), { recursive: true }) as string[]).sort();
        const there = others();
        await assert.rejects(openServer({ config: readServerConfig(server.config), logger, version: 'test', keyOptions: {}, failed: assert.ifError }), {
          code: 'ERR_STATE_INVALID',
          message: /missing/,
        });
        assert.deepEqual(others(), there, `${lost} is not made anew`);
        writeFileSync(at(lost), before);
      }
      await server.restart();
    } finally {
      await server.stop();
    }
  });

  it('refuses to start, or to sign, when the clock is years off', async () => {
    const YEARS = 5 * 365 * 86_400_000;
    const server = await startOwnServer();
    try {
      await server.halt();
      const config = readServerConfig(server.config);
      const startAt = (now: () => number) => openServer({ config, logger, version: 'test', keyOptions: {}, failed: assert.ifError, now });
      const refused = { code: 'ERR_CLOCK_REFUSED' };
      await assert.rejects(
        startAt(() => Date.now() - YEARS),
        { ...refused, message: /certificate of the (?:timestamp )?authority is valid from/ },
      );
      await assert.rejects(
        startAt(() => Date.now() + YEARS),
        { ...refused, message: /is valid until/ },
      );
      let off = 0;
      const running = await startAt(() => Date.now() + off);
      try {
        const token = await server.token();
        off = YEARS;
        const answer = await askForCertificate(server, token);
        assert.equal(answer.status, 503, answer.body);
        assert.match(answer.body, /ERR_CLOCK_REFUSED: nothing is dated: the clock jumped/);
        assert.match(await (await fetch(`${server.operations}/readyz`)).text(), /the clock jumped/);
        off = 0;
        assert.equal((await askForCertificate(server, await server.token())).status, 200);
      } finally {
        await running.close();
      }
      // What it dated last is remembered.
      await assert.rejects(
        startAt(() => Date.now() - 60_000),
        { ...refused, message: /has dated something at/ },
      );
    } finally {
      await server.stop();
    }
  });

  it('shares one database with another one: a token that was used at one is used at both', async (t) => {
    if (!requirePostgres(t)) return;
    const postgres = await startPostgres();
    try {
      const server = await startOwnServer({ init: { database: await postgres.database() } });
      try {
        assert.deepEqual(readdirSync(join(server.folder, 'state')), []);
        const [port, operations] = [await freePort(), await freePort()];
        const config = { ...readServerConfig(server.config), listen: { host: '127.0.0.1', port }, operations: { host: '127.0.0.1', port: operations } };
        const second = await openServer({ config, logger, version: 'test', keyOptions: {}, failed: assert.ifError });
        try {
          const token = await server.token();
          assert.equal((await askForCertificate({ url: `http://127.0.0.1:${port}` }, token)).status, 200);
          assert.match((await askForCertificate(server, token)).body, /ERR_TOKEN_REPLAYED/);
        } finally {
          await second.close();
        }
        await postgres.kill();
        assert.match((await askForCertificate(server, await server.token())).body, /ERR_SERVICE_UNAVAILABLE/);
        assert.equal((await fetch(`${server.operations}/readyz`)).status, 503);
        await postgres.start();
        assert.equal((await askForCertificate(server, await server.token())).status, 200);
        assert.equal((await fetch(`${server.operations}/readyz`)).status, 200);
        // It ends also when the database is gone for good.
        await postgres.kill();
        await server.halt().catch((error: unknown) => assert.equal((error as { code?: string }).code, 'ERR_SERVICE_UNAVAILABLE'));
        await assert.rejects(fetch(`${server.operations}/healthz`));
      } finally {
        await server.stop();
      }
    } finally {
      await postgres.stop();
    }
  });

  it('makes no folder twice, and leaves none half made', async () => {
    const workshop = new Workshop();
    try {
      const folder = workshop.path('sigstore');
      const args = ['server', 'init', '--folder', folder, '-o', 'json'];
      const made = await sealward(args, { more: [serverCommand] });
      assert.equal(made.code, 0, made.stderr);
      assert.equal((JSON.parse(made.stdout) as { url: string }).url, 'https://localhost:8443');
      const before = readFileSync(join(folder, 'keys/authority.key'), 'utf8');
      const again = await sealward(args, { more: [serverCommand] });
      assert.match(again.stderr, /is not empty, and keys are never overwritten/);
      assert.equal(readFileSync(join(folder, 'keys/authority.key'), 'utf8'), before);
      const wrong = await sealward(['server', 'init', '--folder', workshop.path('other'), '--key', 'authority=missing.key'], { more: [serverCommand] });
      assert.notEqual(wrong.code, 0);
      assert.equal(existsSync(workshop.path('other')), false);
      const options = { url: 'https://localhost', listen: '127.0.0.1:0', operations: '127.0.0.1:0', organization: 'x', keys: {}, keyOptions: {}, now: 0 };
      const interrupted = initServer({ ...options, folder: workshop.path('other/deep'), seal: async () => '', signal: AbortSignal.abort() });
      await assert.rejects(interrupted, { code: 'ERR_INTERRUPTED' });
      assert.equal(existsSync(workshop.path('other')), false);
    } finally {
      workshop.remove();
    }
  });

  it('speaks TLS by an authority for its own name, and takes another certificate while connections go on', async () => {
    const server = await startOwnServer({
      tls: true,
      tlsLookMs: 20,
      configure: (yaml) => yaml.replace('tls/server.pem }', 'tls/server.pem, names: [next.sealward.test] }'),
    });
    const kept = new Agent({ keepAlive: true, maxSockets: 1 });
    try {
      const at = (name: string): string => join(server.folder, name);
      const ca = readFileSync(at('tls/ca.pem'), 'utf8');
      const ask = (agent: Agent | false): Promise<{ readonly status: number | undefined; readonly certificate: string; readonly port: number | undefined }> =>
        new Promise((resolve, reject) => {
          request(`${server.url}/api/v2/trustBundle`, { ca, agent }, (answer) => {
            const { localPort: port } = answer.socket;
            const certificate = (answer.socket as TLSSocket).getPeerCertificate().fingerprint256;
            answer.resume().on('end', () => resolve({ status: answer.statusCode, certificate, port }));
          })
            .on('error', reject)
            .end();
        });
      const first = await ask(kept);
      assert.equal(first.status, 200);
      await assert.rejects(fetch(`${server.url}/api/v2/trustBundle`), 'nobody else vouches for it');
      const said = async (): Promise<string> =>
        (await sealward(['server', 'status', '--config', server.config, '-o', 'text'], { more: [serverCommand] })).stdout;
      assert.match(await said(), /\ntls\n {2}certificate: CN=localhost,O=sealward\.test, 0 days old, 729 days left\n/);
      // A key of another certificate: it goes on with what it has, and says so; with it, it does not start.
      const before = readFileSync(at('tls/server.key'));
      writeFileSync(at('tls/server.key'), readFileSync(at('keys/identity.key')));
      while (!/not taken: the key for TLS .* is of another certificate/.test(await said()));
      assert.deepEqual([(await ask(false)).certificate, (await ask(kept)).port], [first.certificate, first.port]);
      const config = readServerConfig(server.config);
      const second = { ...config, listen: { host: '127.0.0.1', port: 0 }, operations: { host: '127.0.0.1', port: 0 } };
      await server.halt();
      await assert.rejects(openServer({ config: second, logger, version: 'test', keyOptions: {}, failed: assert.ifError }), {
        code: 'ERR_STATE_INVALID',
        message: /for TLS/,
      });
      writeFileSync(at('tls/server.key'), before);
      await server.restart();
      const again = await ask(kept);
      // The authority for TLS lies with the root, and is taken away with it.
      const rotate = ['server', 'rotate', 'tls', '--config', server.config, '--offline'];
      const without = await sealward([...rotate, at('keys')], { more: [serverCommand] });
      assert.match(without.stderr, /holds no authority for TLS/);
      const rotated = await sealward([...rotate, at('offline')], { more: [serverCommand] });
      assert.equal(rotated.code, 0, rotated.stderr);
      while ((await ask(false)).certificate === first.certificate);
      const after = await ask(kept);
      assert.deepEqual([after.status, after.port, after.certificate], [200, again.port, first.certificate], 'the connection goes on');
      assert.doesNotMatch(await said(), /not taken/);
      await server.restart();
      assert.notEqual((await ask(false)).certificate, first.certificate);
      const [renewed] = parseCertificatesPem(readFileSync(at('tls/server.pem'), 'utf8'), 'the certificate for TLS');
      assert.ok(
        renewed?.subjectAlternativeNames.some(({ value }) => value === 'next.sealward.test'),
        'a name of a shard to come',
      );
    } finally {
      kept.destroy();
      await server.stop();
    }
  });
});
