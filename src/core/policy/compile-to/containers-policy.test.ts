import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createTestKey } from '../../../testing/index.ts';
import { encodePublicKeyPem } from '../../crypto/index.ts';
import { decodeBase64, decodeUtf8 } from '../../encoding/index.ts';
import { ALWAYS, type Denial, keyAnchor, type KeyVersion, logAnchor, NO_ANCHORS, type TrustState } from '../../trust/index.ts';
import { loadPolicyCompiler, loadPolicyTargets } from '../load-compiler.ts';
import { selectPolicies } from '../select.ts';
import type { CompileTarget } from './compiled-to.ts';

const { compilePolicies } = await loadPolicyCompiler();
const { compileContainersPolicy } = await loadPolicyTargets();

const NOW = Date.UTC(2026, 10, 27);
const [maria, jan, eve] = [createTestKey(), createTestKey(), createTestKey()].map(({ publicKey }) => publicKey) as [never, never, never];
const pem = (key: Parameters<typeof encodePublicKeyPem>[0]): string => encodePublicKeyPem(key);
const KEYS = `authorities:
  - { name: maria, key: { pem: ${JSON.stringify(pem(maria))} } }
  - { name: jan, key: { pem: ${JSON.stringify(pem(jan))} } }
  - { name: eve, key: { pem: ${JSON.stringify(pem(eve))} } }
`;
const LOG = { ...logAnchor(pem(createTestKey().publicKey), 'log.test'), operator: 'log.test' };

/** Members that only some have are asked for, so that no authority is idle. */
function policy(name: string, spec: string, authorities = KEYS): string {
  const used = ['maria', 'jan', 'eve'].filter((one) => spec.includes(one));
  const kept = authorities
    .split('\n')
    .filter((line) => !/name: (?:maria|jan|eve)/.test(line) || used.some((one) => line.includes(`name: ${one},`)))
    .join('\n');
  const text = `${used.length === 0 && authorities === KEYS ? '' : kept}${spec}`;
  return `apiVersion: sealward.dev/v1alpha1\nkind: ImagePolicy\nmetadata: { name: ${name} }\nspec:\n${text.replace(/^/gm, '  ')}\n`;
}
const RULE = (action: string): string => `apiVersion: sealward.dev/v1alpha1\nkind: DefaultRule\nmetadata: { name: d }\nspec: { action: ${action} }\n`;

function state(more: Partial<TrustState> = {}): TrustState {
  return {
    digest: '',
    versions: {},
    lease: { issuedAt: 0, endsAt: NOW * 2 },
    tiers: [],
    anchors: NO_ANCHORS,
    keys: [],
    denials: [],
    principals: [],
    policies: [],
    exceptions: [],
    ...more,
  };
}

interface Rule {
  readonly type: string;
  readonly keyData?: string;
  readonly keyDatas?: readonly string[];
  readonly rekorPublicKeyData?: string;
  readonly rekorPublicKeyDatas?: readonly string[];
  readonly signedIdentity?: { readonly type: string; readonly dockerRepository?: string };
}

function compiled(
  texts: readonly string[],
  trust = state(),
  target: Partial<CompileTarget> = {},
): { scopes: Record<string, string>; rules: Record<string, Rule[]>; says: string[]; registries: unknown } {
  const result = compilePolicies([{ name: 'p', text: texts.join('---\n') }], { keys: trust.keys });
  if (!result.ok) assert.fail(JSON.stringify(result.problems));
  const { files, report } = compileContainersPolicy(result.policies, trust, { now: NOW, ...target });
  assert.deepEqual(
    files.map(({ name }) => name),
    ['policy.json', 'registries.d/sealward.yaml'],
  );
  const document = JSON.parse(files[0]?.text ?? '') as { default: Rule[]; transports: { docker: Record<string, Rule[]> } };
  assert.deepEqual(document.default, [{ type: 'reject' }]);
  const rules = document.transports.docker;
  return {
    rules,
    scopes: Object.fromEntries(Object.entries(rules).map(([scope, all]) => [scope, all.map(brief).sort().join(' & ')])),
    says: report.map(({ outcome, path, detail }) => `${outcome} ${path}${detail === undefined ? '' : `: ${detail}`}`),
    registries: JSON.parse(files[1]?.text ?? '') as unknown,
  };
}

