/** The program that tuf-conformance runs, over repositories in memory: what that suite asks in its main lines. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { utf8 } from '../../src/core/encoding/index.ts';
import { createTestKey } from '../../src/testing/index.ts';
import { loopbackForTests } from '../loopback.ts';
import { DAY, TufRepository } from '../tuf-repository.ts';

const program = fileURLToPath(new URL('tuf-client.ts', import.meta.url));

describe('the client that tuf-conformance runs', () => {
  const root = mkdtempSync(join(tmpdir(), 'sealward-tuf-client-'));
  after(() => rmSync(root, { recursive: true, force: true }));
  const loopback = loopbackForTests();
  let folder = '';
  let repository: TufRepository;

  beforeEach(() => {
    folder = mkdtempSync(join(root, 'run-'));
    repository = new TufRepository();
    const now = Date.now();
    repository.now = now;
    repository.expires = { root: now + DAY, timestamp: now + DAY, snapshot: now + DAY, targets: now + DAY };
    loopback.listener = (request, response) => {
      const name = decodeURI((request.url ?? '').slice(1));
      const path = name.replace(/^targets\//, '').replace(/[0-9a-f]{64}\./, '');
      const bytes = name.startsWith('targets/') ? repository.targets.get(path) : repository.metadata.get(name.replace('metadata/', ''));
      if (bytes) response.end(bytes);
      else response.writeHead(404).end();
    };
    repository.files.push({ path: 'a/b.txt', bytes: utf8('content') });
    repository.publishRoot();
    repository.publish();
    writeFileSync(join(folder, 'given.json'), repository.metadata.get('1.root.json') as Uint8Array);
  });

  const run = (...args: string[]): Promise<number> =>
    new Promise((resolve) => {
      execFile(process.execPath, [program, '--metadata-dir', join(folder, 'metadata'), ...args], (error) => resolve(error ? Number(error.code) : 0));
    });
  const url = (): string => `http://127.0.0.1:${loopback.port}`;
  const init = (): Promise<number> => run('init', join(folder, 'given.json'));
  const refresh = (): Promise<number> => run('--metadata-url', `${url()}/metadata`, 'refresh');
  const download = (...paths: string[]): Promise<number> =>
    run(
      '--metadata-url',
      `${url()}/metadata`,
      ...paths.flatMap((path) => ['--target-name', path]),
      '--target-base-url',
      `${url()}/targets`,
      '--target-dir',
      join(folder),
      'download',
    );
  const trusted = (): string[] => readdirSync(join(folder, 'metadata')).sort();

  it('keeps the bytes that it verified, and asks for nothing twice', async () => {
    assert.deepEqual([await init(), loopback.seen.length], [0, 0]);
    assert.equal(await refresh(), 0);
    assert.deepEqual(
      loopback.seen.map((one) => one.url),
      ['/metadata/2.root.json', '/metadata/timestamp.json', '/metadata/1.snapshot.json', '/metadata/1.targets.json'],
    );
    assert.deepEqual(trusted(), ['root.json', 'snapshot.json', 'targets.json', 'timestamp.json']);
    assert.deepEqual(new Uint8Array(readFileSync(join(folder, 'metadata/timestamp.json'))), repository.metadata.get('timestamp.json'));
    loopback.seen = [];
    assert.deepEqual([await download('a/b.txt'), await download('a/b.txt')], [0, 0]);
    assert.equal(loopback.seen.filter((one) => one.url.startsWith('/targets/')).length, 1);
    assert.equal(readFileSync(join(folder, 'a%2Fb.txt'), 'utf8'), 'content');
    assert.equal(await download('nothing'), 1);
  });

  it('refuses a root that nobody signed, and asks nobody', async () => {
    writeFileSync(join(folder, 'given.json'), readFileSync(join(folder, 'given.json'), 'utf8').replace(/"sig": "30/, '"sig": "31'));
    assert.deepEqual([await init(), await refresh(), loopback.seen.length], [0, 1, 0]);
  });

  it('keeps what came before the part that it refuses, and never that part', async () => {
    await init();
    repository.roles.snapshot.keys = [createTestKey()];
    repository.publish();
    assert.equal(await refresh(), 1);
    assert.deepEqual(trusted(), ['root.json', 'timestamp.json']);
  });

  it('follows delegations, under names that are safe as files', async () => {
    for (const [name, path] of [
      ['../escape', 'other'],
      ['?', 'found'],
    ] as const) {
      repository.delegate(name, [path]);
      (repository.delegated.get(name) as { expires: number }).expires = repository.expires.targets;
    }
    (repository.delegated.get('?') as { files: unknown[] }).files.push({ path: 'found', bytes: utf8('it') });
    repository.publish();
    await init();
    assert.deepEqual([await download('other'), await download('found')], [1, 0]);
    assert.deepEqual(trusted(), ['%2E.%2Fescape.json', '%3F.json', 'root.json', 'snapshot.json', 'targets.json', 'timestamp.json']);
    assert.deepEqual(
      readdirSync(root),
      readdirSync(root).filter((name) => name.startsWith('run-')),
    );
  });
});
