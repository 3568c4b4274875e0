import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { type Document, isMap, isScalar, isSeq, parseAllDocuments } from 'yaml';
import { policyFile } from '../../../test/policies.ts';
import type { KeyVersion } from '../trust/index.ts';
import { LIMITS } from '../encoding/index.ts';
import { type CompileContext, type ImagePolicy, loadPolicyCompiler, type PolicySet } from './index.ts';
import { policyJsonSchema } from './json-schema.ts';

const { compilePolicies, compileNamespaced, withNamespaced } = await loadPolicyCompiler();

const keys: readonly KeyVersion[] = [
  { name: 'release', version: 3, anchor: '44'.repeat(32), role: 'artifact', state: 'active', window: { from: 0 } },
  { name: 'release', version: 4, anchor: '45'.repeat(32), role: 'artifact', state: 'active', window: { from: 0 } },
];
const context: CompileContext = { keys, readFile: (path) => (['release.pub', 'authority.pem'].includes(path) ? policyFile(path) : undefined) };
const everything = policyFile('everything.yaml');

function compiled(text: string, name = 'policy.yaml'): PolicySet {
  const result = compilePolicies([{ name, text }], context);
  if (!result.ok) assert.fail(JSON.stringify(result.problems, null, 1));
  return result.policies;
}

function problems(text: string): string[] {
  const result = compilePolicies([{ name: 'p', text }], context);
  return result.ok ? [] : result.problems.map(({ line, column, message, hint }) => `${line}:${column} ${message}${hint === undefined ? '' : ` (${hint})`}`);
}

const policy = (spec: string, name = 'one'): string =>
  `apiVersion: sealward.dev/v1alpha1\nkind: ImagePolicy\nmetadata: { name: ${name} }\nspec:\n${spec.replace(/^/gm, '  ')}\n`;
const KEY = 'authorities: [{ name: a, key: { fingerprint: "' + '11'.repeat(32) + '" } }]\nsignatures: a\n';

function only(set: PolicySet): ImagePolicy {
  assert.equal(set.policies.length, 1);
  return set.policies[0] as ImagePolicy;
}

describe('a document with everything in it', () => {
  it('compiles, with its keys and certificates as anchors', () => {
    const set = compiled(everything);
    assert.deepEqual(set.policies.map(({ name }) => name).sort(), ['production', 'retired-names']);
    assert.deepEqual([set.anchors.keys.length, set.anchors.authorities.length], [1, 1]);
    assert.deepEqual(set.defaultRule, { action: 'warn', stated: true });
    const [exception] = set.exceptions;
    assert.deepEqual(
      [exception?.name, exception?.approvedBy, exception?.window],
      ['hotfix', ['alice@example.test', 'bob@example.test'], { from: Date.UTC(2026, 10, 1), to: Date.UTC(2026, 10, 8) }],
    );
  });

  it('is valid by the published schema, which refuses what the compiler refuses', () => {
    const validate = new Ajv2020({ strict: true, allowUnionTypes: true, formats: { 'date-time': true } }).compile(policyJsonSchema());
    for (const document of parseAllDocuments(everything) as Document[]) assert.ok(validate(document.toJS()), JSON.stringify(validate.errors));
    assert.equal(validate({ apiVersion: 'sealward.dev/v1alpha1', kind: 'ImagePolicy', metadata: { name: 'x' }, spec: { sginatures: 'a' } }), false);
    assert.equal(validate({ apiVersion: 'sealward.dev/v1', kind: 'ImagePolicy', metadata: { name: 'x' }, spec: {} }), false);
  });

  test('docs/reference/policy.schema.json is that schema', () => {
    const published = JSON.parse(readFileSync(new URL('../../../docs/reference/policy.schema.json', import.meta.url), 'utf8')) as unknown;
    assert.deepEqual(published, policyJsonSchema());
  });

  /** Members that are for people who keep the documents, and change nothing. */
  const SILENT = /metadata\.(?:labels|annotations)|[23]\.metadata\.name/;
  const digest = compiled(everything).digest;
  const validate = new Ajv2020({ strict: true, allowUnionTypes: true, formats: { 'date-time': true } }).compile(policyJsonSchema());
  for (const [path, text] of [...withoutEach(everything), ...withEachChanged(everything)]) {
    it(`${path} is not ignored`, () => {
      const result = compilePolicies([{ name: 'p', text }], context);
      if (!result.ok) return assert.ok(result.problems.every(({ line, column }) => line > 0 && column > 0));
      if (SILENT.test(path)) assert.equal(result.policies.digest, digest);
      else assert.notEqual(result.policies.digest, digest);
      // What the compiler takes the schema takes, or an editor would mark what is right.
      for (const document of parseAllDocuments(text) as Document[]) {
        const value: unknown = document.toJS();
        if (value !== null) assert.ok(validate(value), JSON.stringify(validate.errors));
      }
    });
  }
});