const NAMES = new Map([
  [pem(maria), 'maria'],
  [pem(jan), 'jan'],
  [pem(eve), 'eve'],
]);
function brief({ type, keyData, keyDatas = [], signedIdentity }: Rule): string {
  if (type !== 'sigstoreSigned') return type;
  const keys = [...(keyData === undefined ? [] : [keyData]), ...keyDatas].map((one) => NAMES.get(decodeUtf8(decodeBase64(one), 'key')) ?? '?');
  return `${keys.sort().join('|')}${signedIdentity?.type === 'exactRepository' ? `@${signedIdentity.dockerRepository}` : ''}`;
}

describe('policies as policy.json', () => {
  it('demand of each scope what all policies demand of it', () => {
    const { scopes, registries } = compiled([
      policy('all', 'signatures: maria'),
      policy('shop', 'match: { images: ["r.test/shop", "r.test/shop/**"] }\nsignatures: { allOf: [jan, eve] }'),
      policy('deep', 'match: { images: ["r.test/shop/deep/**"] }\nsignatures: { anyOf: [jan, eve] }'),
    ]);
    assert.deepEqual(scopes, { '': 'maria', 'r.test/shop': 'eve & jan & maria', 'r.test/shop/deep': 'eve & eve|jan & jan & maria' });
    assert.deepEqual(registries, {
      'default-docker': { 'use-sigstore-attachments': true },
      docker: { 'r.test/shop': { 'use-sigstore-attachments': true }, 'r.test/shop/deep': { 'use-sigstore-attachments': true } },
    });
  });

  it('reject what no policy is about, or let it run where the default says so', () => {
    const shop = policy('shop', 'match: { images: ["r.test/**"] }\nsignatures: maria');
    assert.deepEqual(compiled([shop]).scopes, { '': 'reject', 'r.test': 'maria' });
    assert.deepEqual(compiled([shop, RULE('allow')]).scopes, { '': 'insecureAcceptAnything', 'r.test': 'maria' });
    const warned = compiled([shop, RULE('warn')]);
    assert.equal(warned.scopes[''], 'insecureAcceptAnything');
    assert.match(warned.says.join('\n'), /different DefaultRule: .*nobody is warned/);
  });

  it('know hosts with all their names below, and a repository by itself by what was signed for it', () => {
    const { scopes, says } = compiled([
      policy('wild', 'match: { images: ["*.hosts.test/**"] }\nsignatures: maria'),
      policy('one', 'match: { images: ["a.hosts.test/app"] }\nsignatures: jan'),
      policy('hub', 'match: { images: ["alpine"] }\nsignatures: eve'),
    ]);
    assert.deepEqual(scopes, {
      '': 'reject',
      '*.hosts.test': 'maria',
      'a.hosts.test/app': 'jan@a.hosts.test/app & maria',
      'docker.io/library/alpine': 'eve@docker.io/library/alpine',
    });
    assert.match(says.join('\n'), /different one: match.images: it is also about what lies below a.hosts.test\/app, which must be signed for/);
  });

  it('reject where a pattern cannot be said, unless another policy takes it all in', () => {
    const part = policy('part', 'match: { images: ["r.test/team-*/**"] }\nsignatures: maria');
    assert.deepEqual(compiled([part]).scopes, { '': 'reject', 'r.test': 'reject' });
    assert.deepEqual(compiled([part, policy('all', 'match: { images: ["r.test/**"] }\nsignatures: jan')]).scopes, { '': 'reject', 'r.test': 'jan & maria' });
    assert.deepEqual(compiled([part, RULE('allow')]).scopes, { '': 'insecureAcceptAnything', 'r.test': 'maria' });
    for (const pattern of ['r.test/app:1.2', `r.test/app@sha256:${'a'.repeat(64)}`])
      assert.deepEqual(
        compiled([policy('p', `match: { images: ["${pattern}"] }\nsignatures: maria`)]).scopes,
        { '': 'reject', 'r.test/app': 'reject' },
        pattern,
      );
  });

  it('leave out what is excluded whole, and hold in the rest of it', () => {
    const { scopes, says } = compiled([
      policy('p', 'match: { images: ["r.test/**"], exclude: ["r.test/open", "r.test/open/**", "r.test/half/**"] }\nsignatures: maria'),
      policy('q', 'match: { images: ["r.test/open/**"] }\nsignatures: jan'),
    ]);
    assert.deepEqual(scopes, { '': 'reject', 'r.test': 'maria', 'r.test/half': 'reject', 'r.test/open': 'jan' });
    assert.match(
      says.join('\n'),
      /different p: match.exclude: what is left out of r.test\/half cannot be said: the policy holds there, too, and the default where no other one/,
    );
    assert.equal(
      compiled([policy('p', 'match: { images: ["r.test/**"], exclude: ["r.test/a", "r.test/a/**"] }\nsignatures: maria')]).scopes['r.test/a'],
      'reject',
    );
  });

  const LOST: readonly (readonly [what: string, spec: string, says: RegExp])[] = [
    ['an attestation', 'signatures: maria\nattestations: [{ type: slsaprovenance1, from: [maria] }]', /the attestation type cannot be asked for/],
    ['names', 'signatures: maria\nnaming: { tags: ["v*"] }', /how images are called and labelled/],
    ['a refusal', 'refuse: gone', /the policy refuses them all/],
    ['post-quantum signatures', 'signatures: maria\nstrictness: { postQuantum: require }', /post-quantum/],
    ['timestamps', 'signatures: maria\nstrictness: { dated: timestamp }', /timestamps/],
    ['two logs', 'signatures: maria\nstrictness: { dated: { logs: 2 } }', /more than one log/],
    ['a log that is not known', 'signatures: maria\nstrictness: { dated: log }', /no log is known/],
    ['an age', 'signatures: maria\nstrictness: { maxAge: 30d }', /the age of a signature/],
    ['annotations', 'signatures: maria\nstrictness: { annotations: { a: b } }', /annotations/],
    ['a prefix of names', 'signatures: maria\nstrictness: { repositoryClaim: { rule: prefix, prefix: r.test } }', /a prefix of the name/],
    ['a tag that was signed', 'signatures: maria\nstrictness: { repositoryClaim: { tag: true } }', /the tag that a signature claims/],
    ['another hash', 'signatures: maria\nstrictness: { hashes: [sha512] }', /only SHA-256/],
    ['other algorithms', 'signatures: maria\nstrictness: { algorithms: [ed25519] }', /not-mapped p: nobody who can be asked for there is enough/],
    ['larger keys', 'signatures: maria\nstrictness: { minimumKeySize: { ecdsa: 384 } }', /not-mapped p: nobody who can be asked for there is enough/],
    ['one person twice', 'signatures: { atLeast: 2, of: [maria, maria] }', /stands for several signers/],
  ];
  for (const [what, spec, says] of LOST) {
    it(`reject what they cannot ask for: ${what}`, () => {
      const { scopes, says: report } = compiled([policy('p', `match: { images: ["r.test/**"] }\n${spec}`), RULE('allow')]);
      assert.deepEqual(scopes, { '': 'insecureAcceptAnything', 'r.test': 'reject' });
      const lost = report.filter((line) => line.startsWith('not-mapped'));
      assert.match(lost.at(-1) ?? '', says);
      assert.match(lost.at(-1) ?? '', /its images are rejected$/);
    });
  }

  it('reject identities and private authorities, of which not all can be asked for', () => {
    const keyless = 'authorities: [{ name: ci, keyless: { identities: [{ issuer: https://i.test, subject: a@b.test }] } }]\n';
    const { scopes, says } = compiled([policy('p', 'match: { images: ["r.test/**"] }\nsignatures: ci', keyless)]);
    assert.equal(scopes['r.test'], 'reject');
    assert.match(says.join('\n'), /not-mapped p: ci: it is an identity, of which not all can be asked for/);
  });

  it('take of keys only those that count now, and say when one ends', () => {
    const windowed = (from: string, until: string): string =>
      KEYS.replace('}\n  - { name: jan', `, validFrom: ${from}, validUntil: ${until} }\n  - { name: jan`);
    const asked = (authorities: string) => compiled([policy('p', 'signatures: { anyOf: [maria, jan] }', authorities)]);
    const open = asked(windowed('2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z'));
    assert.equal(open.scopes[''], 'jan|maria');
    assert.match(open.says.join('\n'), /different p: maria: it ends at 2027-01-01T00:00:00.000Z: compile it anew before then/);
    for (const [from, until] of [
      ['2025-01-01T00:00:00Z', '2026-01-01T00:00:00Z'],
      ['2027-01-01T00:00:00Z', '2028-01-01T00:00:00Z'],
    ] as const)
      assert.equal(asked(windowed(from, until)).scopes[''], 'jan');
    assert.match(
      asked(windowed('2027-01-01T00:00:00Z', '2028-01-01T00:00:00Z')).says.join('\n'),
      /not-mapped p: maria: it does not count yet: its signatures count for nothing there/,
    );
  });

  const version = (key: typeof maria, more: Partial<KeyVersion> = {}): KeyVersion => ({
    name: 'release',
    version: 1,
    anchor: keyAnchor(key).id,
    role: 'artifact',
    state: 'active',
    window: ALWAYS,
    ...more,
  });
  const trusted = 'authorities: [{ name: r, key: { trustKey: release } }]\n';
  const anchors = { ...NO_ANCHORS, keys: [keyAnchor(maria), keyAnchor(jan)] };

  it('know the keys of the trust state by their state', () => {
    const asked = (keys: KeyVersion[], denials: Denial[] = []): string | undefined =>
      compiled([policy('p', 'signatures: r', trusted)], state({ anchors, keys, denials })).scopes[''];
    const second = version(jan, { version: 2 });
    assert.equal(asked([version(maria), second]), 'jan|maria');
    for (const other of [
      { state: 'suspended', suspendedAt: 0 },
      { state: 'retired', retiredAt: 0 },
      { state: 'compromised', invalidFrom: 0 },
      { state: 'revoked-all' },
      { window: { from: NOW + 1 } },
      { window: { from: 0, to: NOW - 1 } },
    ] as const)
      assert.equal(asked([version(maria, other), second]), 'jan');
    assert.equal(asked([version(maria, { state: 'revoked-all' })]), 'reject');
    const denial = { id: 'd', reason: 'r', addedAt: 0 };
    assert.equal(asked([version(maria), second], [{ ...denial, kind: 'key', key: keyAnchor(maria).id }]), 'jan');
    assert.equal(asked([version(maria)], [{ ...denial, kind: 'digest', digest: `sha256:${'a'.repeat(64)}` }]), 'reject');
  });

  it('take two keys of one person for one', () => {
    const two = policy('p', 'signatures: { allOf: [maria, jan] }');
    const both = state({ principals: [{ name: 'm', keys: [keyAnchor(maria).id, keyAnchor(jan).id], identities: [] }] });
    assert.deepEqual([compiled([two]).scopes[''], compiled([two], both).scopes['']], ['jan & maria', 'reject']);
  });

  it('ask for an entry in a log that goes on', () => {
    const dated = [policy('p', 'signatures: maria\nstrictness: { dated: either }')];
    const rules = (logs: (typeof LOG)[]) => compiled(dated, state({ anchors: { ...NO_ANCHORS, logs } })).rules[''] ?? [];
    assert.equal(decodeUtf8(decodeBase64(rules([LOG])[0]?.rekorPublicKeyData ?? ''), 'key'), pem(LOG.key));
    const other = { ...logAnchor(pem(createTestKey().publicKey), 'other.test'), operator: 'other.test' };
    assert.equal(rules([LOG, other])[0]?.rekorPublicKeyDatas?.length, 2);
    assert.equal(rules([{ ...LOG, window: { from: 0, to: NOW * 2 } }])[0]?.type, 'reject');
  });

  it('hold where nobody knows the place, and are chosen where it is said', () => {
    const both = [
      policy('a', 'match: { images: ["r.test/**"], namespaces: [shop], environments: [production] }\nsignatures: maria'),
      policy('b', 'match: { images: ["r.test/**"], namespaces: [bank], clusters: [west] }\nsignatures: jan'),
    ];
    assert.equal(compiled(both).scopes['r.test'], 'jan & maria');
    assert.equal(compiled(both, state(), { namespace: 'shop' }).scopes['r.test'], 'maria');
    assert.equal(compiled(both, state(), { namespace: 'bank', cluster: 'west' }).scopes['r.test'], 'jan');
    assert.deepEqual(compiled(both, state(), { namespace: 'bank', cluster: 'east' }).scopes, { '': 'reject' });
    assert.deepEqual(compiled(both, state(), { namespace: 'shop', environment: 'test' }).scopes, { '': 'reject' });
    assert.match(compiled(both).says.join('\n'), /a node does not know the namespace: the policy holds in all of them/);
    const labelled = [policy('a', 'match: { namespaceLabels: { matchLabels: { stage: production } } }\nsignatures: maria')];
    assert.match(compiled(labelled).says.join('\n'), /different a: match.namespaces: a node does not know the namespace/);
    const there = compiled(labelled, state(), { namespace: 'shop' }).says.join('\n');
    assert.match(there, /different a: match.namespaceLabels: a node does not know the labels: the policy holds whatever they are/);
    assert.doesNotMatch(there, /match.namespaces/);
    assert.doesNotMatch(compiled(both, state(), { namespace: 'shop' }).says.join('\n'), /namespaceLabels/);
  });

  it('demand nothing by a policy that only warns, and of several modes the strictest', () => {
    const warns = policy('p', 'match: { images: ["r.test/**"] }\nmode: warn\nmodes: { production: enforce }\nsignatures: maria');
    assert.equal(compiled([warns]).scopes['r.test'], 'maria');
    assert.equal(compiled([warns], state(), { environment: 'production' }).scopes['r.test'], 'maria');
    const there = compiled([warns], state(), { environment: 'test' });
    assert.equal(there.scopes['r.test'], 'insecureAcceptAnything');
    assert.match(there.says.join('\n'), /different p: mode: it is only warned of/);
  });

  it('hold for hosts with a port as the default says, for which one scope stands as well', () => {
    const wild = 'match: { images: ["*.hosts.test/**"] }';
    const [open, closed] = [
      compiled([policy('p', `${wild}\nsignatures: maria`), RULE('allow')]),
      compiled([policy('p', `${wild}\nmode: audit\nsignatures: maria`)]),
    ];
    assert.deepEqual(open.scopes, { '': 'insecureAcceptAnything', '*.hosts.test': 'maria' });
    assert.match(open.says.join('\n'), /it is also about the hosts of \*\.hosts\.test with a port/);
    assert.deepEqual(closed.scopes, { '': 'reject', '*.hosts.test': 'reject' });
    const ports = (...patterns: string[]) => compiled([policy('p', `match: { images: ${JSON.stringify(patterns)} }\nmode: audit\nsignatures: maria`)]).scopes;
    assert.equal(ports('*.hosts.test/**', '*.hosts.test:*/**')['*.hosts.test'], 'insecureAcceptAnything');
    assert.equal(ports('*.hosts.test/**', '*.hosts.test:5000/**')['*.hosts.test'], 'reject');
    const one = compiled([policy('p', 'match: { images: ["*.hosts.test:5000/**"] }\nsignatures: maria'), RULE('allow')]);
    assert.deepEqual(one.scopes, { '': 'insecureAcceptAnything', '*.hosts.test': 'maria' });
  });

  it('reject everything once the lease of the trust state has ended', () => {
    const { scopes, says } = compiled([policy('p', 'signatures: maria')], state({ lease: { issuedAt: 0, endsAt: NOW } }));
    assert.deepEqual(scopes, { '': 'reject' });
    assert.match(says.join('\n'), /not-mapped trust: the lease of the trust state ended at 2026-11-27T00:00:00.000Z: everything is rejected/);
  });

  it('leave out exceptions, and say so', () => {
    const exception = `apiVersion: sealward.dev/v1alpha1\nkind: ImageException\nmetadata: { name: x }\nspec: { match: { images: ["r.test/**"] }, reason: r, approvedBy: [a@b.test], from: 2026-01-01T00:00:00Z, until: 2027-01-01T00:00:00Z }\n`;
    const { scopes, says } = compiled([policy('p', 'signatures: maria'), exception]);
    assert.equal(scopes[''], 'maria');
    assert.match(says.join('\n'), /not-mapped x: a file does not know when an exception ends/);
  });
});

