import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { client, loopbackForTests } from '../../../test/loopback.ts';
import { utf8 } from '../../core/encoding/index.ts';
import type { ErrorCode } from '../../core/errors.ts';
import { artifactSource, configMapKey, configMapSource, folderSource, type TrustSource, urlSource } from './source.ts';

const refuses = (by: Promise<unknown>, code: ErrorCode): Promise<void> => assert.rejects(by, { code });
const HOSTILE = ['../x', 'a/../../x', '/etc/passwd', 'a//b', '.', '..', 'a/.', '', 'a\\..\\b', 'a\0b', 'targets/../../x'];

describe('sources of a trust repository', () => {
  const root = mkdtempSync(join(tmpdir(), 'sealward-trust-source-'));
  after(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, 'repository/targets/keys'), { recursive: true });
  writeFileSync(join(root, 'repository/timestamp.json'), 'now');
  writeFileSync(join(root, 'repository/targets/keys/1.keys.json'), 'keys');
  writeFileSync(join(root, 'x'), 'outside');

  const loopback = loopbackForTests();
  const files = new Map([
    ['timestamp.json', utf8('now')],
    ['targets/keys/1.keys.json', utf8('keys')],
  ]);
  const urlOf = (more = ''): TrustSource => urlSource(client(), new URL(`http://trust.example:${loopback.port}/base${more}`));
  const sources: [string, () => TrustSource][] = [
    ['a folder', () => folderSource(join(root, 'repository'))],
    ['a URL', () => urlOf()],
    ['a ConfigMap', () => configMapSource('sealward/trust', async (key) => [...files].find(([name]) => configMapKey(name) === key)?.[1])],
    [
      'an artifact',
      () =>
        artifactSource('registry.example/trust', {
          manifest: async () => ({ layers: new Map([...files].map(([name, bytes]) => [name, { digest: name, size: bytes.length }])) }),
          blob: async ({ digest }) => files.get(digest) as Uint8Array,
        }),
    ],
  ];

  for (const [what, open] of sources) {
    it(`${what} gives what it has, nothing for what it has not, and never more than the bound`, async () => {
      loopback.listener = (request, response) => {
        const bytes = files.get((request.url ?? '').replace('/base/', ''));
        if (bytes) response.end(bytes);
        else response.writeHead(404).end();
      };
      const source = open();
      await source.refresh?.();
      assert.equal(Buffer.from((await source.read('timestamp.json', 3)) as Uint8Array).toString(), 'now');
      assert.equal(Buffer.from((await source.read('targets/keys/1.keys.json', 4)) as Uint8Array).toString(), 'keys');
      assert.equal(await source.read('2.root.json', 3), undefined);
      await refuses(source.read('timestamp.json', 2), 'ERR_TOO_LARGE');
    });

    it(`${what} is asked for no name that leaves it (CVE-2026-24137, CVE-2026-24686, PYSEC-2021-376)`, async () => {
      loopback.listener = (_, response) => response.end('outside');
      for (const name of HOSTILE) await refuses(open().read(name, 100), 'ERR_TRUST_INVALID');
    });
  }

  it('a name of a target means to a URL what it says, and nothing else', async () => {
    loopback.listener = (_, response) => response.writeHead(404).end();
    for (const name of ['targets/a?b', 'targets/a#b', 'targets/%2e%2e/%2e%2e/x', 'targets/é', '1.%2Frole.json']) await urlOf().read(name, 10);
    assert.deepEqual(
      loopback.seen.map(({ url }) => url),
      ['/base/targets/a%3Fb', '/base/targets/a%23b', '/base/targets/%252e%252e/%252e%252e/x', '/base/targets/%C3%A9', '/base/1.%2Frole.json'],
    );
  });

  it('of a URL a refusal to list is "not there", and any other failure is not', async () => {
    loopback.listener = (_, response) => response.writeHead(403).end();
    assert.equal(await urlOf('/').read('timestamp.json', 10), undefined);
    loopback.listener = (_, response) => response.writeHead(500).end();
    await refuses(urlOf().read('timestamp.json', 10), 'ERR_SERVICE_UNAVAILABLE');
  });

  it('names of a ConfigMap are as Kubernetes wants them, and no two are the same', () => {
    const names = ['timestamp.json', '1.root.json', 'targets/policy/ab.a_b.yaml', 'targets/policy_ab.a_b.yaml', '1.%3F.json'];
    const keys = names.map(configMapKey);
    assert.ok(keys.every((key) => /^[-._a-zA-Z0-9]{1,253}$/.test(key)));
    assert.equal(new Set(keys).size, names.length);
  });
});
