/** A trust repository in memory for tests: two people for everything, one of whom is enough to deny. */
import { utf8 } from '../src/core/encoding/index.ts';
import {
  advanceTrust,
  DENIALS_FILE,
  encodeDenials,
  encodeKeyList,
  encodePrincipals,
  KEYS_FILE,
  type ListedDenial,
  type ListedKey,
  patternOf,
  PRINCIPALS_FILE,
  type Principal,
  startTrust,
  TRUST_ROLES,
  type TrustChain,
  type TrustOffer,
  type TrustRole,
} from '../src/core/trust/index.ts';
import { createTestKey, type TestKey } from '../src/testing/index.ts';
import { NOW, TufRepository } from './tuf-repository.ts';

export const release: TestKey = createTestKey();

export function listedKey(rest: Partial<ListedKey> = {}, key = release.publicKey): ListedKey {
  return { name: 'release', version: 1, role: 'artifact', state: 'active', key, anchor: key.fingerprint, window: { from: NOW - 1000 }, lifted: [], ...rest };
}

export class TrustRepository extends TufRepository {
  readonly people: readonly [TestKey, TestKey, TestKey] = [createTestKey(), createTestKey(), createTestKey()];
  keys: ListedKey[] = [listedKey()];
  denials: ListedDenial[] = [];
  principals: Principal[] = [];
  texts = new Map<string, string>();

  constructor() {
    super();
    for (const role of TRUST_ROLES) this.delegate(role, [patternOf(role)], [...this.people], role === 'deny' ? 1 : 2);
    this.publishRoot();
    this.publishTrust();
  }

  /** All roles anew. @param by who signs for a role, where not all three do. */
  publishTrust(by: Partial<Record<TrustRole, readonly TestKey[]>> = {}): TrustOffer {
    const files: Record<TrustRole, [string, Uint8Array][]> = {
      keys: [
        [KEYS_FILE, encodeKeyList(this.keys)],
        [PRINCIPALS_FILE, encodePrincipals(this.principals)],
      ],
      deny: [[DENIALS_FILE, encodeDenials(this.denials)]],
      policy: [],
      exceptions: [],
    };
    for (const [path, text] of this.texts) files[path.split('/')[0] as TrustRole].push([path, utf8(text)]);
    for (const role of TRUST_ROLES) {
      (this.delegated.get(role) as { files: unknown }).files = files[role].map(([path, bytes]) => ({ path, bytes }));
      this.publishDelegated(role, by[role]);
    }
    this.publishTargets();
    this.publishSnapshot();
    this.publishTimestamp();
    return this.offer();
  }

  offer(): TrustOffer {
    const served = (name: string): Uint8Array => this.metadata.get(name) as Uint8Array;
    return {
      roots: Array.from({ length: this.versions.root }, (_, i) => served(`${i + 1}.root.json`)),
      timestamp: served('timestamp.json'),
      snapshot: served(`${this.versions.snapshot}.snapshot.json`),
      roles: new Map([
        ['targets', served(`${this.versions.targets}.targets.json`)],
        ...[...this.delegated].map(([name, { version }]): [string, Uint8Array] => [name, served(`${version}.${name}.json`)]),
      ]),
      files: new Map(this.targets),
    };
  }

  first(): TrustChain {
    return advanceTrust(startTrust(this.metadata.get('1.root.json') as Uint8Array), this.offer(), this.now);
  }
}
