/** `sealward trust`, as people use it who keep whom they trust in a repository. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { configMapSource, TrustClient } from '../../src/clients/trust/index.ts';
import { createTestKey, createTestSigstore, MemoryRegistry } from '../../src/testing/index.ts';
import { encodePublicKeyPem } from '../../src/core/crypto/index.ts';
import type { CliResult } from '../cli.ts';
import { fakeAuthority } from '../fakes/key-server.ts';
import { FakeVault, VAULT_TOKEN } from '../fakes/vault-transit.ts';
import { commandLines, sealwardArguments } from '../documentation.ts';
import { requirePeers } from '../peers.ts';
import { repositoryRoot } from '../vectors.ts';
import { quickKeyFile } from './quick-key-file.ts';
import { PASSWORD, Workshop } from './workshop.ts';

/** Keys that open at once, for all stories but the one about key files. */
const vault = new FakeVault();
before(async () => void (await vault.start()));
after(() => vault.close());

/** A working folder with three people and an online key; two must sign, one may deny. */
class Office extends Workshop {
  readonly #files: boolean;

  constructor(t: TestContext, { people = ['alice', 'bob', 'carol', 'online'], files = false } = {}) {
    super();
    t.after(() => this.remove());
    this.#files = files;
    for (const name of people) {
      const kind = name === 'bob' ? 'ed25519' : 'ecdsa-p256';
      if (files) {
        const { key, pub } = quickKeyFile(kind, PASSWORD);
        this.file(`${name}.key`, key);
        this.file(`${name}.pub`, pub);
      } else {
        const { privateKey, publicKey } = createTestKey(kind);
        vault.add(this.#nameOf(name), privateKey);
        this.file(`${name}.pub`, encodePublicKeyPem(publicKey));
      }
    }
    this.file('release.pub', encodePublicKeyPem(createTestKey().publicKey));
    this.file('ca.pem', fakeAuthority);
  }

  #nameOf(name: string): string {
    return `${basename(this.folder)}-${name}`;
  }

  override get environment(): Record<string, string> {
    return { ...super.environment, VAULT_ADDR: vault.url, VAULT_TOKEN, VAULT_CACERT: this.path('ca.pem') };
  }

  keyOf(name: string): string {
    return this.#files ? this.path(`${name}.key`) : `hashivault://${this.#nameOf(name)}`;
  }

  /** Names of people stand for their keys. */
  ask(words: string, ...by: string[]): Promise<CliResult> {
    const args = words.split(' ').map((word) => word.replaceAll('~', ' ').replace(/^@/, `${this.folder}/`));
    const folder = args[0] === 'verify' ? [] : ['--folder', this.path('trust')];
    return this.sealward(['trust', ...args, ...folder, ...by.flatMap((name) => ['--key', this.keyOf(name)]), '-o', 'json']);
  }

