import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Metadata, MetadataKind } from '@tufjs/models';
import { createTestKey } from '../../../testing/index.ts';
import { DAY, NOW, sign } from '../../../../test/tuf-repository.ts';
import { documentOf as json, follow, made, rewritten } from '../../../../test/tuf-steps.ts';
import { type JsonObject, type JsonValue, utf8 } from '../../encoding/index.ts';
import type { ErrorCode } from '../../errors.ts';
import { composeTargets } from './compose.ts';
import { parseRoot, parseSnapshot, parseTargets, parseTimestamp } from './metadata.ts';
import { checkRoot, hasCurrentTargets, nextRoot, nextSnapshot, nextTargets, nextTimestamp, restoreTrust, startTrust } from './trusted-metadata.ts';

const refuses = (by: () => unknown, code: ErrorCode): void => assert.throws(by, { code });

describe('the client workflow of TUF', () => {
  it('comes from a root to all roles, with every kind of key that stock clients read', () => {
    for (const kind of ['ecdsa-p256', 'ecdsa-p384', 'ed25519'] as const) {
      const trusted = follow(made(kind));
      assert.deepEqual(
        [trusted.root.version, trusted.timestamp?.version, trusted.snapshot?.version, [...trusted.targets.keys()]],
        [1, 1, 1, ['targets', 'deny']],
      );
      assert.equal(trusted.timestamp?.issuedAt, NOW);
      assert.equal(trusted.targets.get('targets')?.files.get('a.txt')?.length, 1);
    }
  });

  it('writes what the models of tuf-js read and verify, and reads what they write', () => {
    const repository = made();
    const root = Metadata.fromJSON(MetadataKind.Root, json(repository.metadata.get('1.root.json') as Uint8Array));
    const targets = Metadata.fromJSON(MetadataKind.Targets, json(repository.metadata.get('1.targets.json') as Uint8Array));
    root.verifyDelegate('root', root);
    root.verifyDelegate('timestamp', Metadata.fromJSON(MetadataKind.Timestamp, json(repository.metadata.get('timestamp.json') as Uint8Array)));
    root.verifyDelegate('snapshot', Metadata.fromJSON(MetadataKind.Snapshot, json(repository.metadata.get('1.snapshot.json') as Uint8Array)));
    root.verifyDelegate('targets', targets);
    targets.verifyDelegate('deny', Metadata.fromJSON(MetadataKind.Targets, json(repository.metadata.get('1.deny.json') as Uint8Array)));
    assert.deepEqual(parseRoot(utf8(JSON.stringify(root.toJSON()))).canonical, parseRoot(repository.metadata.get('1.root.json') as Uint8Array).canonical);
    assert.deepEqual(startTrust(utf8(JSON.stringify(root.toJSON()))).root.roles.root.threshold, 1);
  });

  it('counts the same public key under two key ids once (PYSEC-2020-145, CVE-2020-15093)', () => {
    const repository = made();
    repository.roles.root.threshold = 2;
    const signed = repository.root() as { keys: Record<string, JsonValue>; roles: Record<string, { keyids: string[] }> } & JsonObject;
    const [id] = (signed.roles['root'] as { keyids: [string] }).keyids;
    signed.keys['another'] = signed.keys[id] as JsonValue;
    signed.roles['root']?.keyids.push('another');
    const document = json(sign(signed, repository.roles.root.keys)) as { signatures: JsonObject[] } & JsonObject;
    document.signatures.push({ ...document.signatures[0], keyid: 'another' });
    refuses(() => startTrust(utf8(JSON.stringify(document))), 'ERR_TRUST_SIGNATURE');
    // Its twin, signed by two keys.
    repository.roles.root.keys.push(createTestKey());
    assert.equal(startTrust(sign(repository.root(), repository.roles.root.keys)).root.version, 1);
  });

  it('takes no key under an id that is not its digest for a fault: such slips have cost others all trust', () => {
    const repository = made();
    const text = Buffer.from(sign(repository.root(), repository.roles.root.keys)).toString();
    const [id] = (json(utf8(text)) as { signed: { roles: { root: { keyids: string[] } } } }).signed.roles.root.keyids as [string];
    const signed = (JSON.parse(text.replaceAll(id, 'slipped')) as { signed: JsonObject }).signed;
    const [key] = repository.roles.root.keys as [ReturnType<typeof createTestKey>];
    const document = { signed, signatures: [{ keyid: 'slipped', sig: (json(sign(signed, [key])) as { signatures: { sig: string }[] }).signatures[0]?.sig }] };
    assert.equal(startTrust(utf8(JSON.stringify(document))).root.version, 1);
  });

  it('refuses thresholds that are none (CVE-2026-23992), and metadata that its threshold of keys did not sign', () => {
    for (const threshold of [0, -1, 1.5, '1', null, true]) {
      const repository = made();
      const signed = repository.root() as { roles: Record<string, JsonObject> } & JsonObject;
      (signed.roles['timestamp'] as JsonObject)['threshold'] = threshold;
      // A fraction has no canonical form, so that nothing could even sign it.
      const text = JSON.stringify({ signed, signatures: [] });
      refuses(() => startTrust(utf8(text)), 'ERR_TRUST_INVALID');
    }
    const repository = made();
    repository.roles.snapshot.threshold = 2;
    repository.publishRoot();
    refuses(() => follow(repository), 'ERR_TRUST_SIGNATURE');
  });

  it('refuses wrong types, missing members and short keys as values, and never crashes (CVE-2026-23991)', () => {
    const strange: JsonValue[] = [null, [], {}, '', 0, -1, 'x', [null], { a: null }];
    const repository = made();
    const documents: [string, (bytes: Uint8Array) => unknown][] = [
      ['1.root.json', startTrust],
      ['timestamp.json', parseTimestamp],
      ['1.snapshot.json', parseSnapshot],
      ['1.targets.json', (bytes) => parseTargets(bytes, 'targets')],
    ];
    let cases = 0;
    for (const [name, parse] of documents) {
      const whole = json(repository.metadata.get(name) as Uint8Array);
      const visit = (value: JsonValue, put: (other: JsonValue | undefined) => void): void => {
        for (const other of [undefined, ...strange]) {
          put(other);
          cases++;
          try {
            parse(utf8(JSON.stringify(whole)));
          } catch (error) {
            assert.match((error as { code?: string }).code ?? String(error), /^ERR_(TRUST|JSON|TOO_LARGE)/);
          }
        }
        put(value);
        if (value !== null && typeof value === 'object') {
          for (const key of Object.keys(value)) {
            const holder = value as JsonObject;
            visit(holder[key] as JsonValue, (other) => {
              if (other === undefined) delete holder[key];
              else holder[key] = other;
            });
          }
        }
      };
      visit(whole['signed'] as JsonValue, (other) => void (whole['signed'] = other as JsonValue));
      visit(whole['signatures'] as JsonValue, (other) => void (whole['signatures'] = other as JsonValue));
    }
    assert.ok(cases > 900);
    const short = made('ed25519').root();
    for (const key of Object.values(short['keys'] as JsonObject)) ((key as JsonObject)['keyval'] as JsonObject)['public'] = 'ab'.repeat(31);
    refuses(() => parseRoot(utf8(JSON.stringify({ signed: short, signatures: [] }))), 'ERR_TRUST_INVALID');
  });

  it('takes the algorithm from the trusted record of the key only (CVE-2015-9258)', () => {
    const repository = made();
    const signed = repository.root();
    for (const key of Object.values(signed['keys'] as JsonObject)) (key as JsonObject)['scheme'] = 'ecdsa-sha2-nistp384';
    refuses(() => startTrust(sign(signed, repository.roles.root.keys)), 'ERR_TRUST_INVALID');
    for (const key of Object.values(signed['keys'] as JsonObject)) Object.assign(key as JsonObject, { keytype: 'of tomorrow', scheme: 'none' });
    refuses(() => startTrust(sign(signed, repository.roles.root.keys)), 'ERR_TRUST_SIGNATURE');
  });

  it('refuses duplicate members and two signatures of one key id (GHSA-7w47-v4xv-5crg)', () => {
    const text = Buffer.from(made().metadata.get('1.root.json') as Uint8Array).toString();
    refuses(() => startTrust(utf8(text.replace('"_type"', '"_type": "root", "_type"'))), 'ERR_JSON_INVALID');
    const document = JSON.parse(text) as { signatures: JsonValue[] };
    document.signatures.push(document.signatures[0] as JsonValue);
    refuses(() => startTrust(utf8(JSON.stringify(document))), 'ERR_TRUST_INVALID');
  });

  it('counts a signature that is empty or junk for nothing, and minds nothing else about it', () => {
    const repository = made();
    repository.roles.timestamp.keys.push(createTestKey());
    repository.publishRoot();
    for (const sig of ['', 'zz', '00']) {
      const document = json(repository.publishTimestamp()) as { signatures: { sig: string }[] };
      (document.signatures[0] as { sig: string }).sig = sig;
      repository.metadata.set('timestamp.json', utf8(JSON.stringify(document)));
      assert.equal(follow(repository).timestamp?.version, repository.versions.timestamp);
    }
  });

  it('signs what nobody here reads, and refuses it changed', () => {
    const repository = made();
    rewritten(repository, 'timestamp', (signed) => void (signed['x-other'] = { a: [1, '"\\\n'] }));
    assert.ok(follow(repository));
    const document = json(repository.metadata.get('timestamp.json') as Uint8Array) as { signed: JsonObject };
    document.signed['x-other'] = 2;
    repository.metadata.set('timestamp.json', utf8(JSON.stringify(document)));
    refuses(() => follow(repository), 'ERR_TRUST_SIGNATURE');
  });
});

