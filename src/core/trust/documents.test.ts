import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { listedKey } from '../../../test/trust-repository.ts';
import { NOW } from '../../../test/tuf-repository.ts';
import { type JsonObject, type JsonValue, LIMITS, utf8 } from '../encoding/index.ts';
import type { ErrorCode } from '../errors.ts';
import {
  encodeDenials,
  encodeKeyList,
  encodePrincipals,
  encodeSettings,
  type ListedDenial,
  type ListedKey,
  parseDenials,
  parseKeyList,
  parsePrincipals,
  parseSettings,
} from './documents.ts';

const HEX = 'ab'.repeat(32);
const refuses = (by: () => unknown, code: ErrorCode = 'ERR_TRUST_INVALID'): void => assert.throws(by, { code });
const json = (bytes: Uint8Array): JsonObject => JSON.parse(Buffer.from(bytes).toString()) as JsonObject;

const keys: ListedKey[] = [
  listedKey({ operator: 'us', protection: 'hardware', reason: 'why', lifted: ['s1'], window: { from: NOW, to: NOW + 1000 } }),
  {
    name: 'ca',
    version: 2,
    role: 'certificate-authority',
    state: 'retired',
    anchor: HEX,
    window: { from: NOW },
    retiredAt: NOW,
    acceptUndatedUntil: NOW,
    destroyedAt: NOW,
    lifted: [],
  },
  { name: 'log', version: 1, role: 'log', state: 'compromised', anchor: HEX, window: { from: NOW }, invalidFrom: NOW, lifted: [] },
];
const denials = (
  [
    { kind: 'key', key: HEX },
    { kind: 'certificate', certificate: HEX },
    { kind: 'identity', issuer: 'i', subject: 's', window: { from: NOW, to: NOW } },
    { kind: 'digest', digest: `sha256:${HEX}` },
    { kind: 'signature', document: `sha256:${HEX}` },
    { kind: 'log', anchor: HEX, fromIndex: '12' },
    { kind: 'log', anchor: HEX },
    { kind: 'run', run: 'https://ci/1' },
    { kind: 'suspension', name: 'release', version: 1, at: NOW, by: HEX },
    { kind: 'revocation', name: 'release', version: 1 },
  ] as object[]
).map((rest, i) => ({ id: `d${i}`, reason: 'why', addedAt: NOW, ...rest }) as ListedDenial);
const principals = [{ name: 'a', keys: [HEX], identities: [{ issuer: 'i', subject: 's' }] }];
const settings = { tiers: [{ name: 'edge', duration: 1000 }] };