  async does(words: string, ...by: string[]): Promise<Record<string, unknown>> {
    const { code, stdout, stderr } = await this.ask(words, ...by);
    assert.equal(code, 0, `${words}: ${stderr}`);
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  async refuses(code: string, words: string, ...by: string[]): Promise<string> {
    const ran = await this.ask(words, ...by);
    assert.notEqual(ran.code, 0, `${words}: ${ran.stdout}`);
    assert.match(ran.stdout, new RegExp(`"${code}"`), ran.stderr);
    return ran.stderr;
  }

  async founded(): Promise<this> {
    const signers = ['alice', 'bob', 'carol'].flatMap((name) => ['--signer', `${name}=@${name}.pub`]);
    const words = ['init', ...signers, '--online-key', '@online.pub'].join(' ').replaceAll('=@', `=${this.folder}/`);
    await this.does(words, 'alice', 'bob');
    await this.does('publish', 'online');
    return this;
  }

  async inForce(): Promise<Record<string, string[] | string>> {
    return (await this.does('show'))['inForce'] as Record<string, string[]>;
  }
}

function policyText(name: string, number: number): string {
  const spec = `{ authorities: [{ name: a, key: { fingerprint: "${String(number).repeat(64)}" } }], signatures: a }`;
  return `apiVersion: sealward.dev/v1alpha1\nkind: ImagePolicy\nmetadata: { name: ${name} }\nspec: ${spec}\n`;
}

const EXCEPTION = `apiVersion: sealward.dev/v1alpha1
kind: ImageException
metadata: { name: hotfix }
spec:
  digests: ["sha256:${'3'.repeat(64)}"]
  policies: [app]
  reason: The signing service was down.
  approvedBy: [alice@example.test, bob@example.test]
  from: 2026-11-01T00:00:00Z
  until: 2026-11-08T00:00:00Z
`;

describe('a trust repository from files', () => {
  it('two people add a key: one signature is not enough, and who is missing is said', async (t) => {
    const office = await new Office(t, { files: true }).founded();
    const added = await office.does('key add release --public-key @release.pub', 'alice');
    assert.deepEqual(added['staged'], [{ role: 'keys', complete: false, signed: ['1 of 2: alice'], maySign: ['bob', 'carol'] }]);
    const why = await office.refuses('ERR_TRUST_SIGNATURE', 'publish', 'online');
    assert.match(why, /the metadata of "keys" is signed by 1 of the 2 distinct keys/);
    await office.refuses('ERR_TRUST_PLAN', 'sign', 'online');
    assert.equal(((await office.does('sign', 'bob'))['staged'] as { complete: boolean }[])[0]?.complete, true);
    assert.match(String((await office.does('diff'))['changes']), /^the key release\/1 is added: active since .*, artifact, SHA-256 [0-9a-f]{16}\.\.\.$/);
    const { versions, signedAnew } = (await office.does('publish @out', 'online')) as { versions: Record<string, number>; signedAnew: string[] };
    assert.deepEqual([versions['keys'], versions['policy'], signedAnew], [2, 1, ['keys']]);
    const verified = await office.does('verify @out');
    assert.match((verified['keys'] as string[])[0] ?? '', /^release\/1 \(artifact\): active since /);
  });

  it('one person revokes alone, everybody who verifies learns it, and nobody takes it back', async (t) => {
    const office = await new Office(t).founded();
    await office.does('key add release --public-key @release.pub', 'alice', 'bob');
    await office.does('publish @out', 'online');
    await office.does('verify @out');
    assert.match(await office.refuses('ERR_FLAG_CONFLICT', 'key revoke release/1', 'carol'), /--reason/);
    await office.does('key revoke release/1 --reason laptop~stolen', 'carol');
    await office.does('deny digest sha256:'.concat('ab'.repeat(32), ' --reason malware'), 'carol');
    await office.does('publish @out', 'online');
    const verified = (await office.does('verify @out')) as { keys: string[]; denied: string[] };
    assert.match(verified.keys[0] ?? '', /^release\/1 \(artifact\): compromised from /);
    assert.deepEqual(verified.denied, [`the image sha256:${'ab'.repeat(32)}: malware`]);
    await office.refuses('ERR_TRUST_TRANSITION', 'key activate release/1', 'alice', 'bob');
    // By hand, past the command: what is published is verified as clients verify it.
    writeFileSync(office.path('trust/content/deny/denials.json'), '{"apiVersion":"sealward.dev/v1alpha1","kind":"DenialList","denials":[]}');
    assert.match(JSON.stringify((await office.does('diff'))['changes']), /is gone, which no client takes/);
    assert.match(
      await office.refuses('ERR_TRUST_TRANSITION', 'publish', 'alice', 'bob', 'online'),
      /the key release\/1 was compromised and cannot become active/,
    );
  });

  it('whoever suspends a key does not lift it, two others do', async (t) => {
    const office = await new Office(t).founded();
    await office.does('key add release --public-key @release.pub', 'alice', 'bob');
    await office.does('publish', 'online');
    assert.match(await office.refuses('ERR_FLAG_CONFLICT', 'key suspend release/1 --reason odd'), /--key is missing/);
    await office.does('key suspend release/1 --reason odd', 'alice');
    await office.does('publish', 'online');
    assert.match(String((await office.inForce())['keys']), /suspended since/);
    await office.does('key activate release/1', 'alice', 'bob');
    assert.match(await office.refuses('ERR_TRUST_TRANSITION', 'publish', 'online'), /lifted by 1 of the 2 others/);
    await office.does('sign', 'carol');
    await office.does('publish', 'online');
    assert.match(String((await office.inForce())['keys']), /active since/);
  });

  it('a key lives its life one step at a time', async (t) => {
    const office = await new Office(t).founded();
    const both = ['alice', 'bob'];
    await office.does('key add release --public-key @release.pub --from 2999-01-01T00:00:00Z --operator us --protection hardware', ...both);
    assert.match(await office.refuses('ERR_TRUST_TRANSITION', 'key retire release/1', ...both), /is pre-active and cannot become retired/);
    await office.does('key activate release/1', ...both);
    await office.does('publish', 'online');
    await office.refuses('ERR_TRUST_TRANSITION', 'key destroy release/1', ...both);
    await office.does('key retire release/1 --accept-undated-until 2999-01-01T00:00:00Z', ...both);
    await office.does('key destroy release/1', ...both);
    await office.does('publish', 'online');
    assert.match(String((await office.inForce())['keys']), /retired at .*, undated signatures until 2999-01-01T00:00:00Z, destroyed at/);
    await office.refuses('ERR_TRUST_TRANSITION', 'key suspend release/1 --reason odd', 'alice');
    await office.does('key revoke release/1 --from 2020-01-01T00:00:00Z --reason known~at~last', ...both);
    await office.does('publish', 'online');
    assert.match(String((await office.inForce())['keys']), /compromised from 2020-01-01T00:00:00Z/);
    await office.does('key revoke release/1 --all --reason all~of~it', ...both);
    await office.does('publish', 'online');
    await office.refuses('ERR_TRUST_TRANSITION', 'key revoke release/1 --superseded --reason no', ...both);
    // The same key again, as if nothing had been.
    await office.refuses('ERR_TRUST_INVALID', 'key add again --public-key @release.pub', ...both);
  });

  it('policies go back by going forward, and what would change is shown first', async (t) => {
    const office = await new Office(t).founded();
    office.file('app.yaml', policyText('app', 1));
    await office.does('policy add @app.yaml', 'alice', 'bob');
    await office.does('publish', 'online');
    office.file('app.yaml', policyText('app', 2));
    office.file('other.yaml', policyText('other', 1));
    await office.does('policy add @app.yaml @other.yaml', 'alice', 'bob');
    await office.does('publish', 'online');
    const shown = await office.does('rollback policy 2');
    assert.deepEqual(
      [shown['changes'], shown['staged']],
      [['policy/app.yaml is written anew', 'policy/other.yaml is taken away'], 'nothing waits for signatures'],
    );
    assert.equal(office.read('trust/content/policy/app.yaml'), policyText('app', 2));
    await office.does('rollback policy 2 --yes', 'alice', 'bob');
    const { versions } = (await office.does('publish @out', 'online')) as { versions: Record<string, number> };
    assert.equal(versions['policy'], 4);
    assert.deepEqual((await office.inForce())['policies'], ['policy/app.yaml']);
    assert.equal(office.read('trust/content/policy/app.yaml'), policyText('app', 1));
    await office.refuses('ERR_TRUST_PLAN', 'rollback policy 9');
    await office.refuses('ERR_USAGE', 'rollback keys 1');
    await office.refuses('ERR_TRUST_PLAN', 'policy remove none.yaml', 'alice');
    office.file('x.txt', '');
    await office.refuses('ERR_TRUST_PLAN', 'policy add @x.txt', 'alice');
    office.file('ex.yaml', EXCEPTION);
    await office.does('except add @ex.yaml', 'alice', 'bob');
    await office.does('principal the~team --key-name release --issuer https://i.example --subject s', 'alice', 'bob');
    await office.does('publish', 'online');
    assert.deepEqual((await office.inForce())['exceptions'], ['exceptions/ex.yaml']);
  });

  it('nobody signs a policy that is not understood, or one in the wrong role; a denial waits for neither', async (t) => {
    const office = await new Office(t).founded();
    office.file('bad.yaml', `${policyText('bad', 1)}---\n${policyText('worse', 1).replace('signatures', 'sginatures')}`);
    assert.match(await office.refuses('ERR_POLICY_INVALID', 'policy add @bad.yaml', 'alice'), /content\/policy\/bad\.yaml:\d+:\d+: /);
    office.file('ex.yaml', EXCEPTION.replace('policies: [app]', 'policies: [bad]'));
    office.file('app.yaml', `${policyText('app', 1)}---\n${EXCEPTION}`);
    assert.match(await office.refuses('ERR_POLICY_INVALID', 'policy add @app.yaml', 'alice'), /ImageException hotfix is signed by the role of policies/);
    office.file('app.yaml', policyText('app', 1));
    assert.match(await office.refuses('ERR_POLICY_INVALID', 'except add @app.yaml', 'alice'), /ImagePolicy app is signed by the role of exceptions/);
    await office.refuses('ERR_POLICY_INVALID', 'except add @ex.yaml', 'alice');
    assert.deepEqual((await office.does('diff'))['changes'], ['nothing']);
    // By hand, and published with all signatures that there are.
    await office.does('policy add @app.yaml', 'alice', 'bob');
    await office.does('publish', 'online');
    office.file('trust/content/policy/app.yaml', 'kind: ImagePolicy\n');
    await office.refuses('ERR_POLICY_INVALID', 'publish', 'alice', 'bob', 'online');
    office.file('trust/content/policy/app.yaml', policyText('app', 1));
    await office.does('deny run https://ci/1 --reason x', 'carol');
    await office.does('publish', 'online');
  });

  it('people change: the old ones and the new ones sign the root', async (t) => {
    const office = await new Office(t, { people: ['alice', 'bob', 'carol', 'online', 'dora'] }).founded();
    for (const role of ['root', 'targets', 'keys', 'deny', 'policy', 'exceptions'])
      await office.does(`role ${role} --remove alice --signer dora=${office.path('dora.pub')}`);
    const { changes } = (await office.does('diff')) as { changes: string[] };
    assert.ok(changes.includes('dora may sign for root') && changes.includes('alice no longer signs for root'));
    await office.does('sign', 'dora');
    assert.match(await office.refuses('ERR_TRUST_SIGNATURE', 'publish', 'online'), /root\.json version 2 is signed by 0 of the 2/);
    await office.does('sign', 'bob');
    await office.refuses('ERR_TRUST_SIGNATURE', 'publish', 'online');
    await office.does('sign', 'carol');
    await office.does('publish', 'online');
    await office.refuses('ERR_TRUST_PLAN', 'role keys --threshold 9');
    await office.refuses('ERR_USAGE', 'role keys --remove nobody');
    assert.equal(((await office.does('sign --renew --role root', 'bob', 'dora'))['staged'] as { role: string }[])[0]?.role, 'root');
    const { versions } = (await office.does('publish', 'online')) as { versions: Record<string, number> };
    assert.equal(versions['root'], 3);
    // The same in the words of a ceremony.
    await office.does('root rotate --threshold 3', 'bob');
    await office.does('root sign', 'carol');
    await office.does('root sign', 'dora');
    const rotated = (await office.does('root publish @out', 'online')) as { versions: Record<string, number> };
    assert.equal(rotated.versions['root'], 4);
    await office.refuses('ERR_USAGE', 'root forge');
  });

  it('cosign takes its trusted root, which is made of anchors that come and go', async (t) => {
    if (!requirePeers(t, 'cosign3')) return;
    const office = await new Office(t).founded();
    office.file('root.json', JSON.stringify(createTestSigstore().trustedRoot));
    await office.does('anchor add --trusted-root @root.json', 'alice', 'bob');
    await office.does('publish @out', 'online');
    const { services } = (await office.inForce()) as { services: string[] };
    assert.equal(services.length, 5);
    await office.must('cosign3', ['initialize', `--mirror=file://${office.path('out')}`, '--root', office.path('out/1.root.json')]);
    const id = /\(([0-9a-f]{16})/.exec(services[0] ?? '')?.[1] ?? '';
    await office.does(`anchor remove ${id}`, 'alice', 'bob');
    await office.refuses('ERR_TRUST_PLAN', 'anchor remove none-of-these', 'alice');
    await office.refuses('ERR_FLAG_CONFLICT', 'anchor add', 'alice');
    await office.does('publish @out', 'online');
    assert.equal(((await office.inForce()) as { services: string[] }).services.length, 4);
  });

  it('is verified from a URL and from a registry by the root that was handed out, and never goes back', async (t) => {
    const office = await new Office(t).founded();
    await office.does('publish @out', 'online');
    cpSync(office.path('out'), office.path('old'), { recursive: true });
    await office.does('publish @out', 'online');
    let served = 'out';
    const server = createServer((request, response) => {
      try {
        response.end(readFileSync(join(office.path(served), request.url ?? '')));
      } catch {
        response.writeHead(404).end();
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const registry = await MemoryRegistry.start();
    t.after(async () => {
      server.closeAllConnections();
      server.close();
      await registry.close();
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await office.refuses('ERR_TRUST_ROOT', `verify ${url}`);
    await office.does(`verify ${url} --trust-root @out/1.root.json`);
    // The root is remembered, and so is what was seen.
    await office.does(`verify ${url}`);
    served = 'old';
    assert.match(await office.refuses('ERR_TRUST_ROLLBACK', `verify ${url}`), /timestamp\.json is offered in version 2, and version 3 was seen before/);
    const other = await new Office(t).founded();
    await office.refuses('ERR_TRUST_ROOT', `verify ${url} --trust-root ${other.path('trust/repository/1.root.json')}`);
    const place = `registry:${registry.host}/platform/trust:latest`;
    await office.does(`publish ${place}`, 'online');
    const { versions } = (await office.does(`verify ${place} --trust-root @out/1.root.json`)) as { versions: Record<string, number> };
    assert.equal(versions['timestamp'], 4);
    await office.does('publish configmap:@trust.json'.replace('@', `${office.folder}/`), 'online');
    const { binaryData } = JSON.parse(office.read('trust.json')) as { binaryData: Record<string, string> };
    const source = configMapSource('sealward-trust', async (key) =>
      key in binaryData ? new Uint8Array(Buffer.from(binaryData[key] as string, 'base64')) : undefined,
    );
    const client = await TrustClient.open({ source, root: new Uint8Array(readFileSync(office.path('out/1.root.json'))), now: Date.now });
    assert.equal((await client.update()).versions['timestamp'], 5);
  });

  it('says what it cannot do, with what it can', async (t) => {
    const office = new Office(t);
    assert.match(await office.refuses('ERR_TRUST_PLAN', 'show'), /no working folder/);
    assert.match(await office.refuses('ERR_USAGE', 'pubish'), /Did you mean `sealward trust publish`/);
    await office.refuses('ERR_FLAG_CONFLICT', 'init');
    await office.refuses('ERR_USAGE', 'init --signer alice');
    await office.refuses('ERR_TRUST_PLAN', `init --signer me=${office.path('alice.pub')} --threshold 2`);
    const solo = `init --signer me=${office.path('alice.pub')} --tier edge=1h --lease 2h`;
    assert.match((await office.ask(solo)).stderr, /one signature is enough for everything/);
    await office.refuses('ERR_FILE_EXISTS', solo);
    const { leaseUntil } = (await office.does('publish', 'alice')) as { leaseUntil: string };
    assert.ok(Date.parse(leaseUntil) - Date.now() <= 2 * 3_600_000);
    for (const [words, code] of [
      ['key', 'ERR_USAGE'],
      ['key forge x', 'ERR_USAGE'],
      ['key revoke x', 'ERR_USAGE'],
      ['key revoke x/1 --reason y', 'ERR_TRUST_PLAN'],
      ['key add x', 'ERR_FLAG_CONFLICT'],
      ['key add X --public-key @release.pub', 'ERR_TRUST_INVALID'],
      ['key add x --public-key @release.pub --from yesterday', 'ERR_USAGE'],
      ['deny', 'ERR_USAGE'],
      ['deny everything', 'ERR_USAGE'],
      ['deny digest abc --reason x', 'ERR_TRUST_INVALID'],
      ['deny digest', 'ERR_USAGE'],
      ['deny identity --reason x', 'ERR_FLAG_CONFLICT'],
      ['anchor forget', 'ERR_USAGE'],
      ['policy add', 'ERR_USAGE'],
      ['principal x --subject y', 'ERR_FLAG_CONFLICT'],
      ['sign', 'ERR_FLAG_CONFLICT'],
      ['sign --role timestamp', 'ERR_USAGE'],
      ['role nobody', 'ERR_USAGE'],
      ['rollback policy x', 'ERR_USAGE'],
      ['verify @nowhere', 'ERR_FILE_UNREADABLE'],
    ] as const)
      await office.refuses(code, words, ...(words === 'sign' ? [] : words.startsWith('sign') ? ['alice'] : []));
    for (const [words, flag] of [
      ['show --reason x', 'reason'],
      ['verify @out --lease 2h', 'lease'],
      ['key add x --public-key @release.pub --superseded', 'superseded'],
      ['key suspend x/1 --reason y --until 2026-01-01T00:00:00Z', 'until'],
      ['deny digest abc --reason x --issuer https://i', 'issuer'],
      ['policy add @app.yaml --reason x', 'reason'],
      ['publish --role keys', 'role'],
      ['root sign --role keys', 'role'],
    ] as const)
      assert.match(await office.refuses('ERR_FLAG_CONFLICT', words), new RegExp(`--${flag} is not for`));
    for (const words of ['key revoke x/1 x/2 --reason y', 'publish @out @out2', 'show x', 'deny identity x --issuer i --subject s --reason y', 'verify @a @b'])
      assert.match(await office.refuses('ERR_USAGE', words), /has no use for/);
    await office.does('key add spare --public-key @release.pub', 'alice');
    for (const words of ['--from 2026-01-01T00:00:00Z', '--superseded'])
      assert.match(await office.refuses('ERR_FLAG_CONFLICT', `key revoke spare/1 --all --reason y ${words}`), /would be without effect/);
    await office.refuses('ERR_FLAG_CONFLICT', 'deny identity --issuer https://i --subject s --subject t --reason x');
    await office.refuses('ERR_FLAG_CONFLICT', 'principal x --issuer https://i');
    await office.does('key suspend spare/1 --reason x', 'alice');
    assert.match(await office.refuses('ERR_FLAG_CONFLICT', 'key activate spare/1 --from 2026-01-01T00:00:00Z'), /a suspension is lifted now/);
    for (const kind of ['key', 'certificate'] as const) await office.does(`deny ${kind} ${'ab'.repeat(32)} --reason x`, 'alice');
    await office.does(`deny key @release.pub --reason x`, 'alice');
    await office.does('deny identity --issuer https://i --subject s --from 2026-01-01T00:00:00Z --until 2026-02-01T00:00:00Z --reason x', 'alice');
    await office.does(`deny log ${'ab'.repeat(32)} --from-index 7 --reason x`, 'alice');
    await office.does('deny run https://ci/1 --reason x', 'alice');
    await office.does(`deny signature sha256:${'ab'.repeat(32)} --reason x`, 'alice');
    await office.does('publish', 'alice');
    assert.equal((await office.inForce())['denied']?.length, 7);
    office.file('trust/content/notes.txt', '');
    await office.refuses('ERR_TRUST_PLAN', 'show');
  });

  it('speaks in words to people', async (t) => {
    const office = await new Office(t).founded();
    const { stdout } = await office.sealward(['trust', 'show', '--folder', office.path('trust'), '-o', 'text']);
    assert.match(stdout, /^in force$/m);
    assert.match(stdout, /^ {2}lease +until \d{4}-/m);
    assert.match(stdout, /^staged +nothing waits for signatures$/m);
  });

  it('the commands of docs/how-to/trust-in-a-repository.md do what it says', async (t) => {
    if (!requirePeers(t, 'cosign3')) return;
    const office = new Office(t, { people: [] });
    office.file('release-2.pub', encodePublicKeyPem(createTestKey().publicKey));
    office.file('trusted_root.json', JSON.stringify(createTestSigstore().trustedRoot));
    office.file('app.yaml', policyText('app', 1));
    const here = (word: string): string =>
      word.replace(/^((?:\w+=)?)([\w-]+\.(?:pub|key|yaml|json)|out|out\/1\.root\.json|alice|bob|online|carol)$/, `$1${office.folder}/$2`);
    const lines = commandLines(readFileSync(join(repositoryRoot, 'docs/how-to/trust-in-a-repository.md'), 'utf8'));
    assert.ok(lines.length > 25);
    for (const line of lines) {
      const words = sealwardArguments(line);
      if (!words) {
        const [program, ...rest] = line.split(' ');
        assert.equal(program, 'cosign');
        await office.must(
          'cosign3',
          rest.map((word) => here(word.replace('$PWD', office.folder))),
        );
        continue;
      }
      const own = words[0] === 'trust' && words[1] !== 'verify' ? ['--folder', office.path('trust')] : [];
      const { code, stderr } = await office.sealward([...words.map(here), ...own]);
      assert.equal(code, 0, `${line}: ${stderr}`);
    }
    const state = await office.inForce();
    assert.match(String(state['keys']), /release\/1 .*compromised.*release\/2 .*suspended/);
    assert.equal(state['policies'], 'none');
  });
});