describe('roots', () => {
  it('follow one another, each signed by the keys before it and by its own', () => {
    const repository = made();
    const before = repository.roles.root.keys;
    repository.roles.root = { keys: [createTestKey(), createTestKey()], threshold: 2 };
    const first = startTrust(repository.metadata.get('1.root.json') as Uint8Array);
    refuses(() => nextRoot(first, repository.publishRoot()), 'ERR_TRUST_SIGNATURE');
    repository.versions.root = 1;
    assert.equal(nextRoot(first, repository.publishRoot(before)).root.version, 2);
    // Signed by the old key, and by one of two new ones.
    refuses(() => nextRoot(first, sign(repository.root(), [...before, ...repository.roles.root.keys.slice(1)])), 'ERR_TRUST_SIGNATURE');
  });

  it('never skip a version and never go back', () => {
    const repository = made();
    repository.publishRoot();
    repository.publishRoot();
    const first = startTrust(repository.metadata.get('1.root.json') as Uint8Array);
    refuses(() => nextRoot(first, repository.metadata.get('3.root.json') as Uint8Array), 'ERR_TRUST_ROLLBACK');
    const second = nextRoot(first, repository.metadata.get('2.root.json') as Uint8Array);
    for (const version of [1, 2]) refuses(() => nextRoot(second, repository.metadata.get(`${version}.root.json`) as Uint8Array), 'ERR_TRUST_ROLLBACK');
  });

  it('that are expired trust nothing below them (CVE-2015-9259), and may be followed by one that is not', () => {
    const repository = made();
    repository.expires.root = NOW;
    repository.publishRoot();
    refuses(() => follow(repository), 'ERR_TRUST_EXPIRED');
    const second = nextRoot(startTrust(repository.metadata.get('1.root.json') as Uint8Array), repository.metadata.get('2.root.json') as Uint8Array);
    refuses(() => checkRoot(second, NOW), 'ERR_TRUST_EXPIRED');
    checkRoot(second, NOW - 1);
    repository.expires.root = NOW + DAY;
    repository.publishRoot();
    assert.equal(follow(repository, second).root.version, 3);
  });

  it('may want post-quantum signatures besides, of keys that stock clients never see', () => {
    const repository = made();
    const [classical] = repository.roles.root.keys as [ReturnType<typeof createTestKey>];
    const quantum = createTestKey('ml-dsa-65');
    repository.roles.root.keys = [classical, quantum];
    const signed = repository.root();
    assert.equal(startTrust(sign(signed, [classical, quantum])).root.postQuantum.root?.threshold, 1);
    refuses(() => startTrust(sign(signed, [classical])), 'ERR_TRUST_SIGNATURE');
    refuses(() => startTrust(sign(signed, [quantum])), 'ERR_TRUST_SIGNATURE');
    const root = Metadata.fromJSON(MetadataKind.Root, json(sign(signed, [classical, quantum])));
    root.verifyDelegate('root', root);
  });
});