/** The document again and again, each time without one member of one map. */
function withoutEach(text: string): [path: string, text: string][] {
  return variants(text, (node, path, render) => {
    if (!isMap(node)) return;
    const { items } = node;
    for (const pair of items) {
      node.items = items.filter((other) => other !== pair);
      render(`without ${path}.${isScalar(pair.key) ? String(pair.key.value) : '?'}`);
    }
    node.items = items;
  });
}

/** Each time with another value of one scalar, of the same form where that is known. */
function withEachChanged(text: string): [path: string, text: string][] {
  return variants(text, (node, path, render) => {
    if (!isScalar(node)) return;
    const { value } = node;
    for (const other of othersOf(value)) {
      node.value = other;
      render(`another ${path}`);
    }
    node.value = value;
  });
}

function othersOf(value: unknown): unknown[] {
  if (typeof value === 'boolean') return [!value];
  if (typeof value === 'number') return [value + 1, value - 1];
  const text = String(value);
  // What stands around a key in PEM is no part of it.
  return [text.startsWith('-----') ? text : `${text}x`, text.replace(/[0-9](?=\D*$)/, (digit) => String((Number(digit) + 1) % 10))].filter(
    (other) => other !== text,
  );
}

function variants(text: string, change: (node: unknown, path: string, render: (name: string) => void) => void): [path: string, text: string][] {
  const found: [string, string][] = [];
  const documents = parseAllDocuments(text) as Document[];
  const visit = (node: unknown, path: string): void => {
    if (isSeq(node)) node.items.forEach((item, i) => visit(item, `${path}[${i}]`));
    if (isMap(node)) for (const { key, value } of node.items) visit(value, `${path}.${isScalar(key) ? String(key.value) : '?'}`);
    change(node, path, (name) => found.push([name, documents.map((document) => document.toString()).join('---\n')]));
  };
  documents.forEach((document, i) => visit(document.contents, `${i}`));
  return found;
}

