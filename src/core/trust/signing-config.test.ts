/** Which services a signer asks: what the configuration names, and of that what is valid now, spoken, and wanted. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type JsonObject, type JsonValue, LIMITS, utf8 } from '../encoding/index.ts';
import { composeSigningConfig, parseSigningConfig, selectServices, type ServiceEndpoint } from './signing-config.ts';

const FROM = Date.UTC(2026, 0, 2, 3, 4, 5);
const COMPOSED = composeSigningConfig({
  operator: 'own.test',
  authorities: [{ url: 'https://ca.test', version: 1, from: FROM }],
  issuers: [{ url: 'https://issuer.test', version: 1, from: FROM, to: FROM + 1000 }],
  logs: [{ url: 'https://log.test', version: 2, from: FROM }],
  timestampAuthorities: [{ url: 'http://tsa.test', version: 1, from: FROM }],
});
const parse = (change: JsonObject) => parseSigningConfig(utf8(JSON.stringify({ ...COMPOSED, ...change })));
const service = (change: Record<string, JsonValue> = {}): JsonObject => ({
  url: 'https://ca.test',
  majorApiVersion: 1,
  validFor: { start: '2026-01-02T03:04:05Z' },
  operator: 'o',
  ...change,
});
const refuses = (change: JsonObject, says: RegExp): void => assert.throws(() => parse(change), { code: 'ERR_TRUSTED_ROOT_INVALID', message: says });

describe('a signing configuration', () => {
  it('is read back as it was written, in the form that Sigstore’s clients read', () => {
    assert.deepEqual(COMPOSED, {
      mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
      caUrls: [{ url: 'https://ca.test', majorApiVersion: 1, validFor: { start: '2026-01-02T03:04:05Z' }, operator: 'own.test' }],
      oidcUrls: [
        { url: 'https://issuer.test', majorApiVersion: 1, validFor: { start: '2026-01-02T03:04:05Z', end: '2026-01-02T03:04:06Z' }, operator: 'own.test' },
      ],
      rekorTlogUrls: [{ url: 'https://log.test', majorApiVersion: 2, validFor: { start: '2026-01-02T03:04:05Z' }, operator: 'own.test' }],
      rekorTlogConfig: { selector: 'ANY' },
      tsaUrls: [{ url: 'http://tsa.test', majorApiVersion: 1, validFor: { start: '2026-01-02T03:04:05Z' }, operator: 'own.test' }],
      tsaConfig: { selector: 'ANY' },
    });
    const endpoint = (url: string, version: number, to?: number): ServiceEndpoint => ({
      url,
      version,
      operator: 'own.test',
      window: to === undefined ? { from: FROM } : { from: FROM, to },
    });
    assert.deepEqual(parse({}), {
      authorities: [endpoint('https://ca.test', 1)],
      issuers: [endpoint('https://issuer.test', 1, FROM + 1000)],
      logs: [endpoint('https://log.test', 2)],
      logSelection: { rule: 'any' },
      timestampAuthorities: [endpoint('http://tsa.test', 1)],
      timestampSelection: { rule: 'any' },
    });
  });

  it('is refused whole where a part of it cannot be understood', () => {
    refuses({ mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.1+json' }, /media type/);
    refuses({ unknown: 1 }, /./);
    for (const url of ['', 'ftp://ca.test', 'https://', 'ca.test', 'https://[', ' https://ca.test']) refuses({ caUrls: [service({ url })] }, /url is not one/);
    for (const majorApiVersion of [0, -1, 1.5, '1', null]) refuses({ caUrls: [service({ majorApiVersion })] }, /majorApiVersion is not a version/);
    refuses({ caUrls: [service({ validFor: {} })] }, /start is missing/);
    refuses({ caUrls: [service({ other: 1 })] }, /./);
    assert.deepEqual(parse({ caUrls: [service()] }).authorities[0]?.operator, 'o');
  });

  it('selects all, any, or exactly so many; without a word any', () => {
    const rule = (config: JsonObject) => parse({ rekorTlogConfig: config }).logSelection;
    assert.deepEqual(
      [rule({ selector: 'ALL' }), rule({ selector: 'ANY' }), rule({ selector: 'EXACT', count: 2 })],
      [{ rule: 'all' }, { rule: 'any' }, { rule: 'exact', count: 2 }],
    );
    const { rekorTlogConfig: _, ...silent } = COMPOSED;
    assert.deepEqual(parseSigningConfig(utf8(JSON.stringify(silent))).logSelection, { rule: 'any' });
    refuses({ rekorTlogConfig: {} }, /selector/);
    refuses({ tsaConfig: { selector: 'SERVICE_SELECTOR_UNDEFINED' } }, /selector is missing/);
    for (const count of [0, -1, 1.5, '2']) refuses({ rekorTlogConfig: { selector: 'EXACT', count } }, /count is not a number above 0/);
    refuses({ rekorTlogConfig: { selector: 'EXACT' } }, /count is not a number above 0/);
  });

  it('is bounded', () => {
    const many = (count: number) => ({ caUrls: Array.from({ length: count }, () => service()) });
    assert.equal(parse(many(64)).authorities.length, 64);
    assert.throws(() => parse(many(65)), { code: 'ERR_TOO_LARGE' });
    const text = JSON.stringify(COMPOSED);
    assert.doesNotThrow(() => parseSigningConfig(utf8(text.padEnd(LIMITS.documentBytes))));
    assert.throws(() => parseSigningConfig(utf8(text.padEnd(LIMITS.documentBytes + 1))), { code: 'ERR_TOO_LARGE' });
  });
});

describe('the services to ask', () => {
  const one = (url: string, more: Partial<ServiceEndpoint> = {}): ServiceEndpoint => ({ url, version: 1, operator: url, window: { from: 0 }, ...more });
  const urls = (services: readonly ServiceEndpoint[], selection: Parameters<typeof selectServices>[2] = { rule: 'all' }, versions = [1, 2], now = 5) =>
    selectServices(services, versions, selection, now, 'log').map(({ url }) => url);

  it('are valid now, both ends included, and of a version that is spoken', () => {
    const window = (from: number, to?: number) => [one('a', { window: to === undefined ? { from } : { from, to } }), one('b')];
    assert.deepEqual(urls(window(5, 5)).sort(), ['a', 'b']);
    assert.deepEqual(urls(window(6)), ['b']);
    assert.deepEqual(urls(window(0, 4)), ['b']);
    assert.deepEqual(urls([one('a', { version: 3 }), one('b')]), ['b']);
  });

  it('are of each operator the one of the newest version, then the one that is valid since last', () => {
    const same = (url: string, version: number, from = 0) => one(url, { operator: 'o', version, window: { from } });
    for (const order of [
      [same('old', 1, 4), same('new', 2)],
      [same('new', 2), same('old', 1, 4)],
      [same('early', 2, 1), same('new', 2, 2)],
      [same('new', 2, 2), same('early', 2, 1)],
    ])
      assert.deepEqual(urls(order), ['new']);
    assert.deepEqual(urls([one('a', { operator: '' }), one('b', { operator: '' })]).sort(), ['a', 'b'], 'who names no operator is one of its own');
  });

  it('are as many as are wanted, or the configuration is of no use', () => {
    const three = [one('a'), one('b'), one('c')];
    assert.deepEqual([urls(three, { rule: 'any' }).length, urls(three, { rule: 'all' }).length, urls(three, { rule: 'exact', count: 2 }).length], [1, 3, 2]);
    assert.deepEqual(urls(three, { rule: 'exact', count: 3 }).length, 3);
    for (const [services, selection] of [
      [three, { rule: 'exact', count: 4 }],
      [[], { rule: 'all' }],
      [[], { rule: 'any' }],
    ] as const)
      assert.throws(() => urls(services, selection), {
        code: 'ERR_TRUSTED_ROOT_INVALID',
        message: 'the signing configuration names no log that is valid now and spoken here',
      });
  });
});