describe('time and versions', () => {
  it('a timestamp, a snapshot and targets are good until they expire, and not at that moment', () => {
    for (const role of ['timestamp', 'snapshot', 'targets'] as const) {
      const repository = made();
      repository.expires[role] = NOW + 1000;
      repository.publish();
      assert.ok(follow(repository, undefined, NOW + 999));
      refuses(() => follow(repository, undefined, NOW + 1000), 'ERR_TRUST_EXPIRED');
    }
    const repository = made();
    (repository.delegated.get('deny') as { expires: number }).expires = NOW;
    repository.publish();
    refuses(() => follow(repository), 'ERR_TRUST_EXPIRED');
  });

  it('nothing goes back: not a timestamp, nor a snapshot by a new timestamp, nor targets by a new snapshot (CVE-2022-29173)', () => {
    const repository = made();
    const old = new Map(repository.metadata);
    repository.publish();
    const trusted = follow(repository);
    refuses(() => nextTimestamp(trusted, old.get('timestamp.json') as Uint8Array, NOW), 'ERR_TRUST_ROLLBACK');
    repository.versions.snapshot = 0;
    repository.publishSnapshot();
    refuses(() => nextTimestamp(trusted, repository.publishTimestamp(), NOW), 'ERR_TRUST_ROLLBACK');
    repository.versions.snapshot = 2;
    repository.versions.targets = 1;
    repository.publishSnapshot();
    repository.publishTimestamp();
    refuses(() => follow(repository, trusted), 'ERR_TRUST_ROLLBACK');
    repository.versions.targets = 2;
    repository.delegated.delete('deny');
    repository.publishSnapshot();
    repository.publishTimestamp();
    refuses(() => follow(repository, trusted), 'ERR_TRUST_ROLLBACK');
  });

  it('a timestamp of the version that is held changes nothing, whatever it says', () => {
    const repository = made();
    const trusted = follow(repository);
    const other = rewritten(repository, 'timestamp', (signed) => void (((signed['meta'] as JsonObject)['snapshot.json'] as JsonObject)['version'] = 100));
    assert.equal(nextTimestamp(trusted, other, NOW), trusted);
    refuses(() => nextTimestamp(trusted, other, NOW + DAY), 'ERR_TRUST_EXPIRED');
  });

  it('what was kept is held against what comes, also when it is expired; keys that were taken from it free the version', () => {
    const repository = made();
    repository.publish();
    const timestamp = repository.metadata.get('timestamp.json') as Uint8Array;
    const kept = { timestamp, snapshot: repository.metadata.get('2.snapshot.json') as Uint8Array };
    const root = repository.metadata.get('1.root.json') as Uint8Array;
    const restored = restoreTrust(root, kept);
    assert.deepEqual([restored.timestamp?.version, restored.snapshot?.version], [2, 2]);
    repository.versions.timestamp = 0;
    refuses(() => nextTimestamp(restored, repository.publishTimestamp(), NOW), 'ERR_TRUST_ROLLBACK');
    // A thief ran ahead with the timestamp key: a new root names another, and version 1 is good again.
    repository.roles.timestamp = { keys: [createTestKey()], threshold: 1 };
    repository.versions.timestamp = 0;
    repository.publishTimestamp();
    const rotated = nextRoot(restored, repository.publishRoot());
    assert.deepEqual([rotated.timestamp, rotated.snapshot?.version], [undefined, 2]);
    assert.equal(nextTimestamp(rotated, repository.metadata.get('timestamp.json') as Uint8Array, NOW).timestamp?.version, 1);
    for (const broken of [utf8('{'), utf8('{}'), timestamp.subarray(1)]) assert.equal(restoreTrust(root, { ...kept, timestamp: broken }).timestamp, undefined);
  });

  it('documents belong together: another type, version, length or digest is refused', () => {
    const repository = made();
    const trusted = nextTimestamp(
      startTrust(repository.metadata.get('1.root.json') as Uint8Array),
      repository.metadata.get('timestamp.json') as Uint8Array,
      NOW,
    );
    const snapshot = repository.metadata.get('1.snapshot.json') as Uint8Array;
    refuses(() => nextTimestamp(startTrust(repository.metadata.get('1.root.json') as Uint8Array), snapshot, NOW), 'ERR_TRUST_INVALID');
    refuses(() => nextSnapshot(trusted, utf8(`${Buffer.from(snapshot).toString()} `), NOW), 'ERR_TRUST_MISMATCH');
    refuses(() => nextSnapshot(trusted, repository.publishSnapshot(), NOW), 'ERR_TRUST_MISMATCH');
    const full = nextSnapshot(trusted, snapshot, NOW);
    refuses(() => nextTargets(full, 'targets', 'root', repository.publishTargets(), NOW), 'ERR_TRUST_MISMATCH');
    refuses(() => nextTargets(full, 'stranger', 'targets', snapshot, NOW), 'ERR_TRUST_MISMATCH');
  });
});