describe('compiling', () => {
  it('gives the defaults that are safe', () => {
    const { mode, onInconclusive, scope, strictness, pinTemplates } = only(compiled(policy(KEY)));
    assert.deepEqual([mode, onInconclusive, pinTemplates, scope.images], ['enforce', 'deny', false, []]);
    assert.deepEqual(strictness, {
      algorithms: [],
      minimumBits: {},
      hashes: [],
      postQuantum: 'off',
      dated: { logs: 0, timestamps: 0, any: 0 },
      repositoryClaim: { rule: 'unless-claimed', mirrors: [], tag: false },
      annotations: [],
      suspended: 'hold',
      compromised: 'deny',
    });
    assert.deepEqual(compiled(policy(KEY)).defaultRule, { action: 'deny', stated: false });
  });

  it('reads JSON, and the digest does not depend on form, order or place', () => {
    const [a, b] = [policy(KEY, 'a'), policy('refuse: gone', 'b')];
    const digest = compiled(`${a}---\n${b}`).digest;
    assert.equal(compiled(`---\n${b}\n---\n# more\n${a}`).digest, digest);
    const json = [a, b].map((text) => JSON.stringify(parseAllDocuments(text).map((one) => one.toJS() as unknown)[0]));
    const files = compilePolicies(
      [
        { name: 'x', text: json[1] as string },
        { name: 'y', text: json[0] as string },
      ],
      context,
    );
    assert.equal(files.ok && files.policies.digest, digest);
  });

  it('reads an object as Kubernetes gives it back', () => {
    const metadata = {
      name: 'one',
      uid: 'u',
      resourceVersion: '7',
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
      managedFields: [{ manager: 'x' }],
    };
    const text = policy('refuse: gone').replace('metadata: { name: one }', `metadata: ${JSON.stringify(metadata)}\nstatus: { conditions: [] }`);
    assert.equal(compiled(text).digest, compiled(policy('refuse: gone')).digest);
  });

  it('gives one digest, whatever the order of maps', () => {
    const [a, b] = [
      policy(
        `${KEY}modes: { x: warn, y: audit }\nlabels: { p: "1", q: "2" }\nmatch: { namespaceLabels: { matchLabels: { s: "1", t: "2" } } }\nstrictness: { annotations: { m: a, n: b } }`,
      ),
      policy(
        `strictness: { annotations: { n: b, m: a } }\nmatch: { namespaceLabels: { matchLabels: { t: "2", s: "1" } } }\nlabels: { q: "2", p: "1" }\nmodes: { y: audit, x: warn }\n${KEY}`,
      ),
    ];
    assert.equal(compiled(a).digest, compiled(b).digest);
  });

  it('takes every version of a key of the trust state, or the one that is named', () => {
    const anchorsOf = (key: string): unknown => {
      const [requirement] = only(compiled(policy(`authorities: [{ name: a, key: { trustKey: ${key} } }]\nsignatures: a`))).requirements;
      return (
        requirement?.kind === 'signatures' &&
        requirement.combination.kind === 'authority' &&
        requirement.combination.authority.kind === 'key' &&
        requirement.combination.authority.anchors
      );
    };
    assert.deepEqual(anchorsOf('release'), ['44'.repeat(32), '45'.repeat(32)]);
    assert.deepEqual(anchorsOf('release/4'), ['45'.repeat(32)]);
  });

  it('adds what a namespace asks for, in that namespace alone', () => {
    const result = compileNamespaced({ name: 'shop/more', text: policy('authorities: [{ name: a, key: { trustKey: release } }]\nsignatures: a') }, 'shop', {
      keys,
    });
    assert.ok(result.ok);
    const [added] = result.policies.policies;
    assert.ok(added);
    assert.equal(added.namespace, 'shop');
    assert.deepEqual(
      added.scope.namespaces.map(({ matches }) => [matches('shop'), matches('shop2')]),
      [[true, false]],
    );
    const base = compiled(everything);
    const both = withNamespaced(base, result.policies.policies);
    assert.equal(both.policies.length, base.policies.length + 1);
    assert.deepEqual([both.exceptions, both.defaultRule, both.anchors], [base.exceptions, base.defaultRule, base.anchors]);
    assert.notEqual(both.digest, base.digest);
  });

  const UNSIGNED: readonly (readonly [what: string, text: string, says: RegExp])[] = [
    ['a key of its own', policy(`authorities: [{ name: a, key: { pem: ${JSON.stringify(policyFile('release.pub'))} } }]\nsignatures: a`), /may not bring keys/],
    [
      'a certificate authority of its own',
      policy('authorities: [{ name: a, certificate: { file: authority.pem, subject: x } }]\nsignatures: a'),
      /may not bring keys/,
    ],
    ['another namespace', policy(`${KEY}match: { namespaces: [other] }`), /in that namespace alone/],
    ['another namespace in its metadata', policy(KEY).replace('name: one', 'name: one, namespace: other'), /names another/],
    ['an exception', everything.slice(everything.lastIndexOf('---') + 4), /only when the trust state's roles have signed it/],
    [
      'a default',
      'apiVersion: sealward.dev/v1alpha1\nkind: DefaultRule\nmetadata: { name: x }\nspec: { action: allow }',
      /only when the trust state's roles have signed it/,
    ],
  ];
  for (const [what, text, says] of UNSIGNED) {
    it(`refuses from whom nobody signed for: ${what}`, () => {
      const result = compileNamespaced({ name: 'o', text }, 'shop', { keys });
      assert.match(result.ok ? 'ok' : result.problems.map(({ message }) => message).join('\n'), says);
    });
  }
});

describe('a policy that cannot be understood is refused whole, with every problem and its place', () => {
  const CASES: readonly (readonly [what: string, text: string, ...says: RegExp[]])[] = [
    ['an unknown member', policy(`${KEY}sginatures: a`), /^7:3 "sginatures" is not known here \(Did you mean signatures\?/],
    ['a duplicate key', policy(`${KEY}mode: warn\nmode: audit`), /^8:3 the same key stands twice/],
    ['a wrong type', policy(`${KEY}pinTemplates: "yes"`), /^7:17 this must be true or false, and it is the text "yes"/],
    ['a wrong choice', policy(`${KEY}mode: enforced`), /one of enforce, warn, audit.*Did you mean enforce/],
    ['no kind', 'apiVersion: sealward.dev/v1alpha1', /kind is missing/],
    ['a kind of another tool', 'apiVersion: kyverno.io/v1\nkind: ClusterPolicy', /"ClusterPolicy" are not known.*policy import/],
    ['another version', policy(KEY).replace('v1alpha1', 'v9'), /one of sealward.dev\/v1alpha1/],
    ['no name', policy(KEY).replace('name: one', ''), /name is missing/],
    ['a name that is none', policy(KEY, 'One'), /not of the form/],
    ['nothing asked', policy('mode: warn'), /asks for nothing/],
    ['a threshold of zero', policy(KEY.replace('signatures: a', 'signatures: { atLeast: 0, of: [a] }')), /whole number from 1/],
    ['a negative threshold', policy(KEY.replace('signatures: a', 'signatures: { atLeast: -1, of: [a] }')), /whole number from 1/],
    ['a fraction of a threshold', policy(KEY.replace('signatures: a', 'signatures: { atLeast: 1.5, of: [a, a] }')), /whole number from 1/],
    ['no number at all', policy(KEY.replace('signatures: a', 'signatures: { atLeast: .nan, of: [a, a] }')), /whole number from 1/],
    ['3 of 2', policy(KEY.replace('signatures: a', 'signatures: { atLeast: 3, of: [a, a] }')), /3 of 2 can never be met/],
    ['an empty group', policy(KEY.replace('signatures: a', 'signatures: { allOf: [] }')), /this list is empty/],
    ['two groups at once', policy(KEY.replace('signatures: a', 'signatures: { allOf: [a], anyOf: [a] }')), /exactly one of authority/],
    ['a threshold of nothing', policy(KEY.replace('signatures: a', 'signatures: { atLeast: 1 }')), /exactly one of authority/],
    ['groups three deep', policy(KEY.replace('signatures: a', 'signatures: { allOf: [{ anyOf: [{ allOf: [a] }] }] }')), /not deeper/],
    ['an authority that nobody asks for', policy(KEY.replace('signatures: a', 'refuse: x')), /nothing asks for the authority a/],
    ['an authority that is not there', policy(KEY.replace('signatures: a', 'signatures: b')), /there is no authority b \(Known are a/],
    [
      'an authority of two kinds',
      policy('authorities: [{ name: a, key: { trustKey: release }, keyless: { identities: [{ issuer: x }] } }]\nsignatures: a'),
      /exactly one of key, keyless and certificate/,
    ],
    ['a key that is none', policy('authorities: [{ name: a, key: { pem: "-----BEGIN PUBLIC KEY-----" } }]\nsignatures: a'), /PEM/i],
    ['a file that is not there', policy('authorities: [{ name: a, key: { file: gone.pub } }]\nsignatures: a'), /the file gone.pub is not there/],
    [
      'a key that the trust state does not have',
      policy('authorities: [{ name: a, key: { trustKey: gone } }]\nsignatures: a'),
      /no key gone for artifacts \(It has release/,
    ],
    [
      'a window that ends before it begins',
      policy('authorities: [{ name: a, key: { trustKey: release }, validFrom: 2027-01-01T00:00:00Z, validUntil: 2026-01-01T00:00:00Z }]\nsignatures: a'),
      /ends before it begins/,
    ],
    [
      'a certificate of anybody',
      policy('authorities: [{ name: a, certificate: { file: authority.pem } }]\nsignatures: a'),
      /whose certificate counts is not said/,
    ],
    [
      'a day that is none',
      policy('authorities: [{ name: a, key: { trustKey: release }, validUntil: 2026-02-30T00:00:00Z }]\nsignatures: a'),
      /a moment in UTC/,
    ],
    ['a duration without a unit', policy(`${KEY}strictness: { maxAge: 30 }`), /a duration with its unit/],
    ['a pattern that can match nothing', policy(`${KEY}match: { images: ["Registry.example.test/App"] }`), /can match nothing/],
    ['a digest that is none', policy(`${KEY}match: { images: ["r.test/a@sha256:12"] }`), /its digest is none/],
    ['a pattern that is empty', policy(`${KEY}match: { namespaces: [""] }`), /between 1 and/],
    ['a regular expression that is none', policy(`${KEY}match: { namespaces: [{ regex: "(" }] }`), /cannot be used/],
    ['a list without anything in it', policy(`${KEY}match: { images: [] }`), /this list is empty/],
    ['two names for one attestation', policy(`${KEY}attestations: [{ slsa: {} }, { slsa: { level: 2 } }]`), /a second requirement has the name slsa/],
    ['an attestation of two kinds', policy(`${KEY}attestations: [{ slsa: {}, sbom: {} }]`), /exactly one of type, slsa/],
    ['an attestation by nobody', policy('attestations: [{ slsa: {} }]'), /who must attest is not said/],
    ['a predicate type that is none', policy(`${KEY}attestations: [{ type: spxd }]`), /neither a URI nor a known name/],
    ['a condition that is none', policy(`${KEY}attestations: [{ slsa: {}, condition: "predicate ==" }]`), /cannot be used/],
    ['a licence both ways', policy(`${KEY}attestations: [{ sbom: { licences: { allowed: [MIT], denied: [mit] } } }]`), /both allowed and denied/],
    ['an algorithm that is none', policy(`${KEY}strictness: { algorithms: [sha1] }`), /the algorithm "sha1" is not known/],
    ['a prefix without its rule', policy(`${KEY}strictness: { repositoryClaim: { prefix: r.test } }`), /belong together/],
    [
      'post-quantum without its algorithms',
      policy(`${KEY}strictness: { postQuantum: require, algorithms: [ed25519] }`),
      /no post-quantum algorithm is allowed/,
    ],
    ['ages that exclude each other', policy(`${KEY}strictness: { minAge: 2d, maxAge: 1d }`), /can never be older/],
    ['a term without its values', policy(`${KEY}match: { namespaceLabels: { matchExpressions: [{ key: a, operator: In }] } }`), /In needs values/],
    [
      'labels that exclude each other',
      policy(`${KEY}match: { namespaceLabels: { matchLabels: { a: x }, matchExpressions: [{ key: a, operator: NotIn, values: [x] }] } }`),
      /^7:29 no namespace can have labels as these terms ask of a$/,
    ],
    [
      'a label both there and not',
      policy(`${KEY}match: { namespaceLabels: { matchExpressions: [{ key: a, operator: Exists }, { key: a, operator: DoesNotExist }] } }`),
      /no namespace can have/,
    ],
    [
      'a label of two values',
      policy(`${KEY}match: { namespaceLabels: { matchExpressions: [{ key: a, operator: In, values: [x] }, { key: a, operator: In, values: [y] }] } }`),
      /no namespace can have/,
    ],
    ['a label that is none', policy(`${KEY}match: { namespaceLabels: { matchLabels: { a: "x y" } } }`), /not of the form/],
    [
      'a term that takes no values',
      policy(`${KEY}match: { namespaceLabels: { matchExpressions: [{ key: a, operator: Exists, values: [x] }] } }`),
      /Exists takes no values/,
    ],
    [
      'images that are all taken out again',
      policy(`${KEY}match: { images: ["r.test/a/**", "r.test/b"], exclude: ["r.test/**"] }`),
      /^7:10 what images takes in exclude takes out again/,
    ],
    ['images and all of them', policy(`${KEY}match: { images: ["r.test/a"], exclude: ["**"] }`), /takes out again/],
    ['a namespace that none can be', policy(`${KEY}match: { namespaces: ["Shop-*"] }`), /^7:25 the pattern "Shop-\*" cannot be used: no such name holds/],
    ['a namespace that none can be, exact', policy(`${KEY}match: { namespaces: [{ exact: "shop-*" }] }`), /can match nothing/],
    ['a tag that none can be', policy(`${KEY}naming: { tags: ["v1/*"] }`), /can match nothing/],
    ['the same label twice', policy(`${KEY}labels: { a: true, a: true }`), /^7:22 the same key stands twice$/],
    ['a group within itself', policy('signatures: &a { anyOf: [*a] }'), /nested deeper/],
    ['blocks without end', '- '.repeat(LIMITS.jsonDepth + 1) + 'x', /nested deeper/],
    ['lines further and further in', Array.from({ length: LIMITS.jsonDepth + 1 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'), /nested deeper/],
    ['a control character', policy(KEY).replace('one', 'o\u0007ne'), /cannot stand in YAML/],
    ['half a character', policy(KEY).replace('one', 'o\ud800ne'), /cannot stand in YAML/],
    ['two policies of one name', `${policy(KEY)}---\n${policy(KEY)}`, /there is a policy one already/],
    [
      'two defaults',
      ['deny', 'allow']
        .map((action) => `apiVersion: sealward.dev/v1alpha1\nkind: DefaultRule\nmetadata: { name: x }\nspec: { action: ${action} }\n`)
        .join('---\n'),
      /there is a DefaultRule already/,
    ],
    [
      'an exception for everything',
      'apiVersion: sealward.dev/v1alpha1\nkind: ImageException\nmetadata: { name: x }\nspec: { reason: r, approvedBy: [a], from: 2026-01-01T00:00:00Z, until: 2026-01-02T00:00:00Z }',
      /must name images or digests/,
    ],
    [
      'an exception without an end',
      'apiVersion: sealward.dev/v1alpha1\nkind: ImageException\nmetadata: { name: x }\nspec: { reason: r, approvedBy: [a], from: 2026-01-01T00:00:00Z, match: { images: ["**"] } }',
      /until is missing/,
    ],
    [
      'an exception from a policy that is not there',
      'apiVersion: sealward.dev/v1alpha1\nkind: ImageException\nmetadata: { name: x }\nspec: { reason: r, approvedBy: [a], from: 2026-01-01T00:00:00Z, until: 2026-01-02T00:00:00Z, match: { images: ["**"] }, policies: [gone] }',
      /there is no policy gone/,
    ],
    ['no YAML', 'a: [', /not YAML/],
    ['a tag', 'a: !!js/function x', /not YAML|kind is missing/],
    ['brackets without end', '['.repeat(LIMITS.jsonDepth + 1), /nested deeper/],
    ['brackets that texts seem to close', `a: ${'[ "]", '.repeat(20_000)}${'] '.repeat(20_000)}`, /nested deeper/],
    ['maps in maps without end', '{"}":\n'.repeat(20_000), /nested deeper/],
    [
      'several at once',
      policy('mode: x\nmatch: { images: ["A/B"] }\nauthorities: [{ name: b, key: {} }]'),
      /one of enforce/,
      /can match nothing/,
      /exactly one of pem/,
    ],
  ];
  for (const [what, text, ...says] of CASES) {
    it(what, () => {
      const all = problems(text).join('\n');
      for (const one of says) assert.match(all, new RegExp(one.source, `${one.flags}m`));
    });
  }

  it('tells problems by file, line and column, in whatever order the files were given', () => {
    const bad = {
      b: policy('mode: x\nrefuse: gone', 'b'),
      a: policy('mode: [x, y]\nonInconclusive: z\nrefuse: gone', 'a'),
      c: policy('{ mode: x, onInconclusive: y, refuse: gone }', 'c'),
    };
    const told = (...names: (keyof typeof bad)[]): string[] => {
      const result = compilePolicies(
        names.map((name) => ({ name, text: bad[name] })),
        context,
      );
      return result.ok ? [] : result.problems.map(({ source, line, column }) => `${source} ${line}:${column}`);
    };
    const expected = told('a', 'b', 'c');
    assert.deepEqual(expected, [...expected].sort());
    assert.ok(expected.length >= 5 && new Set(expected).size === expected.length);
    for (const order of [
      ['b', 'c', 'a'],
      ['c', 'b', 'a'],
      ['c', 'a', 'b'],
    ] as const)
      assert.deepEqual(told(...order), expected);
  });

  it('refuses a bomb of aliases in time', () => {
    const bomb = [
      'a0: &a0 [x, x, x, x, x, x, x, x, x, x]',
      ...Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array.from({ length: 10 }, () => `*a${i}`).join(', ')}]`),
    ].join('\n');
    const text = policy(`${KEY}match: { images: *a9 }`).replace('spec:', `x:\n${bomb.replace(/^/gm, '  ')}\nspec:`);
    assert.match(problems(text).join('\n'), /not known here/);
    assert.match(problems(text).join('\n'), /more than 200000 values|this must be a text/);
  });

  it('says of an attestation whose type is not known what is wrong with its conditions, too', () => {
    const text = policy(`${KEY}attestations: [{ type: nonsense, from: [a], condition: 'predicate.x ==' }]`);
    assert.deepEqual(
      problems(text).map((one) => /neither a URI|CEL|expression|condition/.test(one)),
      [true, true],
    );
  });

  it('says of an authority what is wrong with it, and not that it is missing, too', () => {
    assert.deepEqual(
      problems(policy('authorities: [{ name: a, key: { trustKey: gone } }]\nsignatures: a')).map((one) => one.split(' ', 1)[0]),
      ['5:45'],
    );
  });

  it('takes nesting and aliases up to their bounds', () => {
    const nested = `${'- '.repeat(LIMITS.jsonDepth - 1)}x`;
    assert.doesNotMatch(problems(nested).join(), /nested deeper/);
    const aliases = (count: number): string => policy(`${KEY}match: { images: [&i r.test/a, ${Array.from({ length: count }, () => '*i').join(', ')}] }`);
    assert.deepEqual(problems(aliases(LIMITS.policyAliases)), []);
    assert.match(problems(aliases(LIMITS.policyAliases + 1)).join(), /more than 1000 aliases/);
  });

  it('finds a key that stands twice in a map of any size, without trying each with each', () => {
    const many = Array.from({ length: 20_000 }, (_, i) => `  k${i}: x`).join('\n');
    const text = policy(KEY).replace('metadata: { name: one }', `metadata:\n  name: one\n  labels:\n${many.replaceAll('  k', '    k')}\n    k7: x`);
    assert.match(problems(text).join(), /^20006:5 the same key stands twice$/);
  });

  it('takes of a namespace no more than its bound', () => {
    const text = policy('refuse: gone');
    const fill = (bytes: number): string => `${text}#${'x'.repeat(bytes - text.length - 1)}`;
    assert.ok(compileNamespaced({ name: 'o', text: fill(LIMITS.namespacedPolicyBytes) }, 'shop').ok);
    const over = compileNamespaced({ name: 'o', text: fill(LIMITS.namespacedPolicyBytes + 1) }, 'shop');
    assert.equal(!over.ok && over.problems[0]?.code, 'ERR_TOO_LARGE');
  });

  it('refuses what is too large, and tells at most so many problems', () => {
    assert.match(problems('#'.repeat(LIMITS.documentBytes + 1)).join(), /larger than/);
    const many = policy(`${KEY}${Array.from({ length: LIMITS.policyProblems + 1 }, (_, i) => `x${i}: 1`).join('\n')}`);
    assert.equal(problems(many).length, LIMITS.policyProblems);
    const group = Array.from({ length: LIMITS.authoritiesPerPolicy + 1 }, () => 'a').join(', ');
    assert.match(problems(policy(KEY.replace('signatures: a', `signatures: { anyOf: [${group}] }`))).join(), /a group may have/);
  });

  test('whatever the bytes are, the answer is a value', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => assert.equal(typeof compilePolicies([{ name: 'x', text }]).ok, 'boolean')));
    fc.assert(
      fc.property(fc.nat(), fc.nat(40), fc.string({ maxLength: 3 }), (at, length, put) => {
        const start = at % everything.length;
        assert.equal(typeof compilePolicies([{ name: 'x', text: everything.slice(0, start) + put + everything.slice(start + length) }], context).ok, 'boolean');
      }),
      { numRuns: 60 },
    );
  });
});
