/** From one publication to the next: what must be signed anew, and what stays as it was signed. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTestKey, type TestKey } from '../../testing/index.ts';
import { listedKey } from '../../../test/trust-repository.ts';
import { DAY, NOW } from '../../../test/tuf-repository.ts';
import { type JsonObject, utf8 } from '../encoding/index.ts';
import { encodeDenials, encodeKeyList } from './documents.ts';
import type { TrustChain } from './next.ts';
import {
  addSignature,
  currentNames,
  metadataName,
  parseStaged,
  publicationOf,
  readRepository,
  SIGNING_ROLES,
  signingProgress,
  snapshotOf,
  type StagedRole,
  stageTrust,
  timestampOf,
  type TrustPlan,
} from './publication.ts';
import { DENIALS_FILE, KEYS_FILE } from './repository-files.ts';
import { encodeMetadata, type SignerKeys, signingBytes } from './tuf/compose.ts';

const [alice, bob, carol] = [createTestKey(), createTestKey(), createTestKey()];
const quantum = createTestKey('ml-dsa-65');
const by = (threshold: number, ...keys: TestKey[]): SignerKeys => ({ keys: keys.map(({ publicKey }) => ({ key: publicKey })), threshold });
const files = new Map<string, Uint8Array>([
  ['policy/a.yaml', utf8('a: 1')],
  [KEYS_FILE, encodeKeyList([listedKey()])],
  [DENIALS_FILE, encodeDenials([])],
]);

function planned(change: Partial<TrustPlan['signers']> = {}, more: readonly [string, Uint8Array][] = []): TrustPlan {
  const signers = Object.fromEntries(SIGNING_ROLES.map((role) => [role, by(2, alice, bob)])) as TrustPlan['signers'];
  return { signers: { ...signers, ...change }, files: new Map([...files, ...more]), lifetime: { root: 365 * DAY, roles: 100 * DAY } };
}

function signed(role: StagedRole, document: Uint8Array, ...keys: TestKey[]): Uint8Array {
  return keys.reduce((bytes, key) => addSignature(bytes, key.publicKey, key.sign(parseStaged(role, document).canonical)), document);
}

function online(made: { readonly version: number; readonly signed: JsonObject }): { version: number; bytes: Uint8Array } {
  const signatures = [alice, bob].map((key) => ({ key: key.publicKey, signature: key.sign(signingBytes(made.signed)) }));
  return { version: made.version, bytes: encodeMetadata(made.signed, signatures) };
}

function publish(plan: TrustPlan): ReturnType<typeof publicationOf> {
  const staged = new Map([...stageTrust(undefined, plan, new Map(), NOW)].map(([role, document]) => [role, signed(role, document, alice, bob)]));
  const snapshot = online(snapshotOf(undefined, staged, NOW + DAY));
  const timestamp = online(timestampOf(undefined, snapshot, NOW, DAY));
  return publicationOf(undefined, plan, staged, { snapshot: snapshot.bytes, timestamp: timestamp.bytes }, NOW);
}

const restaged = (chain: TrustChain, plan: TrustPlan, renew?: readonly StagedRole[]): string[] => [...stageTrust(chain, plan, new Map(), NOW, renew).keys()];

describe('what is staged beside what is published', () => {
  const { chain, files: written } = publish(planned());
  it('is nothing where nothing changed, and what is to be renewed', () => {
    assert.deepEqual(restaged(chain, planned()), []);
    assert.deepEqual(restaged(chain, planned(), ['keys']), ['keys']);
    assert.equal(parseStaged('keys', stageTrust(chain, planned(), new Map(), NOW, ['keys']).get('keys') as Uint8Array).version, 2);
  });
  it('is what changed, with whoever delegates to it where its signers did', () => {
    assert.deepEqual(restaged(chain, planned({}, [['policy/b.yaml', utf8('b: 1')]])), ['policy']);
    assert.deepEqual(restaged(chain, planned({ policy: by(2, alice, bob, carol) })), ['targets'], 'the two who signed are still enough');
    assert.deepEqual(restaged(chain, planned({ policy: by(3, alice, bob, carol) })), ['targets', 'policy']);
    assert.deepEqual(restaged(chain, planned({ policy: by(2, bob, carol) })), ['targets', 'policy']);
    assert.deepEqual(restaged(chain, planned({ policy: by(1, bob, carol) })), ['targets']);
    assert.deepEqual(restaged(chain, planned({ targets: by(2, alice, bob, quantum) })), ['root', 'targets'], 'each kind of key must have signed');
    assert.deepEqual(restaged(chain, planned({ timestamp: by(1, carol) })), ['root']);
  });
  it('says of which role it tells how far it is signed', () => {
    const plan = planned({}, [['policy/b.yaml', utf8('b: 1')]]);
    const document = stageTrust(chain, plan, new Map(), NOW).get('policy') as Uint8Array;
    const { role, complete } = signingProgress(chain, plan, 'policy', signed('policy', document, alice, bob));
    assert.deepEqual([role, complete], ['policy', true]);
  });
  it('tells clients of Sigstore how its own files are used, and nothing of others', () => {
    const more: [string, Uint8Array][] = [
      ['trusted_root.json', utf8('{}')],
      ['signing_config.json', utf8('{}')],
      ['trust.json', utf8('{}')],
    ];
    const { targets } = (
      JSON.parse(new TextDecoder().decode(stageTrust(undefined, planned({}, more), new Map(), NOW).get('targets'))) as {
        signed: { targets: Record<string, JsonObject> };
      }
    ).signed;
    const described = Object.entries(targets).map(([path, { custom }]) => `${path} ${JSON.stringify(custom ?? null)}`);
    assert.ok(described.includes('trusted_root.json {"sigstore":{"status":"Active","usage":"Unknown"}}'), described.join('\n'));
    assert.ok(
      described.every((line) => line.endsWith(' null') || /^(?:trusted_root|signing_config)\S*\.json /.test(line)) &&
        described.some((line) => line.endsWith(' null')),
      described.join('\n'),
    );
  });
  it('is read back from its files as it was published, and names what is missing', () => {
    assert.deepEqual(readRepository((name) => written.get(name))?.state, chain.state);
    assert.equal(
      readRepository(() => undefined),
      undefined,
    );
    assert.deepEqual([...currentNames(chain)].sort(), [...written.keys()].sort());
    for (const name of currentNames(chain).filter((one) => one !== metadataName('root', 1)))
      assert.throws(() => readRepository((asked) => (asked === name ? undefined : written.get(asked))), {
        code: 'ERR_TRUST_MISMATCH',
        message: `the trust repository has no ${name}`,
      });
  });
});
