/** The one reason why a signature does not count: its words name what was found and what was wanted, and what strangers wrote is cut short. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  A,
  attested,
  B,
  by,
  CA,
  type Case,
  certified,
  dated,
  decided,
  identity,
  IMAGE,
  LOG,
  NOW,
  one,
  OWN_LOG,
  policy,
  RSA,
  set,
  signature,
  signedBy,
  text,
  trust,
  version,
} from '../../../test/hand-made.ts';
import type { Authority, Strictness } from '../policy/index.ts';
import type { SignatureFacts } from './facts.ts';

const DAY = 86_400_000;
const T = NOW - 10 * DAY;
const T_TEXT = '2026-11-17T00:00:00.000Z';
const LONG = 'x'.repeat(300);

/** `CODE: words` of the only candidate. */
function reason(found: SignatureFacts, authority: Authority, { strictness = {}, ...more }: Case & { strictness?: Partial<Strictness> } = {}): string {
  const { policies } = decided({ ...more, signatures: [found], policies: set([policy([signedBy(one(authority))], { strictness })]) });
  const [candidate] = policies[0]?.requirements[0]?.candidates ?? [];
  assert.equal(policies[0]?.requirements[0]?.candidates.length, 1);
  return candidate?.counts ? 'counts' : `${candidate?.code}: ${candidate?.detail}`;
}

