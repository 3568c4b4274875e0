/** Facts, policies and trust made by hand, in few words: what the judge reads, without the bytes that it came from. */
import { createTestKey } from '../src/testing/index.ts';
import type { Authority, Combination, ImagePolicy, PolicySet, Requirement, Scope, Strictness, TextPattern, ImageException } from '../src/core/policy/index.ts';
import { ALWAYS, keyAnchor, type KeyVersion, logAnchor, NO_ANCHORS, type TrustState } from '../src/core/trust/index.ts';
import { encodePublicKeyPem } from '../src/core/crypto/index.ts';
import { type Appraisals, anchorsOf, decide, type Decision, type Facts, type Request, type SignatureFacts, type TimeFact } from '../src/core/verify/index.ts';

export const NOW = Date.UTC(2026, 10, 27);
export const HEX = 'a'.repeat(64);
export const IMAGE = 'registry.test/app';

export const KEYS = [createTestKey(), createTestKey(), createTestKey('ml-dsa-65'), createTestKey('rsa3072')].map(({ publicKey }) =>
  keyAnchor(publicKey, publicKey.kind),
);
export const [A, B, PQ, RSA] = KEYS.map(({ id }) => id) as [string, string, string, string];
const [logKey, otherKey] = [createTestKey().publicKey, createTestKey().publicKey];
export const LOG = { ...logAnchor(encodePublicKeyPem(logKey), 'log.test'), operator: 'log.test' };
export const OWN_LOG = { ...logAnchor(encodePublicKeyPem(otherKey), 'own.test'), operator: 'release.test' };
export const CA = 'c'.repeat(64);

export function text(value: string): TextPattern {
  return { text: value, matches: (other) => other === value };
}

export function by(anchor: string, more: Partial<Extract<Authority, { kind: 'key' }>> = {}): Authority {
  return { kind: 'key', name: `key ${anchor.slice(0, 6)}`, anchors: [anchor], ...more };
}

export function one(authority: Authority): Combination {
  return { kind: 'authority', authority };
}

export function of(count: number, ...parts: Combination[]): Combination {
  return { kind: 'at-least', count, of: parts };
}

export const EVERYWHERE: Scope = { images: [], exclude: [], namespaces: [], namespaceLabels: [], clusters: [], environments: [] };
export const STRICTNESS: Strictness = {
  algorithms: [],
  minimumBits: {},
  hashes: [],
  postQuantum: 'off',
  dated: { logs: 0, timestamps: 0, any: 0 },
  repositoryClaim: { rule: 'unless-claimed', mirrors: [], tag: false },
  annotations: [],
  suspended: 'hold',
  compromised: 'deny',
};

export function signedBy(combination: Combination): Requirement {
  return { name: 'signatures', kind: 'signatures', combination };
}

export function policy(
  requirements: readonly Requirement[],
  more: Partial<Omit<ImagePolicy, 'strictness'>> & { strictness?: Partial<Strictness> } = {},
): ImagePolicy {
  return {
    name: 'p',
    source: 'p.yaml:1',
    digest: `sha256:${HEX}`,
    scope: EVERYWHERE,
    mode: 'enforce',
    modes: [],
    onInconclusive: 'deny',
    requirements,
    pinTemplates: false,
    ...more,
    strictness: { ...STRICTNESS, ...more.strictness },
  };
}

export function set(policies: readonly ImagePolicy[], more: Partial<PolicySet> = {}): PolicySet {
  return { digest: `sha256:${HEX}`, policies, exceptions: [], defaultRule: { action: 'deny', stated: false }, anchors: NO_ANCHORS, ...more };
}

const CERTIFIER = { kind: 'certificate-authority', id: CA, name: 'ca.test', window: ALWAYS, certificates: [] } as const;

export function trust(more: Partial<TrustState> = {}): TrustState {
  return {
    digest: `sha256:${HEX}`,
    versions: {},
    lease: { issuedAt: NOW - 1000, endsAt: NOW + 1000 },
    tiers: [],
    anchors: { ...NO_ANCHORS, keys: KEYS, logs: [LOG, OWN_LOG], authorities: [CERTIFIER] },
    keys: [],
    denials: [],
    principals: [],
    policies: [],
    exceptions: [],
    ...more,
  };
}

export function version(anchor: string, more: Partial<KeyVersion>): KeyVersion {
  return { name: 'release', version: 1, anchor, role: 'artifact', state: 'active', window: { from: 0 }, operator: 'release.test', ...more };
}

