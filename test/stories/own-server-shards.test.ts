/** The log of a server of one's own goes on in another shard: keys first, then the freeze, and everybody verifies across. */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { serverCommand } from '../../src/apps/quickstart/more-commands.ts';
import { encodeHex } from '../../src/core/encoding/index.ts';
import { leafHash, parseCheckpoint, parseNote } from '../../src/core/tlog/index.ts';
import { type OwnServer, startOwnServer, WORKLOAD } from '../own-server.ts';
import { requirePeers } from '../peers.ts';
import { type Ran, Workshop } from './workshop.ts';

/** On this machine there are two host names that lead to it without a name server. */
const [FIRST, NEXT] = ['localhost', '127.0.0.1'] as const;

describe('another shard of the log', () => {
  const workshop = new Workshop();
  let server: OwnServer | undefined;
  const own = (): OwnServer => {
    assert.ok(server);
    return server;
  };
  before(async () => {
    server = await startOwnServer();
    workshop.file('blob', 'a release');
    // What a client remembers that has heard nothing of the new shard.
    copyFileSync(server.signingConfig, workshop.path('before.json'));
  });
  after(async () => {
    await server?.stop();
    workshop.remove();
  });

  const passes = (ran: Ran): string => {
    assert.equal(ran.code, 0, ran.stderr);
    return ran.stdout;
  };
  const at = (name: string): string => join(own().folder, name);
  const url = (host: string): string => own().url.replace(FIRST, host);
  const checkpoint = async (host: string) => parseCheckpoint(parseNote(await (await fetch(`${url(host)}/checkpoint`)).text()));
  const signs = async (bundle: string, signing = own().signingConfig): Promise<string> => {
    const token = ['--identity-token', workshop.file('token', await own().token())];
    passes(
      await workshop.sealward([
        'sign-blob',
        '--signing-config',
        signing,
        '--trusted-root',
        own().trustedRoot,
        ...token,
        '--bundle',
        workshop.path(bundle),
        workshop.path('blob'),
      ]),
    );
    const { verificationMaterial } = JSON.parse(workshop.read(bundle)) as {
      verificationMaterial: { tlogEntries: readonly { inclusionProof: { checkpoint: { envelope: string } } }[] };
    };
    return verificationMaterial.tlogEntries[0]?.inclusionProof.checkpoint.envelope.split('\n', 1)[0] ?? '';
  };
  const asked = (): string[] => ['--trusted-root', own().trustedRoot, '--certificate-identity', WORKLOAD, '--certificate-oidc-issuer', `${own().url}/oidc`];

  it('is staged, and closes nothing before clients can know it', async () => {
    assert.equal(await signs('first.json'), FIRST);
    const rotate = ['server', 'rotate', 'log', '--config', own().config];
    assert.match((await workshop.sealward(rotate, { more: [serverCommand] })).stderr, /needs a host name of its own/);
    assert.match((await workshop.sealward([...rotate, '--name', FIRST], { more: [serverCommand] })).stderr, /is the name of a shard already/);
    const words = passes(await workshop.sealward([...rotate, '--name', NEXT], { more: [serverCommand] }));
    const again = await workshop.sealward([...rotate, '--name', NEXT], { more: [serverCommand] });
    assert.match(again.stderr, /127\.0\.0\.1 is the name of a log that .* knows already/, 'a shard with two keys would be two logs');
    assert.equal(existsSync(at('keys/log-3.key')), false);
    const section = words
      .slice(words.indexOf('   log:'))
      .split('\n')
      .map((line) => line.slice(3))
      .join('\n');
    const yaml = readFileSync(own().config, 'utf8');
    writeFileSync(
      own().config,
      yaml.replace(/^log:\n(?: .*\n)+/m, () => `${section}\n`),
    );
    await own().halt();
    await assert.rejects(own().restart(), { code: 'ERR_CONFIG_INVALID', message: /does not list the shard 127\.0\.0\.1 yet/ });
    // Nothing was closed: with the configuration before, it goes on.
    const next = readFileSync(own().config, 'utf8');
    writeFileSync(own().config, yaml);
    await own().restart();
    assert.equal(await signs('second.json', workshop.path('before.json')), FIRST);
    writeFileSync(own().config, next);
  });

  it('begins with the last checkpoint of the one before, which stays where it was', async () => {
    const trust = (...args: readonly string[]): Promise<Ran> => workshop.sealward(['trust', ...args, '--folder', at('trust')]);
    passes(await trust('sign', '--key', at('offline/trust.key'), '--password-file', at('offline/password')));
    passes(await trust('publish', '--key', at('keys/trust.key'), '--password-file', at('secrets/key-password')));
    await own().restart();
    assert.equal(await signs('third.json'), NEXT);
    const [old, young] = [await checkpoint(FIRST), await checkpoint(NEXT)];
    assert.deepEqual([old.origin, old.size, young.origin, young.size], [FIRST, 3n, NEXT, 2n]);
    const entries = new Uint8Array(await (await fetch(`${url(NEXT)}/tile/entries/000.p/2`)).arrayBuffer());
    const length = new DataView(entries.buffer).getUint16(0);
    const leaf = encodeHex(leafHash(entries.slice(2, 2 + length)));
    const { payload } = (await (await fetch(`${url(NEXT)}/envelope/${leaf}`)).json()) as { payload: string };
    const statement = JSON.parse(Buffer.from(payload, 'base64').toString()) as {
      predicate: { action: string; previous: { origin: string; checkpoint: string } };
    };
    assert.deepEqual([statement.predicate.action, statement.predicate.previous.origin], ['open', FIRST]);
    assert.equal(statement.predicate.previous.checkpoint, await (await fetch(`${url(FIRST)}/checkpoint`)).text());
    assert.equal((await fetch(`${url(FIRST)}/envelope/${leaf}`)).status, 404, 'it stands in the other shard');
    assert.equal((await fetch(`${url(NEXT)}/envelope/nothing`)).status, 404);
    for (const host of [FIRST, NEXT]) passes(await workshop.sealward(['log', 'verify', url(host), '--trusted-root', own().trustedRoot]));
  });

  it('is verified across, and whoever has heard nothing of it still gets an entry', async () => {
    assert.equal(await signs('unaware.json', workshop.path('before.json')), NEXT);
    for (const bundle of ['first.json', 'second.json', 'third.json', 'unaware.json'])
      passes(await workshop.sealward(['verify-blob', ...asked(), '--bundle', workshop.path(bundle), workshop.path('blob')]));
    const sizes = [(await checkpoint(FIRST)).size, (await checkpoint(NEXT)).size];
    await own().restart();
    assert.deepEqual([(await checkpoint(FIRST)).size, (await checkpoint(NEXT)).size], sizes, 'a start adds nothing');
    const { parts } = (await (await fetch(`${own().operations}/status`)).json()) as { parts: { log: { former: string[] } } };
    assert.deepEqual(parts.log.former, [`${FIRST}, closed with 3 entries`]);
  });

  it('is taken by cosign 3 as it is released: bundles of both shards, and a new one', async (t) => {
    if (!requirePeers(t, 'cosign3')) return;
    const verify = (bundle: string) =>
      workshop.must('cosign3', ['verify-blob', ...asked(), '--use-signed-timestamps', '--bundle', workshop.path(bundle), workshop.path('blob')]);
    for (const bundle of ['first.json', 'third.json']) await verify(bundle);
    const services = ['--signing-config', own().signingConfig, '--trusted-root', own().trustedRoot];
    const token = ['--identity-token', workshop.file('token', await own().token())];
    await workshop.must('cosign3', ['sign-blob', '--yes', ...services, ...token, '--bundle', workshop.path('theirs.json'), workshop.path('blob')]);
    await verify('theirs.json');
    assert.equal((await checkpoint(NEXT)).size, 4n);
  });
});