describe('documents of the trust state', () => {
  it('come back as they were written', () => {
    assert.deepEqual(parseKeyList(encodeKeyList(keys), 'keys'), keys);
    assert.deepEqual(parseDenials(encodeDenials(denials), 'denials'), denials);
    assert.deepEqual(parsePrincipals(encodePrincipals(principals), 'principals'), principals);
    assert.deepEqual(parseSettings(encodeSettings(settings), 'settings'), settings);
  });

  const documents: [string, Uint8Array, (bytes: Uint8Array) => unknown][] = [
    ['keys', encodeKeyList(keys), (bytes) => parseKeyList(bytes, 'it')],
    ['denials', encodeDenials(denials), (bytes) => parseDenials(bytes, 'it')],
    ['principals', encodePrincipals(principals), (bytes) => parsePrincipals(bytes, 'it')],
    ['tiers', encodeSettings(settings), (bytes) => parseSettings(bytes, 'it')],
  ];

  it('are refused, and nothing crashes, with any member of another type, missing, or not known', () => {
    const strange: (JsonValue | undefined)[] = [undefined, null, [], {}, '', 0, -1, 1.5, 'x', [null]];
    for (const [member, bytes, parse] of documents) {
      const whole = json(bytes);
      assert.ok(parse(utf8(JSON.stringify(whole))));
      const items = whole[member] as JsonObject[];
      for (const holder of [whole, ...items]) {
        for (const name of [...Object.keys(holder), 'unheard-of']) {
          const held = holder[name];
          let refused = 0;
          for (const other of strange) {
            if (other === undefined) delete holder[name];
            else holder[name] = other;
            try {
              parse(utf8(JSON.stringify(whole)));
            } catch (error) {
              refused++;
              assert.match((error as { code?: string }).code ?? String(error), /^ERR_(TRUST_INVALID|TOO_LARGE)$/);
            }
          }
          assert.ok(refused >= 6, `${member} ${name}`);
          if (held === undefined) delete holder[name];
          else holder[name] = held;
        }
      }
    }
  });

  const keyWith = (rest: object): Uint8Array => {
    const document = json(encodeKeyList([listedKey()]));
    Object.assign((document['keys'] as JsonObject[])[0] as JsonObject, rest);
    return utf8(JSON.stringify(document));
  };

  it('state of a key what belongs to its state, and the same key once', () => {
    const time = '2026-01-01T00:00:00Z';
    for (const rest of [
      { state: 'suspended' },
      { state: 'retired' },
      { state: 'superseded' },
      { state: 'compromised' },
      { retiredAt: time },
      { invalidFrom: time },
      { acceptUndatedUntil: time },
      { destroyedAt: time },
      { role: 'log' },
      { anchor: HEX },
      { publicKey: '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n' },
      { from: '2026-01-02T00:00:00Z', to: time },
      { name: 'Release' },
      { name: '../x' },
    ])
      refuses(() => parseKeyList(keyWith(rest), 'it'));
    refuses(() => parseKeyList(encodeKeyList([listedKey(), listedKey({ version: 2 })]), 'it'));
    const [, ca] = keys as [ListedKey, ListedKey];
    refuses(() => parseKeyList(encodeKeyList([listedKey(), { ...ca, name: 'release', version: 1 }]), 'it'));
  });

  it('give each name to one principal and each id to one denial', () => {
    const [one] = principals as [(typeof principals)[number]];
    for (const other of [
      { ...one, keys: [], identities: [] },
      { ...one, name: 'b', keys: [] },
      { ...one, name: 'b', identities: [] },
    ])
      refuses(() => parsePrincipals(encodePrincipals([one, other]), 'it'));
    const [first] = denials as [ListedDenial];
    refuses(() => parseDenials(encodeDenials([first, first]), 'it'));
    refuses(() => parseSettings(encodeSettings({ tiers: [...settings.tiers, ...settings.tiers] }), 'it'));
  });

  it('name keys, digests, indexes and ids in one form each', () => {
    const denial = (rest: object): string => {
      const document = {
        apiVersion: 'sealward.dev/v1alpha1',
        kind: 'DenialList',
        denials: [{ id: 'd', reason: 'r', addedAt: '2026-01-01T00:00:00Z', ...rest }],
      };
      try {
        return parseDenials(utf8(JSON.stringify(document)), 'deny/denials.json').length === 1 ? 'read' : 'lost';
      } catch (error) {
        return (error as Error).message.replace('deny/denials.json, denials[0]: ', '');
      }
    };
    for (const [kind, member] of [
      ['key', 'key'],
      ['certificate', 'certificate'],
      ['log', 'anchor'],
    ] as const) {
      assert.equal(denial({ kind, [member]: HEX }), 'read');
      for (const other of [HEX.toUpperCase().replace(/^./, 'A'), HEX.slice(1), `${HEX}0`, `sha256:${HEX}`, ` ${HEX}`])
        assert.equal(denial({ kind, [member]: other }), `${member} is not a SHA-256 digest in small hexadecimal digits`, other);
    }
    for (const [kind, member] of [
      ['digest', 'digest'],
      ['signature', 'document'],
    ] as const) {
      assert.equal(denial({ kind, [member]: `sha256:${HEX}` }), 'read');
      for (const other of [HEX, `sha512:${HEX}`, `sha256:${HEX}0`, `sha256:A${HEX.slice(1)}`])
        assert.equal(denial({ kind, [member]: other }), `${member} is not sha256: and 64 small hexadecimal digits`, other);
    }
    for (const index of ['0', '7', '9223372036854775807']) assert.equal(denial({ kind: 'log', anchor: HEX, fromIndex: index }), 'read');
    for (const index of ['', '01', '-1', '1.5', '1e3', ' 1', '99999999999999999999'])
      assert.equal(denial({ kind: 'log', anchor: HEX, fromIndex: index }), 'fromIndex is not a number in a string', index);
    for (const id of ['', '../d', 'd e', 'd/e'])
      assert.equal(denial({ kind: 'run', run: 'x', id }), 'id is not a name of letters, digits, dots, dashes and underscores', id);
    assert.equal(denial({ kind: 'run', run: 'x', key: HEX }), '"key" is not a field of a denial of this kind');
    assert.equal(denial({ kind: 'run', run: 'x', ['y'.repeat(100)]: 1 }), `"${'y'.repeat(80)}" is not a field of a denial of this kind`);
    assert.match(
      denial({ kind: 'run', run: 'x', ...Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`m${at}`, 1])) }),
      /has 25 members, the bound is 16/,
    );
  });

  it('say which document it is, of which kind, and what is wrong with it', () => {
    const told = (document: object, parse: (bytes: Uint8Array, path: string) => unknown = parseSettings): string => {
      try {
        parse(utf8(JSON.stringify({ apiVersion: 'sealward.dev/v1alpha1', kind: 'TrustSettings', tiers: [], ...document })), 'trust.json');
        return 'read';
      } catch (error) {
        return (error as Error).message;
      }
    };
    assert.equal(told({}), 'read');
    assert.equal(told({ apiVersion: 'v1' }), 'trust.json: apiVersion is not sealward.dev/v1alpha1');
    assert.equal(told({ kind: 'KeyList' }), 'trust.json: kind is not TrustSettings');
    assert.equal(told({ tiers: [{ name: 'a', seconds: 0 }] }), 'trust.json, tiers[0]: seconds is not a whole number from 1');
    assert.throws(() => parseSettings(utf8('{'), 'trust.json'), /trust\.json/);
    assert.throws(() => parseSettings(utf8(' '.repeat(LIMITS.documentBytes + 1)), 'trust.json'), { code: 'ERR_TOO_LARGE' });
    const owner = (name: string) => ({ kind: 'PrincipalList', tiers: undefined, principals: [{ name }, { name }] });
    assert.equal(told(owner('maria'), parsePrincipals), 'trust.json: name maria belongs to two principals');
    assert.equal(told(owner('x'.repeat(300)), parsePrincipals), `trust.json: name ${'x'.repeat(195)} belongs to two principals`);
    assert.deepEqual(parsePrincipals(utf8(JSON.stringify({ apiVersion: 'sealward.dev/v1alpha1', kind: 'PrincipalList', principals: [{ name: 'a' }] })), 'it'), [
      { name: 'a', keys: [], identities: [] },
    ]);
    const written = new TextDecoder().decode(encodeKeyList([listedKey()]));
    assert.ok(!written.includes('lifted') && written.endsWith('}\n') && written.includes('\n  "kind"'), 'what is empty is left out, for people to read');
  });

  it('have bounds', () => {
    const many = <T>(count: number, one: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => one(i));
    const ca = keys[1] as ListedKey;
    const list = (count: number) => encodeKeyList(many(count, (i) => ({ ...ca, name: `k${i}`, anchor: i.toString(16).padStart(64, '0') })));
    assert.equal(parseKeyList(list(LIMITS.trustedKeys), 'it').length, LIMITS.trustedKeys);
    refuses(() => parseKeyList(list(LIMITS.trustedKeys + 1), 'it'), 'ERR_TOO_LARGE');
    const runs = (count: number) => encodeDenials(many(count, (i) => ({ id: `d${i}`, reason: '', addedAt: NOW, kind: 'run', run: '' })));
    assert.equal(parseDenials(runs(LIMITS.trustedDenials), 'it').length, LIMITS.trustedDenials);
    refuses(() => parseDenials(runs(LIMITS.trustedDenials + 1), 'it'), 'ERR_TOO_LARGE');
    const tiers = (count: number) => encodeSettings({ tiers: many(count, (i) => ({ name: `t${i}`, duration: 1000 })) });
    assert.equal(parseSettings(tiers(LIMITS.leaseTiers), 'it').tiers.length, LIMITS.leaseTiers);
    refuses(() => parseSettings(tiers(LIMITS.leaseTiers + 1), 'it'), 'ERR_TOO_LARGE');
  });
});