export function dated(at: number, anchor = LOG.id): TimeFact {
  return { anchor, by: 'log', index: '7', at, from: at, to: at };
}

let documents = 0;

export function signature(anchor: string, more: Partial<SignatureFacts> = {}): SignatureFacts {
  const kind = KEYS.find(({ id }) => id === anchor)?.key.kind ?? 'ec';
  const algorithm = { ec: 'ecdsa-p256-sha256', rsa: 'rsa3072-pkcs1-sha256', 'ml-dsa': 'ml-dsa-65', ed25519: 'ed25519' }[kind];
  const times = more.times ?? [];
  return {
    document: `sha256:${(++documents).toString(16).padStart(64, '0')}`,
    place: 'referrers-api',
    format: 'bundle-v0.3',
    role: 'signature',
    about: `sha256:${HEX}`,
    signers: [{ key: anchor, kind, algorithm, anchor, ...(kind === 'ec' ? { curve: 'P-256' } : kind === 'rsa' ? { bits: 3072 } : {}) }],
    entries: times.flatMap(({ by: party, anchor: log, at }) => (party === 'log' ? [{ anchor: log, index: '7', included: true, promisedAt: at }] : [])),
    times,
    annotations: {},
    requiredAlgorithms: [],
    findings: [],
    broken: [],
    ...more,
  };
}

/** By a certificate of the one authority that is trusted. */
export function certified(name: string, claims: Record<string, string> = {}, more: Partial<SignatureFacts> = {}, certificate: object = {}): SignatureFacts {
  const link = { fingerprint: 'd'.repeat(64), from: 0, to: NOW * 2 };
  const signer = signature(A, more).signers[0] as SignatureFacts['signers'][number];
  const fact = {
    ...link,
    serial: '1',
    subject: 'CN=x',
    names: [name],
    claims: { issuer: 'https://issuer.test', ...claims },
    issuers: [{ anchor: CA, chain: [link], purposes: ['1.3.6.1.5.5.7.3.3'] }],
    loggedBy: [],
    findings: [],
    ...certificate,
  };
  return signature(A, { ...more, signers: [{ key: signer.key, kind: 'ec', curve: 'P-256', algorithm: signer.algorithm, certificate: fact }] });
}

export function identity(name: string, more: Partial<Extract<Authority, { kind: 'keyless' }>> = {}): Authority {
  return {
    kind: 'keyless',
    name,
    identities: [{ issuer: text('https://issuer.test'), subject: text(name), claims: [] }],
    anchors: [],
    certificateLog: false,
    ...more,
  };
}

export function attested(anchor: string, statement: string, more: Partial<SignatureFacts> = {}): SignatureFacts {
  return signature(anchor, { role: 'attestation', predicateType: 'https://scan.test/v1', statement, ...more });
}

export function facts(signatures: readonly SignatureFacts[], more: Partial<Facts> = {}): Facts {
  const places = [{ name: 'referrers-api', where: 'registry.test', state: 'complete', askedAt: NOW } as const];
  return { digests: { sha256: HEX }, indexes: [], places, signatures, unreadable: [], ...more };
}

export const REQUEST: Request = {
  repository: IMAGE,
  tag: '1',
  digest: `sha256:${HEX}`,
  place: { namespace: 'shop', cluster: 'c', environment: 'prod' },
  labels: {},
  admittedBefore: false,
  now: NOW,
};

export interface Case {
  readonly signatures?: readonly SignatureFacts[];
  readonly facts?: Partial<Facts>;
  readonly policies?: PolicySet;
  readonly trust?: Partial<TrustState>;
  readonly request?: Partial<Request>;
  readonly appraisals?: Appraisals;
}

export function decided({
  signatures = [],
  facts: more = {},
  policies = set([policy([signedBy(one(by(A)))])]),
  trust: state = {},
  request = {},
  appraisals = () => undefined,
}: Case): Decision {
  const held = trust(state);
  anchorsOf(policies, held);
  return decide(facts(signatures, more), policies, held, { ...REQUEST, ...request }, appraisals);
}

/** The code, and what is done where that is not what the code says. */
export function code(question: Case): string {
  return decided(question).code;
}

export function exception(more: Partial<ImageException> = {}): ImageException {
  return {
    name: 'e1',
    source: 'e.yaml:1',
    scope: EVERYWHERE,
    digests: [],
    policies: [],
    reason: 'a fix is coming',
    approvedBy: ['maria'],
    window: { from: NOW - 1, to: NOW + 1 },
    ...more,
  };
}
