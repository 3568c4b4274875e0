/** A trust repository of ours in the hands of the stock clients: cosign 2 and 3, and tuf-js. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { Updater } from 'tuf-js';
import { foundTrust, type MetadataSigner, publishTrust, signStaged, writeRepository } from '../../src/clients/trust/index.ts';
import { utf8 } from '../../src/core/encoding/index.ts';
import {
  DENIALS_FILE,
  encodeDenials,
  encodeKeyList,
  KEYS_FILE,
  SIGNING_ROLES,
  type SignerKeys,
  stageTrust,
  type TrustChain,
  type TrustPlan,
} from '../../src/core/trust/index.ts';
import { createTestKey, createTestSigstore, type TestKey } from '../../src/testing/index.ts';
import { peerPath, requirePeers } from '../peers.ts';
import { listedKey } from '../trust-repository.ts';
import { DAY } from '../tuf-repository.ts';

const run = promisify(execFile);
const signerOf = (key: TestKey): MetadataSigner => ({ publicKey: () => key.publicKey, algorithm: key.algorithm, sign: async (message) => key.sign(message) });

describe('a trust repository of ours, read by stock clients', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-trust-cosign-'));
  const repository = join(folder, 'repository');
  const [alice, bob, quantum, online] = [createTestKey(), createTestKey('ed25519'), createTestKey('ml-dsa-65'), createTestKey()];
  const signers = [alice, bob, quantum, online].map(signerOf);
  const trustedRoot = utf8(JSON.stringify(createTestSigstore().trustedRoot));
  const signingConfig = utf8(
    JSON.stringify({ mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json', rekorTlogConfig: { selector: 'ANY' }, tsaConfig: { selector: 'ANY' } }),
  );
  let chain: TrustChain;
  let url = '';
  const server = createServer((request, response) => {
    try {
      response.end(readFileSync(join(repository, decodeURIComponent((request.url ?? '').slice(1)))));
    } catch {
      response.writeHead(404).end();
    }
  });

  function plan(policy: string): TrustPlan {
    const people: SignerKeys = {
      keys: [
        { key: alice.publicKey, holder: 'alice' },
        { key: bob.publicKey, holder: 'bob' },
      ],
      threshold: 2,
    };
    const role = (name: string): SignerKeys => {
      if (name === 'timestamp' || name === 'snapshot') return { keys: [{ key: online.publicKey }], threshold: 1 };
      return name === 'root' ? { ...people, keys: [...people.keys, { key: quantum.publicKey }] } : people;
    };
    const files: [string, Uint8Array][] = [
      [KEYS_FILE, encodeKeyList([listedKey()])],
      [DENIALS_FILE, encodeDenials([])],
      ['policy/all.yaml', utf8(policy)],
      ['trusted_root.json', trustedRoot],
      ['signing_config.v0.2.json', signingConfig],
    ];
    return {
      signers: Object.fromEntries(SIGNING_ROLES.map((name) => [name, role(name)])) as TrustPlan['signers'],
      files: new Map(files),
      lifetime: { root: 300 * DAY, roles: 200 * DAY },
    };
  }

  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const first = await foundTrust(plan('first'), signers, { now: Date.now(), lease: DAY });
    await writeRepository(repository, first.files);
    const renewed = await publishTrust(first.chain, plan('first'), new Map(), signers, { now: Date.now(), lease: DAY });
    await writeRepository(repository, renewed.files);
    chain = renewed.chain;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const cosign of ['cosign2', 'cosign3'] as const) {
    it(`${cosign} initialize takes it from a URL and from a folder, and keeps its trusted root`, async (t) => {
      if (!requirePeers(t, cosign)) return;
      const root = join(repository, '1.root.json');
      const checksum = createHash('sha256').update(readFileSync(root)).digest('hex');
      for (const [mirror, from, ...more] of [
        [url, root],
        [url, `${url}/1.root.json`, `--root-checksum=${checksum}`],
        [`file://${repository}`, root],
      ] as [string, string][]) {
        const home = mkdtempSync(join(folder, 'home-'));
        await run(peerPath(cosign), ['initialize', `--mirror=${mirror}`, `--root=${from}`, ...more], {
          env: { PATH: process.env['PATH'], HOME: home, TUF_ROOT: join(home, 'tuf') },
        });
        const kept = readdirSync(home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && entry.name.endsWith('trusted_root.json'));
        assert.ok(kept.length > 0, `${cosign} kept ${readdirSync(home, { recursive: true }).join(' ')}`);
        for (const { parentPath, name } of kept) assert.deepEqual(new Uint8Array(readFileSync(join(parentPath, name))), trustedRoot);
      }
    });
  }

  it('tuf-js follows it, finds files of every role, and what came later', async () => {
    const [metadataDir, targetDir] = [mkdtempSync(join(folder, 'metadata-')), mkdtempSync(join(folder, 'targets-'))];
    writeFileSync(join(metadataDir, 'root.json'), readFileSync(join(repository, '1.root.json')));
    const download = async (path: string): Promise<string> => {
      const updater = new Updater({ metadataDir, metadataBaseUrl: url, targetDir, targetBaseUrl: `${url}/targets` });
      const target = await updater.getTargetInfo(path);
      assert.ok(target, path);
      return readFileSync(await updater.downloadTarget(target), 'utf8');
    };
    assert.equal(await download('policy/all.yaml'), 'first');
    assert.equal(await download('trusted_root.json'), Buffer.from(trustedRoot).toString());
    const staged = await signStaged(chain, plan('second'), stageTrust(chain, plan('second'), new Map(), Date.now()), signers);
    const next = await publishTrust(chain, plan('second'), staged.staged, signers, { now: Date.now(), lease: DAY });
    await writeRepository(repository, next.files);
    assert.equal(await download('policy/all.yaml'), 'second');
    assert.match(await download('keys/keys.json'), /KeyList/);
  });
});
