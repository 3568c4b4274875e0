/** Repositories of TUF as clients see them, step by step, and written again wrongly on purpose. */
import type { JsonObject } from '../src/core/encoding/index.ts';
import { utf8 } from '../src/core/encoding/index.ts';
import { nextRoot, nextSnapshot, nextTargets, nextTimestamp, startTrust, type TopRole, type TrustedMetadata } from '../src/core/trust/index.ts';
import type { createTestKey } from '../src/testing/index.ts';
import { NOW, sign, TufRepository } from './tuf-repository.ts';

export const documentOf = (bytes: Uint8Array): JsonObject => JSON.parse(Buffer.from(bytes).toString()) as JsonObject;

/** All of a repository, as one client sees it at a moment. */
export function follow(repository: TufRepository, from = startTrust(repository.metadata.get('1.root.json') as Uint8Array), now = NOW): TrustedMetadata {
  let trusted = from;
  for (let bytes = next(); bytes; bytes = next()) trusted = nextRoot(trusted, bytes);
  trusted = nextTimestamp(trusted, repository.metadata.get('timestamp.json') as Uint8Array, now);
  trusted = nextSnapshot(trusted, repository.metadata.get(`${trusted.timestamp?.snapshot.version}.snapshot.json`) as Uint8Array, now);
  for (const role of ['targets', ...repository.delegated.keys()]) {
    const bytes = repository.metadata.get(`${trusted.snapshot?.meta.get(role)?.version}.${encodeURIComponent(role)}.json`) as Uint8Array;
    trusted = nextTargets(trusted, role, 'targets', bytes, now);
  }
  return trusted;

  function next(): Uint8Array | undefined {
    return repository.metadata.get(`${trusted.root.version + 1}.root.json`);
  }
}

export function made(kind?: Parameters<typeof createTestKey>[0]): TufRepository {
  const repository = new TufRepository(kind);
  repository.files.push({ path: 'a.txt', bytes: utf8('a') });
  repository.delegate('deny', ['deny/*']);
  repository.publishRoot();
  repository.publish();
  return repository;
}

/** A repository that is written again after a change to what is signed. */
export function rewritten(repository: TufRepository, role: TopRole, change: (signed: JsonObject) => void): Uint8Array {
  const name = role === 'timestamp' ? 'timestamp.json' : `${repository.versions[role]}.${role}.json`;
  const { signed } = documentOf(repository.metadata.get(name) as Uint8Array) as { signed: JsonObject };
  change(signed);
  const bytes = sign(signed, repository.roles[role].keys);
  repository.metadata.set(name, bytes);
  return bytes;
}
