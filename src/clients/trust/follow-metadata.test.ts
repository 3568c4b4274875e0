import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTestKey, type TestKey } from '../../testing/index.ts';
import { DAY, NOW, sign, TufRepository } from '../../../test/tuf-repository.ts';
import { type JsonObject, LIMITS, utf8 } from '../../core/encoding/index.ts';
import { composeTargets, startTrust, type TrustedMetadata } from '../../core/trust/index.ts';
import { fetchTarget, findTarget, followRole, followTop, type MetadataKeeper } from './follow-metadata.ts';
import type { TrustSource } from './source.ts';

const nothing: MetadataKeeper = { keep: async () => {}, kept: async () => undefined };
const names: string[] = [];

function sourceOf(repository: TufRepository): TrustSource {
  return {
    name: 'the test',
    async read(name) {
      names.push(name);
      if (!name.startsWith('targets/')) return repository.metadata.get(name);
      return repository.targets.get(name.slice('targets/'.length).replace(/[0-9a-f]{64}\./, ''));
    },
  };
}

/** Roles that delegate to one another as told, all by one key. */
function graph(edges: Readonly<Record<string, readonly string[]>>, files: Readonly<Record<string, string>> = {}): TufRepository {
  const repository = new TufRepository();
  const key: TestKey = createTestKey();
  const delegations = (from: string) => edges[from]?.map((name) => ({ name, paths: ['*'], threshold: 1, keys: [{ key: key.publicKey }] })) ?? [];
  const document = (role: string): JsonObject => {
    const own = role in files ? [{ path: files[role] as string, bytes: utf8(role) }] : [];
    const signed = composeTargets({ version: 1, expires: NOW + DAY, files: own, delegations: delegations(role) });
    // Ours always terminate; here all who are named shall be asked.
    for (const one of ((signed['delegations'] as JsonObject | undefined)?.['roles'] ?? []) as JsonObject[]) one['terminating'] = false;
    return signed;
  };
  repository.publishRoot();
  const roles = [...new Set(Object.values(edges).flat())];
  for (const role of roles) {
    repository.delegate(role, ['*'], [key]);
    (repository.delegated.get(role) as { version: number }).version = 1;
    repository.metadata.set(`1.${role}.json`, sign(document(role), [key]));
    if (role in files) repository.targets.set(files[role] as string, utf8(role));
  }
  repository.versions.targets = 1;
  repository.metadata.set('1.targets.json', sign(document('targets'), repository.roles.targets.keys));
  repository.publishSnapshot();
  repository.publishTimestamp();
  return repository;
}

async function find(repository: TufRepository, path: string): Promise<{ asked: string[]; found: string | undefined }> {
  const source = sourceOf(repository);
  const top = await followTop(startTrust(repository.metadata.get('1.root.json') as Uint8Array), source, NOW, nothing);
  names.length = 0;
  const { trusted, file } = await findTarget(top, path, source, NOW, nothing);
  const asked = names.map((name) => name.replace(/^1\.|\.json$/g, ''));
  return { asked, found: file && Buffer.from(await fetchTarget(trusted, path, file, source, 100)).toString() };
}

describe('searching delegations', () => {
  it('goes depth first in the order of their names in the delegator, and takes the first that speaks of the path', async () => {
    const repository = graph({ targets: ['a', 'b'], a: ['c', 'd'] }, { d: 'x', b: 'x' });
    assert.deepEqual(await find(repository, 'x'), { asked: ['targets', 'a', 'c', 'd'], found: 'd' });
    assert.deepEqual((await find(repository, 'y')).asked, ['targets', 'a', 'c', 'd', 'b']);
  });

  it('ends in a circle (GHSA-j8x2-777p-23fc)', async () => {
    assert.deepEqual(await find(graph({ targets: ['a'], a: ['b'], b: ['a', 'targets2'], targets2: ['a'] }), 'x'), {
      asked: ['targets', 'a', 'b', 'targets2'],
      found: undefined,
    });
  });

  it('asks so many roles and no more', async () => {
    const chain = (length: number): TufRepository => {
      const edges: Record<string, string[]> = { targets: ['r1'] };
      for (let i = 1; i < length; i++) edges[`r${i}`] = [`r${i + 1}`];
      return graph(edges, { [`r${length}`]: 'x' });
    };
    assert.equal((await find(chain(LIMITS.tufDelegations), 'x')).found, `r${LIMITS.tufDelegations}`);
    assert.equal((await find(chain(LIMITS.tufDelegations + 1), 'x')).found, undefined);
  });

  it('does not ask for a role that the snapshot does not speak of', async () => {
    const repository = graph({ targets: ['a'] });
    repository.delegated.clear();
    repository.publishSnapshot();
    repository.publishTimestamp();
    await assert.rejects(find(repository, 'x'), { code: 'ERR_TRUST_MISMATCH' });
    assert.equal(names.includes('1.a.json'), false);
  });
});

describe('following a repository', () => {
  const root = (repository: TufRepository): TrustedMetadata => startTrust(repository.metadata.get('1.root.json') as Uint8Array);

  it('follows so many roots in one update, and goes on in the next', async () => {
    const repository = graph({});
    for (let i = 0; i < LIMITS.tufRootSteps + 1; i++) repository.publishRoot();
    const first = await followTop(root(repository), sourceOf(repository), NOW, nothing);
    assert.equal(first.root.version, LIMITS.tufRootSteps + 1);
    assert.equal((await followTop(first, sourceOf(repository), NOW, nothing)).root.version, LIMITS.tufRootSteps + 2);
  });

  it('reads names without versions where the root says so', async () => {
    const repository = graph({ targets: ['a'] }, { a: 'x' });
    const signed = { ...repository.root(), consistent_snapshot: false };
    repository.metadata.set('1.root.json', sign(signed, repository.roles.root.keys));
    for (const role of ['snapshot', 'targets', 'a']) repository.metadata.set(`${role}.json`, repository.metadata.get(`1.${role}.json`) as Uint8Array);
    assert.equal((await find(repository, 'x')).found, 'a');
  });

  it('takes what was kept where it still stands, and asks anew where it does not', async () => {
    const repository = graph({});
    const source = sourceOf(repository);
    const top = await followTop(root(repository), source, NOW, nothing);
    names.length = 0;
    const kept: MetadataKeeper = { ...nothing, kept: async () => repository.metadata.get('1.targets.json') };
    await followRole(top, 'targets', 'root', source, NOW, kept);
    assert.deepEqual(names, []);
    await followRole(top, 'targets', 'root', source, NOW, { ...nothing, kept: async () => utf8('{}') });
    assert.deepEqual(names, ['1.targets.json']);
  });

  it('fetches no more of a file than was signed for, and nothing above the bound', async () => {
    const repository = graph({ targets: ['a'] }, { a: 'x' });
    const source = sourceOf(repository);
    const top = await followTop(root(repository), source, NOW, nothing);
    const { trusted, file } = await findTarget(top, 'x', source, NOW, nothing);
    assert.ok(file);
    await assert.rejects(fetchTarget(trusted, 'x', file, source, 0), { code: 'ERR_TOO_LARGE' });
    repository.targets.set('x', utf8('b'));
    await assert.rejects(fetchTarget(trusted, 'x', file, source, 100), { code: 'ERR_TRUST_MISMATCH' });
    repository.targets.delete('x');
    await assert.rejects(fetchTarget(trusted, 'x', file, source, 100), { code: 'ERR_TRUST_MISMATCH' });
  });
});
