/** A TUF repository in memory for tests: every document can be composed wrongly on purpose, and signed by whoever is named. */
import { createTestKey, type TestKey } from '../src/testing/index.ts';
import type { JsonObject } from '../src/core/encoding/index.ts';
import {
  type ComposedDelegation,
  type ComposedFile,
  composeRoot,
  composeSnapshot,
  composeTargets,
  composeTimestamp,
  encodeMetadata,
  signingBytes,
  TOP_ROLES,
  type TopRole,
} from '../src/core/trust/index.ts';

export const DAY = 86_400_000;
export const NOW = Date.UTC(2026, 0, 15);

export interface Signing {
  keys: TestKey[];
  threshold: number;
}

export function sign(signed: JsonObject, keys: readonly TestKey[]): Uint8Array {
  const bytes = signingBytes(signed);
  return encodeMetadata(
    signed,
    keys.map((key) => ({ key: key.publicKey, signature: key.sign(bytes) })),
  );
}

interface Role extends Signing {
  version: number;
  files: ComposedFile[];
  expires: number;
}

export class TufRepository {
  now = NOW;
  expires: Record<TopRole, number> = { root: NOW + 365 * DAY, timestamp: NOW + DAY, snapshot: NOW + 30 * DAY, targets: NOW + 90 * DAY };
  roles: Record<TopRole, Signing>;
  versions: Record<TopRole, number> = { root: 0, timestamp: 0, snapshot: 0, targets: 0 };
  files: ComposedFile[] = [];
  delegated = new Map<string, Role & { paths: string[] }>();
  /** By the name under which it is served, without the folder. */
  metadata = new Map<string, Uint8Array>();
  targets = new Map<string, Uint8Array>();

  constructor(kind: Parameters<typeof createTestKey>[0] = 'ecdsa-p256') {
    this.roles = Object.fromEntries(TOP_ROLES.map((role) => [role, { keys: [createTestKey(kind)], threshold: 1 }])) as Record<TopRole, Signing>;
  }

  delegate(name: string, paths: string[], keys = [createTestKey()], threshold = 1): void {
    this.delegated.set(name, { keys, threshold, paths, version: 0, files: [], expires: NOW + 90 * DAY });
  }

  /** @param by who signs, besides the keys of the role: the keys of the root before, at a rotation. */
  publishRoot(by: readonly TestKey[] = []): Uint8Array {
    const version = ++this.versions.root;
    const bytes = sign(this.root(), [...this.roles.root.keys, ...by]);
    this.metadata.set(`${version}.root.json`, bytes);
    return bytes;
  }

  root(): JsonObject {
    const roles = Object.fromEntries(
      TOP_ROLES.map((role) => [role, { ...this.roles[role], keys: this.roles[role].keys.map(({ publicKey }) => ({ key: publicKey })) }]),
    );
    return composeRoot({ version: this.versions.root, expires: this.expires.root, roles: roles as unknown as Parameters<typeof composeRoot>[0]['roles'] });
  }

  publishTargets(): Uint8Array {
    const version = ++this.versions.targets;
    const delegations = [...this.delegated].map(
      ([name, { keys, threshold, paths }]): ComposedDelegation => ({ name, paths, threshold, keys: keys.map(({ publicKey }) => ({ key: publicKey })) }),
    );
    const bytes = sign(composeTargets({ version, expires: this.expires.targets, files: this.files, delegations }), this.roles.targets.keys);
    this.metadata.set(`${version}.targets.json`, bytes);
    this.serve(this.files);
    return bytes;
  }

  publishDelegated(name: string, by?: readonly TestKey[]): Uint8Array {
    const role = this.delegated.get(name) as Role;
    role.version++;
    const bytes = sign(composeTargets({ version: role.version, expires: role.expires, files: role.files }), by ?? role.keys);
    this.metadata.set(`${role.version}.${encodeURIComponent(name)}.json`, bytes);
    this.serve(role.files);
    return bytes;
  }

  publishSnapshot(): Uint8Array {
    const version = ++this.versions.snapshot;
    const names: [string, number][] = [
      ['targets', this.versions.targets],
      ...[...this.delegated].map(([name, role]): [string, number] => [name, role.version]),
    ];
    const documents = names.flatMap(([role, of]) => {
      const bytes = this.metadata.get(`${of}.${encodeURIComponent(role)}.json`);
      return bytes ? [{ role, version: of, bytes }] : [];
    });
    const bytes = sign(composeSnapshot({ version, expires: this.expires.snapshot, documents }), this.roles.snapshot.keys);
    this.metadata.set(`${version}.snapshot.json`, bytes);
    return bytes;
  }

  publishTimestamp(): Uint8Array {
    const version = ++this.versions.timestamp;
    const snapshot = { version: this.versions.snapshot, bytes: this.metadata.get(`${this.versions.snapshot}.snapshot.json`) as Uint8Array };
    const bytes = sign(composeTimestamp({ version, expires: this.expires.timestamp, issuedAt: this.now, snapshot }), this.roles.timestamp.keys);
    this.metadata.set('timestamp.json', bytes);
    return bytes;
  }

  /** Everything below the root, anew. */
  publish(): void {
    for (const name of this.delegated.keys()) this.publishDelegated(name);
    this.publishTargets();
    this.publishSnapshot();
    this.publishTimestamp();
  }

  private serve(files: readonly ComposedFile[]): void {
    for (const { path, bytes } of files) this.targets.set(path, bytes);
  }
}