describe('delegations', () => {
  it('a role counts by the word of the delegator that is asked, and not by that of another', () => {
    const repository = made();
    const trusted = follow(repository);
    assert.equal(hasCurrentTargets(trusted, 'deny', 'targets', NOW), true);
    refuses(
      () =>
        nextTargets(
          { ...trusted, targets: new Map([['other', parseTargets(sign(composeTargets({ version: 1, expires: NOW + DAY, files: [] }), []), 'other')]]) },
          'deny',
          'other',
          repository.metadata.get('1.deny.json') as Uint8Array,
          NOW,
        ),
      'ERR_TRUST_SIGNATURE',
    );
    repository.publishDelegated('deny', [createTestKey()]);
    repository.publishSnapshot();
    repository.publishTimestamp();
    refuses(() => follow(repository), 'ERR_TRUST_SIGNATURE');
  });

  it('are refused under the name of a top role, twice, without end or with two kinds of paths (CVE-2024-47534)', () => {
    const repository = made();
    const role = (change: (role: JsonObject, delegations: { roles: JsonObject[] }) => void): Uint8Array => {
      repository.versions.targets = 1;
      return rewritten(repository, 'targets', (signed) => {
        const delegations = signed['delegations'] as unknown as { roles: JsonObject[] };
        change(delegations.roles[0] as JsonObject, delegations);
      });
    };
    assert.equal(
      parseTargets(
        role(() => {}),
        'targets',
      ).delegations.length,
      1,
    );
    const changes: Parameters<typeof role>[0][] = [
      (one) => void (one['name'] = 'root'),
      (one) => void (one['name'] = ''),
      (one) => void (one['name'] = 'x'.repeat(129)),
      (one) => void delete one['terminating'],
      (one) => void (one['path_hash_prefixes'] = ['00']),
      (one) => void delete one['paths'],
      (_, all) => void all.roles.push(all.roles[0] as JsonObject),
    ];
    for (const change of changes) {
      repository.publishTargets();
      refuses(() => parseTargets(role(change), 'targets'), 'ERR_TRUST_INVALID');
    }
  });
});
