/** The decision about images: their names and labels, indexes, records, exceptions and defaults, namespaces, the lease, and what people read. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  A,
  B,
  by,
  type Case,
  code,
  dated,
  decided,
  EVERYWHERE,
  exception,
  HEX,
  IMAGE,
  NOW,
  of,
  one,
  policy,
  PQ,
  REQUEST,
  RSA,
  set,
  signature,
  signedBy,
  text,
  version,
} from '../../../test/hand-made.ts';
import { createTestSigstore } from '../../testing/index.ts';
import { utf8 } from '../encoding/index.ts';
import type { ImageException, ImagePolicy } from '../policy/index.ts';

import { encodeDecision, indexThatLists, JUDGE_VERSION, prove, type ProvenIndex, readEvidence } from './index.ts';

describe('images', () => {
  const named = (requirement: object, request: Case['request'] = {}) =>
    code({ request, policies: set([policy([{ name: 'image', kind: 'image', repositories: [], tags: [], labels: [], ...requirement }])]) });

  it('are refused whoever signed, or for their names and labels', () => {
    assert.equal(code({ signatures: [signature(A)], policies: set([policy([{ name: 'no', kind: 'refusal', reason: 'given up' }])]) }), 'IMAGE_REFUSED');
    assert.equal(named({ repositories: [text(IMAGE)], tags: [text('1')] }), 'VERIFIED');
    assert.equal(named({ repositories: [text('x')] }), 'IMAGE_NAME_REFUSED');
    assert.equal(named({ tags: [text('2')] }), 'IMAGE_NAME_REFUSED');
    const labels = [{ key: 'team', value: text('shop') }];
    assert.equal(named({ labels }), 'IMAGE_LABEL_MISSING');
    assert.equal(named({ labels }, { labels: { team: 'other' } }), 'IMAGE_LABEL_MISSING');
    assert.equal(named({ labels }, { labels: { team: 'shop' } }), 'VERIFIED');
    assert.equal(named({ labels }, { labels: undefined } as never), 'IMAGE_LABELS_UNKNOWN');
    assert.equal(named({ repositories: [text(IMAGE)] }, { labels: undefined } as never), 'VERIFIED', 'nobody asked for a label');
    assert.equal(named({ tags: [text('2')] }, { tag: undefined } as never), 'VERIFIED', 'a digest has no tag that could be wrong');
    assert.equal(named({ repositories: [text('x'), text(IMAGE)], tags: [text('2'), text('1')] }), 'VERIFIED', 'one of several is enough');
  });

  it('tell which name or label it was, and what was found, cut short', () => {
    const told = (requirement: object, request: object = {}) =>
      decided({ request, policies: set([policy([{ name: 'image', kind: 'image', repositories: [], tags: [], labels: [], ...requirement }])]) }).policies[0]
        ?.requirements[0]?.detail;
    assert.equal(told({ repositories: [text('x'), text('y')] }), `the repository ${IMAGE} is not one of x, y`);
    assert.equal(told({ tags: [text('2'), text('3')] }), 'the tag 1 is not one of 2, 3');
    const labels = [{ key: 'any' }, { key: 'team', value: text('shop') }];
    assert.equal(told({ labels }, { labels: { any: '' } }), 'team is not set');
    assert.equal(told({ labels }, { labels: { team: 'shop' } }), 'any is not set');
    assert.equal(told({ labels }, { labels: { any: '', team: 'bank' } }), 'team is bank');
    assert.equal(told({ labels }, { labels: { any: '', team: 'x'.repeat(300) } }), `team is ${'x'.repeat(200)}`);
    assert.equal(told({ labels }, { labels: undefined }), 'any, team');
    assert.equal(told({ labels: [{ key: 'toString' }] }, { labels: {} }), 'toString is not set');
  });
});

describe('indexes', () => {
  it('cover the images whose digests they list, by proof of their bytes', () => {
    const index = sigstoreIndex([`sha256:${HEX}`]);
    const proven = indexThatLists(index, `sha256:${HEX}`);
    assert.ok(proven);
    assert.equal(indexThatLists(index, `sha256:${'b'.repeat(64)}`), undefined);
    const sigstore = createTestSigstore();
    const layer = sigstore.signImage({ digest: proven.digest });
    const evidence = (indexes: readonly ProvenIndex[]) => ({
      subject: { digests: { sha256: HEX }, indexes },
      places: [],
      documents: [readEvidence('sig-tag', layer.source, layer.bytes)],
    });
    assert.equal(prove(evidence([proven]), sigstore.anchors).signatures[0]?.about, proven.digest);
    assert.deepEqual(prove(evidence([proven]), sigstore.anchors).indexes, [proven.digest]);
    assert.equal(prove(evidence([]), sigstore.anchors).signatures[0]?.about, undefined);
    const several = sigstoreIndex([`sha256:${'b'.repeat(64)}`, `sha256:${HEX}`]);
    assert.ok(indexThatLists(several, `sha256:${HEX}`), 'any of its images');
    assert.equal(indexThatLists(sigstoreIndex([]), `sha256:${HEX}`), undefined);
  });
});

function sigstoreIndex(digests: readonly string[]): Uint8Array {
  const manifests = digests.map((digest) => ({ mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: 1 }));
  return utf8(JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests }));
}

describe('a record', () => {
  it('of the same decision made again is the same, byte for byte, in whatever order its evidence was found', () => {
    const signatures = [signature(A, { times: [dated(NOW - 1)] }), signature(B), signature(PQ)];
    const policies = set([policy([signedBy(of(2, one(by(A)), one(by(RSA))))])]);
    const record = (found: typeof signatures) =>
      encodeDecision(decided({ policies, signatures: found }), {
        evidence: 'sha256:e',
        policies,
        trust: { digest: 'sha256:t', versions: { keys: 3 } },
        request: REQUEST,
      });
    const bytes = record(signatures);
    assert.deepEqual(record([...signatures].reverse()), bytes);
    const { decision, judge, trust } = JSON.parse(new TextDecoder().decode(bytes)) as {
      decision: { code: string; until: number };
      judge: number;
      trust: object;
    };
    assert.deepEqual(
      [decision.code, decision.until, judge, trust],
      ['SIGNERS_MISSING', NOW + 1000, JUDGE_VERSION, { digest: 'sha256:t', versions: { keys: 3 } }],
    );
  });
});

describe('exceptions and defaults', () => {
  const excepted = (more: Partial<ImageException>) => decided({ policies: set([policy([signedBy(one(by(A)))])], { exceptions: [exception(more)] }) });

  it('let through what no policy is satisfied with, and say so', () => {
    const decision = excepted({});
    assert.deepEqual([decision.action, decision.code, decision.exceptions, decision.until], ['allow', 'EXCEPTED', ['e1'], NOW + 2]);
    assert.match(decision.message, /exception: e1: a fix is coming/);
    assert.equal(excepted({ window: { from: NOW - 2, to: NOW - 1 } }).code, 'NO_SIGNATURE');
    assert.equal(excepted({ window: { from: NOW + 1, to: NOW + 2 } }).code, 'NO_SIGNATURE');
    assert.equal(excepted({ digests: ['sha256:1'] }).code, 'NO_SIGNATURE');
    assert.equal(excepted({ policies: ['other'] }).code, 'NO_SIGNATURE');
    assert.equal(excepted({ scope: { ...EVERYWHERE, namespaces: [text('other')] } }).code, 'NO_SIGNATURE');
    assert.equal(decided({ signatures: [signature(A)], policies: set([policy([signedBy(one(by(A)))])], { exceptions: [exception()] }) }).code, 'VERIFIED');
  });

  it('decide what no policy covers, and say that it was the default', () => {
    const byRule = (action: 'deny' | 'warn' | 'allow') => decided({ policies: set([], { defaultRule: { action, stated: true } }) });
    assert.deepEqual([byRule('deny').action, byRule('warn').action, byRule('allow').action], ['deny', 'warn', 'allow']);
    assert.deepEqual([byRule('deny').code, byRule('deny').byDefault], ['NO_POLICY', true]);
    assert.match(decided({ policies: set([]) }).message, /nobody stated a default rule/);
  });
});

describe('namespaces', () => {
  const inNamespace = (name: string, anchor: string): ImagePolicy =>
    policy([signedBy(one(by(anchor)))], { name, scope: { ...EVERYWHERE, namespaces: [text(name)] } });
  const node = { place: {} };

  it('that nobody knows: the cluster-wide hold, and one namespaced set', () => {
    const wide = policy([signedBy(one(by(A)))], { name: 'wide' });
    const policies = set([wide, inNamespace('shop', B), inNamespace('bank', PQ)]);
    assert.equal(code({ request: node, policies, signatures: [signature(A), signature(B)] }), 'VERIFIED');
    assert.equal(decided({ request: node, policies, signatures: [signature(A)] }).action, 'deny');
    assert.equal(decided({ request: node, policies, signatures: [signature(B)] }).action, 'deny');
    assert.equal(code({ policies, signatures: [signature(A), signature(B)] }), 'VERIFIED');
    assert.equal(code({ policies, signatures: [signature(A), signature(PQ)] }), 'KEY_MISMATCH');
  });

  it('may only add requirements of their own', () => {
    const own = policy([signedBy(one(by(B)))], { name: 'own', namespace: 'shop' });
    assert.equal(code({ policies: set([own]), signatures: [signature(B)] }), 'NO_POLICY');
    assert.equal(decided({ policies: set([policy([signedBy(one(by(A)))]), own]), signatures: [signature(A)] }).action, 'deny');
    assert.equal(code({ policies: set([policy([signedBy(one(by(A)))]), own]), signatures: [signature(A), signature(B)] }), 'VERIFIED');
  });
});

describe('the lease', () => {
  it('past its end admits nothing new, and lets go on what ran', () => {
    const lease = { issuedAt: NOW - 100, endsAt: NOW };
    const decision = decided({ signatures: [signature(A)], trust: { lease } });
    assert.deepEqual([decision.code, decision.action, decision.outcome], ['TRUST_STALE', 'deny', 'inconclusive']);
    assert.equal(code({ signatures: [signature(A)], trust: { lease }, request: { admittedBefore: true } }), 'VERIFIED');
    assert.equal(
      code({ signatures: [signature(A)], trust: { lease, keys: [version(A, { state: 'revoked-all' })] }, request: { admittedBefore: true } }),
      'KEY_REVOKED',
    );
    assert.equal(code({ signatures: [signature(A)], trust: { lease: { issuedAt: NOW - 100, endsAt: NOW + 1 } } }), 'VERIFIED');
  });

  it('is shorter in a tier, and there is none in a tier that nobody knows', () => {
    const tiers = [{ name: 'edge', duration: 100 }];
    const inTier = (tier: string, issuedAt: number) =>
      code({ signatures: [signature(A)], trust: { lease: { issuedAt, endsAt: NOW + 1000 }, tiers }, request: { tier } });
    assert.deepEqual([inTier('edge', NOW - 99), inTier('edge', NOW - 100), inTier('other', NOW)], ['VERIFIED', 'TRUST_STALE', 'TRUST_STALE']);
  });
});

describe('what people read', () => {
  it('names image, policy, reason, owner and what to do, and explains each candidate once', () => {
    const policies = set([policy([signedBy(of(2, one(by(A)), one(by(B))))], { owner: 'platform', message: 'ask in #images' })]);
    const decision = decided({ policies, signatures: [signature(A), signature(PQ)] });
    assert.match(
      decision.message,
      /registry\.test\/app:1@sha256:a+ may not run by the policy p: Fewer different signers .*signed by key:.*ask in #images; owner: platform/,
    );
    assert.match(decision.hint, /who are missing/);
    const [requirement] = decision.policies[0]?.requirements ?? [];
    assert.match(requirement?.wanted ?? '', /^2 of key /);
    assert.deepEqual(
      requirement?.candidates.map(({ counts, code: why }) => [counts, why]),
      [
        [true, undefined],
        [false, 'KEY_MISMATCH'],
      ],
    );
    assert.equal(decided({ signatures: [signature(A)] }).hint, '');
    const untagged = decided({ signatures: [signature(A)], request: { tag: undefined } as never });
    assert.equal(untagged.message, `${IMAGE}@sha256:${HEX} is what its policies ask for`);
  });
});