/** How a program that reads policy.json finds its demands: the image, what is above it, then its host without a port by wildcards. */
function rulesFor(rules: Record<string, Rule[]>, repository: string, tag: string): readonly Rule[] {
  const parts = repository.split('/');
  const above = parts.map((_, i) => parts.slice(0, parts.length - i).join('/'));
  const labels = (parts[0] ?? '').replace(/:.*/, '').split('.');
  const wild = labels.slice(1).map((_, i) => `*.${labels.slice(i + 1).join('.')}`);
  return [`${repository}:${tag}`, ...above, ...wild, ''].flatMap((scope) => (rules[scope] ? [rules[scope]] : []))[0] ?? [{ type: 'reject' }];
}

describe('whatever the policies, by policy.json', () => {
  const SOME = fc.subarray(
    [
      ['**', 'r.test/**', 'r.test/team/**', 'r.test/team', 'r.test/team:v*', 'r.test/te*/**', 'r.test/team/a:v1'],
      ['*.hosts.test/**', '*.hosts.test:*/**', '*.hosts.test:5000/**', 'a.hosts.test/**', 'a.hosts.test:5000/team/**', '*/team', '**/a', 'team'],
    ].flat(),
    { maxLength: 2 },
  );
  const POLICY = fc.record({ images: SOME, exclude: SOME, mode: fc.constantFrom('enforce', 'enforce', 'warn'), by: fc.constantFrom('maria', 'jan') });
  const HOSTS = ['r.test', 'a.hosts.test', 'a.hosts.test:5000', 'b.a.hosts.test', 'other.test', 'docker.io/library'];
  const IMAGES = HOSTS.flatMap((host) =>
    ['team', 'team/a', 'team/a/b', 'tea/a'].flatMap((path) => ['v1', 'dev'].map((tag) => ({ repository: `${host}/${path}`, tag }))),
  );

  it('runs what the policies let run, and nothing unsigned, or signed by others, that they do not', () => {
    fc.assert(
      fc.property(fc.array(POLICY, { minLength: 1, maxLength: 3 }), fc.constantFrom('deny', 'allow'), (given, byDefault) => {
        const texts = given.map(({ images, exclude, mode, by }, i) => {
          const match = { ...(images.length > 0 ? { images } : {}), ...(exclude.length > 0 ? { exclude } : {}) };
          return policy(`p${i}`, `${Object.keys(match).length > 0 ? `match: ${JSON.stringify(match)}\n` : ''}mode: ${mode}\nsignatures: ${by}`);
        });
        const all = [...texts, RULE(byDefault)];
        const set = compilePolicies([{ name: 'p', text: all.join('---\n') }]);
        // What leaves out all that it takes in is refused.
        fc.pre(set.ok);
        const { rules } = compiled(all);
        for (const image of IMAGES)
          for (const signers of [[], ['maria'], ['jan'], ['maria', 'jan']]) {
            const runs = rulesFor(rules, image.repository, image.tag).every(({ type, keyData = '', signedIdentity }) => {
              if (type !== 'sigstoreSigned') return type === 'insecureAcceptAnything';
              const claimed = signedIdentity?.dockerRepository ?? image.repository;
              return claimed === image.repository && signers.includes(NAMES.get(decodeUtf8(decodeBase64(keyData), 'key')) ?? '');
            });
            if (!runs) continue;
            const about = selectPolicies(set.policies, { ...image, digest: `sha256:${'a'.repeat(64)}` }, {});
            const met = about.every(({ policy: { name, mode } }) => mode === 'warn' || signers.includes(given[Number(name.slice(1))]?.by ?? ''));
            assert.ok(met, `${image.repository}:${image.tag} signed by ${signers.join(', ')} is refused by a policy`);
            // Beside its patterns a scope may be about more, as the report says, and that must be signed as well.
            assert.ok(about.length > 0 || byDefault === 'allow' || signers.length > 0, `${image.repository}:${image.tag} is refused by default`);
          }
      }),
      { numRuns: 400 },
    );
  });
});