describe('the reason why a signature does not count', () => {
  it('names the key, or that there is none to be trusted', () => {
    assert.equal(reason(signature(B), by(A)), `KEY_MISMATCH: it was made with the key ${B.slice(0, 16)}`);
    assert.equal(reason(certified('maria'), by(A)), 'KEY_MISMATCH: its certificate holds another key');
    assert.equal(reason(signature(A), identity('maria')), 'CERTIFICATE_MISSING: it was made with a bare key, and an identity was asked for');
    const nobody = (more: Partial<SignatureFacts>) => signature(A, { signers: [], ...more });
    assert.equal(reason(nobody({}), by(A)), 'SIGNATURE_INVALID: no key that is trusted made it');
    assert.equal(reason(nobody({}), identity('maria')), 'CERTIFICATE_MISSING: it was made with a bare key, and an identity was asked for');
    const corporate: Authority = { kind: 'certificate', name: 'private', anchors: [CA], names: [], extendedKeyUsage: [] };
    assert.equal(reason(nobody({}), corporate), 'CERTIFICATE_MISSING: it was made with a bare key, and an identity was asked for');
    for (const code of ['SIGNATURE_INVALID', 'KEY_MISMATCH', 'ALGORITHM_REFUSED'] as const) {
      const why = [
        { code: 'SCT_MISSING', detail: 'beside it' },
        { code, detail: 'by cryptography' },
      ] as const;
      assert.equal(reason(nobody({ findings: why }), by(A)), `${code}: by cryptography`);
      assert.equal(reason(nobody({ broken: why.slice(1), findings: [] }), identity('maria')), `${code}: by cryptography`);
    }
  });

  it('names the identity that was found and the one that was wanted', () => {
    const wanted = (more: object) => identity('maria', { identities: [{ issuer: text('https://issuer.test'), claims: [], ...more }] });
    assert.equal(reason(certified('tom'), identity('maria')), 'IDENTITY_MISMATCH: it was signed by tom, wanted was maria');
    assert.equal(reason(certified('', {}, {}, { names: ['tom', 'ann'] }), identity('maria')), 'IDENTITY_MISMATCH: it was signed by tom, ann, wanted was maria');
    assert.equal(reason(certified('', {}, {}, { names: [] }), identity('maria')), 'IDENTITY_MISMATCH: it was signed by nobody with a name, wanted was maria');
    assert.equal(reason(certified(LONG), identity('maria')), `IDENTITY_MISMATCH: it was signed by ${'x'.repeat(200)}, wanted was maria`);
    assert.equal(
      reason(certified('maria', { issuer: 'https://other.test' }), identity('maria')),
      'ISSUER_MISMATCH: its issuer is https://other.test, wanted was https://issuer.test',
    );
    assert.match(reason(certified('maria', { issuer: LONG }), identity('maria')), /^ISSUER_MISMATCH: [^x]*x{200}[^x]*, wanted was https:\/\/issuer\.test$/);
    assert.match(
      reason(certified('maria', { issuer: undefined as never }), identity('maria')),
      /^ISSUER_MISMATCH: .*not stated.*, wanted was https:\/\/issuer\.test$/,
    );
    const trigger = wanted({
      claims: [
        { claim: 'runnerEnvironment', pattern: text('hosted') },
        { claim: 'buildTrigger', pattern: text('push') },
      ],
    });
    const hosted = { runnerEnvironment: 'hosted' };
    assert.equal(reason(certified('maria', { ...hosted, buildTrigger: 'fork' }), trigger), 'CLAIM_MISMATCH: buildTrigger is fork, wanted was push');
    assert.equal(reason(certified('maria', { ...hosted, buildTrigger: LONG }), trigger), `CLAIM_MISMATCH: buildTrigger is ${'x'.repeat(200)}, wanted was push`);
    assert.equal(reason(certified('maria', hosted), trigger), 'CLAIM_MISMATCH: buildTrigger is not stated, wanted was push');
    const anything = wanted({ claims: [{ claim: 'buildTrigger', pattern: { text: '*', matches: () => true } }] });
    assert.equal(reason(certified('maria'), anything), 'CLAIM_MISMATCH: buildTrigger is not stated, wanted was *');
  });

  it('names the subject of a certificate of a private authority', () => {
    const wanted: Authority = { kind: 'certificate', name: 'private', anchors: [CA], subject: text('CN=ci'), names: [], extendedKeyUsage: [] };
    const found = (subject: string, ...names: string[]) => certified('', {}, {}, { subject, names });
    assert.equal(reason(found('CN=tom'), wanted), 'IDENTITY_MISMATCH: its subject is CN=tom, wanted was CN=ci');
    assert.equal(reason(found(LONG), wanted), `IDENTITY_MISMATCH: its subject is ${'x'.repeat(200)}, wanted was CN=ci`);
    assert.equal(reason(found('CN=tom', 'a.test', 'CN=ci'), wanted), 'counts');
  });

  it('names what was signed beside the digest', () => {
    const annotated = { annotations: [{ key: 'stage', value: text('release') }] };
    const found = (annotations: SignatureFacts['annotations']) => reason(signature(A, { annotations }), by(A), { strictness: annotated });
    assert.equal(found({}), 'ANNOTATION_MISMATCH: stage is not signed, wanted was release');
    assert.equal(found({ stage: 'test' }), 'ANNOTATION_MISMATCH: stage is "test", wanted was release');
    assert.equal(found({ stage: LONG }), `ANNOTATION_MISMATCH: stage is "${'x'.repeat(199)}, wanted was release`);
    assert.equal(found({ stage: 1 }), 'ANNOTATION_MISMATCH: stage is 1, wanted was release');
  });

  it('names the repository and the tag that it was signed for', () => {
    const claimed = (where: 'simple-signing' | 'statement', repository: string, tag?: string) =>
      signature(A, { claimed: { in: where, repository, ...(tag === undefined ? {} : { tag }) } });
    const wanted = `, wanted was ${IMAGE}`;
    assert.equal(reason(claimed('simple-signing', 'other.test/app'), by(A)), `CLAIMED_REPOSITORY_MISMATCH: it was signed for other.test/app${wanted}`);
    assert.equal(reason(claimed('simple-signing', LONG), by(A)), `CLAIMED_REPOSITORY_MISMATCH: it was signed for ${'x'.repeat(200)}${wanted}`);
    assert.equal(reason(claimed('statement', 'other.test/app'), by(A)), `CLAIMED_REPOSITORY_MISMATCH: it was signed for other.test/app${wanted}`);
    assert.equal(reason(claimed('statement', 'sbom.json'), by(A)), 'counts', 'a file is no repository');
    const exact = { strictness: { repositoryClaim: { rule: 'exact', mirrors: [], tag: false } } } as const;
    assert.equal(reason(claimed('statement', 'sbom.json'), by(A), exact), 'CLAIMED_REPOSITORY_MISMATCH: it names no repository');
    const mirrored = { repositoryClaim: { rule: 'unless-claimed', mirrors: [{ from: IMAGE, to: 'up.test/app' }], tag: true } } as const;
    assert.equal(
      reason(claimed('simple-signing', 'x.test/app'), by(A), { strictness: mirrored }),
      `CLAIMED_REPOSITORY_MISMATCH: it was signed for x.test/app${wanted} or up.test/app`,
    );
    const tagged = (tag: string | undefined, asked?: object) => reason(claimed('simple-signing', IMAGE, tag), by(A), { strictness: mirrored, ...asked });
    assert.equal(tagged('2'), 'CLAIMED_TAG_MISMATCH: it was signed for the tag 2, asked was 1');
    assert.equal(tagged(LONG), `CLAIMED_TAG_MISMATCH: it was signed for the tag ${'x'.repeat(128)}, asked was 1`);
    assert.equal(tagged('2', { request: { tag: undefined } }), 'CLAIMED_TAG_MISMATCH: it was signed for the tag 2, asked was a digest alone');
    assert.equal(tagged(undefined), 'counts');
  });

  it('names the digest that it is not about, or the form that nobody reads', () => {
    const { about: _, ...elsewhere } = signature(A);
    assert.equal(reason(elsewhere, by(A)), 'DIGEST_MISMATCH: it is not about this digest');
    for (const code of ['DIGEST_MISMATCH', 'FORMAT_UNSUPPORTED'] as const) {
      const why = [
        { code: 'SCT_MISSING', detail: 'beside it' },
        { code, detail: 'another digest' },
      ] as const;
      assert.equal(reason({ ...elsewhere, findings: why }, by(A)), `${code}: another digest`);
      assert.equal(reason({ ...elsewhere, broken: why }, by(A)), `${code}: another digest`);
    }
    const strange = signature(A, {
      role: 'unknown',
      findings: [
        { code: 'SCT_MISSING', detail: 'beside it' },
        { code: 'FORMAT_UNSUPPORTED', detail: 'a payload of the type x' },
      ],
    });
    assert.equal(reason(strange, by(A)), 'FORMAT_UNSUPPORTED: a payload of the type x');
    assert.equal(reason(signature(A, { role: 'unknown' }), by(A)), 'FORMAT_UNSUPPORTED: ');
  });

  it('names the strength that is asked for', () => {
    const weak = (strictness: Partial<Strictness>, anchor = A) => reason(signature(anchor), by(anchor), { strictness });
    assert.equal(weak({ algorithms: ['ed25519'] }), 'ALGORITHM_NOT_ALLOWED: it was made with ecdsa-p256-sha256');
    assert.equal(weak({ hashes: ['sha512'] }), 'ALGORITHM_NOT_ALLOWED: it was made with ecdsa-p256-sha256 over sha256');
    assert.equal(weak({ minimumBits: { ecdsa: 257 } }), 'ALGORITHM_NOT_ALLOWED: it was made with ecdsa-p256-sha256, a key of 256 bits; 257 are asked for');
    assert.equal(
      weak({ minimumBits: { rsa: 4096 } }, RSA),
      'ALGORITHM_NOT_ALLOWED: it was made with rsa3072-pkcs1-sha256, a key of 3072 bits; 4096 are asked for',
    );
    const curve = (name: 'P-256' | 'P-384' | 'P-521', ecdsa: number) => {
      const found = signature(A);
      return reason({ ...found, signers: found.signers.map((one) => ({ ...one, curve: name })) }, by(A), { strictness: { minimumBits: { ecdsa } } });
    };
    for (const [name, bits] of [
      ['P-256', 256],
      ['P-384', 384],
      ['P-521', 521],
    ] as const) {
      assert.equal(curve(name, bits), 'counts');
      assert.match(curve(name, bits + 1), /ALGORITHM_NOT_ALLOWED/);
    }
    const unknown = signature(A);
    const { curve: _, ...bare } = unknown.signers[0] as SignatureFacts['signers'][number];
    assert.match(reason({ ...unknown, signers: [bare] }, by(A), { strictness: { minimumBits: { ecdsa: 1 } } }), /a key of 0 bits; 1 are asked for/);
    const size = signature(RSA);
    const { bits: __, ...unsized } = size.signers[0] as SignatureFacts['signers'][number];
    assert.match(reason({ ...size, signers: [unsized] }, by(RSA), { strictness: { minimumBits: { rsa: 1 } } }), /a key of 0 bits; 1 are asked for/);
    assert.equal(weak({ minimumBits: { ecdsa: 521 } }, RSA), 'counts', 'the size of another kind of key');
    assert.equal(weak({ minimumBits: { rsa: 4096 } }), 'counts', 'the size of another kind of key');
  });

  it('names who dated it, and which time nobody believes', () => {
    const logs = (count: number, ...times: SignatureFacts['times']) =>
      reason(signature(A, { times }), by(A), { strictness: { dated: { logs: count, timestamps: 0, any: 0 } } });
    assert.equal(logs(1), 'LOG_ENTRY_MISSING: it carries no log entry');
    assert.equal(logs(2, dated(T)), 'THRESHOLD_NOT_MET: 1 of 2 independent logs hold it');
    assert.equal(logs(2, dated(T), dated(T, OWN_LOG.id)), 'counts');
    const stamps = { dated: { logs: 0, timestamps: 2, any: 0 } };
    assert.equal(
      reason(signature(A, { times: [dated(T)] }), by(A), { strictness: stamps }),
      'THRESHOLD_NOT_MET: 0 of 2 independent timestamp authorities dated it',
    );
    const any = { dated: { logs: 0, timestamps: 0, any: 2 } };
    assert.equal(
      reason(signature(A, { times: [dated(T)] }), by(A), { strictness: any }),
      'THRESHOLD_NOT_MET: 1 of 2 independent logs or timestamp authorities vouch for it',
    );
    const old = { strictness: { maxAge: DAY } };
    assert.equal(reason(signature(A), by(A), old), 'TIME_MISSING: its age is asked for, and nobody dated it');
    assert.equal(reason(signature(A, { times: [dated(T)] }), by(A), old), `SIGNATURE_TOO_OLD: it is dated ${T_TEXT}`);
    assert.equal(reason(signature(A, { times: [dated(T)] }), by(A), { strictness: { minAge: 11 * DAY } }), `SIGNATURE_TOO_YOUNG: it is dated ${T_TEXT}`);
    const ended = { trust: { keys: [version(LOG.id, { role: 'log', state: 'retired', retiredAt: T - 1 })] } };
    assert.equal(
      reason(signature(A, { times: [dated(T)] }), by(A), { strictness: { dated: { logs: 1, timestamps: 0, any: 0 } }, ...ended }),
      'LOG_OUTSIDE_WINDOW: log.test is not trusted for that time',
    );
  });

  it('names the window that it is out of', () => {
    const found = (time: number | undefined, window: { from: number; to?: number }) =>
      reason(signature(A, { times: time === undefined ? [] : [dated(time)] }), by(A, { window }));
    const from = new Date(NOW + 1).toISOString();
    assert.equal(
      found(T, { from: T + 1 }),
      `AUTHORITY_OUTSIDE_WINDOW: the policy trusts it from ${new Date(T + 1).toISOString()} on, and it is dated ${T_TEXT}`,
    );
    assert.equal(
      found(undefined, { from: NOW + 1 }),
      `AUTHORITY_OUTSIDE_WINDOW: the policy trusts it from ${from} on, and it is dated 2026-11-27T00:00:00.000Z`,
    );
    assert.equal(found(undefined, { from: NOW }), 'counts');
    const certificate = (time: number, fact: object) =>
      reason(
        certified('maria', {}, { times: [dated(time)] }, { from: T - 1, to: T, issuers: [{ anchor: CA, purposes: ['1.3.6.1.5.5.7.3.3'], chain: [fact] }] }),
        identity('maria'),
      );
    const words = `the certificate is valid from ${new Date(T - 1).toISOString()} to ${T_TEXT}`;
    assert.equal(certificate(T + 1, { fingerprint: 'f', from: T - 1, to: T }), `CERTIFICATE_EXPIRED: it is dated ${new Date(T + 1).toISOString()}; ${words}`);
    assert.equal(certificate(T, { fingerprint: 'f', from: T - 1, to: T }), 'counts');
  });

  it('names the state of the key, since when, and why', () => {
    const state = (more: object, time: number | undefined, strictness: Partial<Strictness> = {}) =>
      reason(signature(A, { times: time === undefined ? [] : [dated(time)] }), by(A), { strictness, trust: { keys: [version(A, more)] } });
    const after = new Date(T + 1).toISOString();
    assert.equal(state({ window: { from: T + 1 } }, T), `KEY_NOT_ACTIVE: release/1 counts from ${after}, and the signature is dated ${T_TEXT}`);
    assert.equal(
      state({ window: { from: NOW + 1 } }, undefined),
      `KEY_NOT_ACTIVE: release/1 counts from ${new Date(NOW + 1).toISOString()}, and the signature is not dated`,
    );
    assert.equal(state({ state: 'revoked-all', reason: 'stolen' }, T), 'KEY_REVOKED: release/1 is revoked-all (stolen)');
    assert.equal(state({ state: 'compromised', invalidFrom: T }, T), `KEY_COMPROMISED: release/1 is compromised; the signature is dated ${T_TEXT}`);
    assert.equal(state({ state: 'superseded', invalidFrom: T }, T), `KEY_SUPERSEDED: release/1 is superseded at ${T_TEXT}; the signature is dated ${T_TEXT}`);
    assert.equal(
      state({ state: 'superseded', window: { from: T } }, T),
      `KEY_SUPERSEDED: release/1 is superseded at ${T_TEXT}; the signature is dated ${T_TEXT}`,
    );
    assert.equal(state({ state: 'suspended', suspendedAt: T }, T), `KEY_SUSPENDED: release/1 is suspended since ${T_TEXT}`);
    assert.equal(state({ state: 'suspended', window: { from: T } }, T), `KEY_SUSPENDED: release/1 is suspended since ${T_TEXT}`);
    assert.equal(state({ state: 'suspended', suspendedAt: T }, T - 1), 'KEY_SUSPENDED: release/1 is suspended, and what it signed before is held');
    assert.equal(state({ state: 'retired', retiredAt: T }, undefined), `KEY_RETIRED: release/1 was retired at ${T_TEXT}, and nobody dated the signature`);
    assert.equal(state({ state: 'retired', retiredAt: T }, T + 1), `KEY_RETIRED: release/1 was retired at ${T_TEXT}, and the signature is dated ${after}`);
    assert.equal(state({ window: { from: 0, to: T } }, T + 1), `KEY_OUTSIDE_WINDOW: release/1 counted until ${T_TEXT}, and the signature is dated ${after}`);
    assert.equal(state({ role: 'log' }, T), 'KEY_MISMATCH: release/1 is a key for another purpose: log');
  });

  it('names the time for which a key is not trusted, the first of several that is', () => {
    const windowed = (from: number, to: number) => ({
      trust: { anchors: { ...trust().anchors, keys: trust().anchors.keys.map((key) => ({ ...key, name: 'ours', window: { from, to } })) } },
    });
    const found = (...times: number[]) => signature(A, { times: times.map((at) => dated(at)) });
    assert.equal(reason(found(T, T + 1), by(A), windowed(0, T)), `KEY_OUTSIDE_WINDOW: ours is not trusted for ${new Date(T + 1).toISOString()}`);
    assert.equal(reason(found(T, T + 1), by(A), windowed(T + 1, NOW)), `KEY_OUTSIDE_WINDOW: ours is not trusted for ${T_TEXT}`);
    assert.equal(reason(found(), by(A), windowed(0, NOW - 1)), 'KEY_OUTSIDE_WINDOW: ours is not trusted for 2026-11-27T00:00:00.000Z');
  });

  it('names the certificate log that was not trusted, or what was found wrong with its word', () => {
    const logged = identity('maria', { certificateLog: true });
    const said = [{ code: 'SCT_INVALID', detail: 'of another certificate' }] as const;
    assert.equal(reason(certified('maria', {}, {}, { findings: said }), logged), 'SCT_INVALID: of another certificate');
    assert.equal(reason(certified('maria'), logged), 'SCT_INVALID: the certificate log was not trusted at that time');
  });

  it('names the type of an attestation of another type, cut short', () => {
    const told = (predicateType: string) => {
      const wanted = { name: 'x', kind: 'attestation', predicateTypes: ['https://wanted.test'], from: [by(A)], atLeast: 1, conditions: [] } as const;
      return decided({ signatures: [attested(A, 's', { predicateType })], policies: set([policy([wanted])]) }).policies[0]?.requirements[0]?.detail;
    };
    assert.equal(told('https://other.test'), 'its predicate is of the type https://other.test');
    assert.equal(told(LONG), `its predicate is of the type ${'x'.repeat(200)}`);
  });

  it('says of a moment outside the calendar that nobody knows it', () => {
    const far = { keys: [version(A, { window: { from: 8.64e15 + 1 } })] };
    assert.match(reason(signature(A, { times: [dated(T)] }), by(A), { trust: far }), /counts from an unknown time/);
    assert.match(
      reason(signature(A, { times: [dated(T)] }), by(A), { trust: { keys: [version(A, { window: { from: 8.64e15 } })] } }),
      /counts from \+275760-09-13/,
    );
  });
});
