/** What policies cost: finding those about an image among a thousand, and patterns that were made to be slow. */
import { parse } from 'yaml';
import type { Statement } from '../src/core/bundle/index.ts';
import {
  exactText,
  type ImagePolicy,
  imageGlob,
  loadAppraiser,
  loadPolicyCompiler,
  type PolicySet,
  selectPolicies,
  textGlob,
  whyNotSelected,
} from '../src/core/policy/index.ts';
import { regexText } from '../src/core/policy/regex-text.ts';
import { policy, set } from '../test/hand-made.ts';
import { race, ratio, type Timing } from './interleaved.ts';
import type { Row } from './table.ts';

const DIGEST = `sha256:${'1'.repeat(64)}`;
const POLICIES = 1000;
const GLOBS = 10;

export async function benchPolicy(seconds: number): Promise<Row[]> {
  return [...benchSelect(seconds), ...(await benchLoad(seconds)), ...benchHostile(seconds / 4), ...(await benchConditions(seconds / 4))];
}

/** As people write them: ten globs, a pipeline and a key, two attestations, a condition. */
function written(i: number): string {
  const globs = Array.from({ length: GLOBS }, (_, j) => `      - r${i % 7}.example/team-${i}/app-${j}-*\n`).join('');
  return `apiVersion: sealward.dev/v1alpha1
kind: ImagePolicy
metadata:
  name: team-${i}
spec:
  owner: team-${i}
  match:
    images:
${globs}    namespaces: [team-${i}]
  authorities:
    - name: ci
      keyless:
        identities:
          - issuer: https://token.actions.githubusercontent.com
            subject: https://github.com/team-${i}/app/.github/workflows/release.yml@refs/heads/main
            sourceRepositoryId: "${i}"
    - name: manager
      key: { fingerprint: "${String(i).padStart(64, '0')}" }
      validUntil: 2027-12-31T23:59:59Z
  signatures:
    allOf: [ci, manager]
  attestations:
    - name: scan
      vulnerabilities: { maximum: high }
      from: [ci]
      maxAge: 7d
    - name: own
      type: https://example.test/own/v1
      from: [ci]
      condition: predicate.stage == "done"
  strictness:
    dated: either
`;
}

async function benchLoad(seconds: number): Promise<Row[]> {
  const { compilePolicies } = await loadPolicyCompiler();
  const plain = Array.from({ length: POLICIES }, (_, i) => ({ name: `p${i}.yaml`, text: written(i) }));
  const json = plain.map(({ name, text }) => ({ name, text: JSON.stringify(parse(text), null, 2) }));
  // What is not plain: the whole parser reads all of the file.
  const tagged = plain.map(({ name, text }) => ({ name, text: `${text}  message: !!str Ask the team.\n` }));
  const load = (files: typeof plain) => ({
    run: (times: number): void => {
      for (let i = 0; i < times; i++) if (!compilePolicies(files).ok) throw new Error('the policies of the benchmark do not compile');
    },
  });
  const [ofPlain, ofJson, ofTagged] = race([load(plain), load(json), load(tagged)], seconds) as [Timing, Timing, Timing];
  const figures = `${ofPlain.mean.toFixed(0)} ms; from JSON ${ofJson.mean.toFixed(0)}, where each has a tag, for the whole parser, ${ofTagged.mean.toFixed(0)}`;
  return [{ what: `loading ${POLICIES} policies, ms`, figures, value: ofPlain.mean, atMost: 300 }];
}

/** Ten globs each, of every kind: exact, with a star at the end or within, over tags; one policy in a hundred is about every image. */
function manyPolicies(): PolicySet {
  const scope = { exclude: [], namespaceLabels: [], clusters: [exactText('eu')], environments: [] };
  const policies = Array.from({ length: POLICIES }, (_, i): ImagePolicy => {
    const patterns = Array.from({ length: GLOBS }, (_, j) => {
      const team = `r${i % 7}.example/team-${i}`;
      return [`${team}/app-${j}`, `${team}/svc-${j}-*`, `${team}/deep-${j}/**`, `${team}/a*-${j}:v*`, `${team}/lib-${j}:*`][j % 5] as string;
    });
    return policy([], {
      name: `p${i}`,
      source: `p${i}.yaml:1`,
      scope: { ...scope, images: (i % 100 === 0 ? ['**'] : patterns).map(imageGlob), namespaces: i % 2 === 0 ? [textGlob('team-*')] : [] },
    });
  });
  return set(policies);
}

function benchSelect(seconds: number): Row[] {
  const many = manyPolicies();
  const images = Array.from({ length: 997 }, (_, i) => ({ repository: `r${i % 7}.example/team-${i}/app-${i % GLOBS}`, tag: 'v1', digest: DIGEST }));
  const place = { cluster: 'eu', environment: 'production', namespace: 'team-a' };
  let next = 0;
  const each = (work: (image: (typeof images)[number]) => void) => ({
    run: (times: number): void => {
      for (let i = 0; i < times; i++) work(images[next++ % images.length] as (typeof images)[number]);
    },
  });
  const [found, tried] = race(
    [
      each((image) => selectPolicies(many, image, place)),
      each((image) => many.policies.filter((policy) => whyNotSelected(policy, image, place) === undefined)),
    ],
    seconds,
  ) as [Timing, Timing];
  const figures = `${(found.mean * 1000).toFixed(1)} µs, ${ratio(tried, found).toFixed(0)}x faster than trying each`;
  return [{ what: `policies about an image, among ${POLICIES} with ${POLICIES * GLOBS} globs, µs`, figures, value: found.mean * 1000, atMost: 50 }];
}

function benchHostile(seconds: number): Row[] {
  const long = 1024;
  const patterns = [
    textGlob('*a'.repeat(256)),
    textGlob('**a'.repeat(170)),
    regexText('(a+)+$'),
    regexText('(.*a){45}b'),
    regexText('a?'.repeat(100) + 'a'.repeat(50)),
    regexText('((a|ab|b|ba)?(a*b?)?){12}x'),
  ];
  const values = ['a'.repeat(long), `${'ab'.repeat(long / 2 - 1)}!`, 'a/'.repeat(long / 2)];
  const pairs = patterns.flatMap((pattern) => values.map((value) => ({ pattern, value })));
  const timings = pairs.map(({ pattern, value }) => {
    const run = (times: number): void => {
      for (let i = 0; i < times; i++) pattern.matches(value);
    };
    return race([{ run }], seconds / 10)[0] as Timing;
  });
  const worst = timings.reduce((most, timing, i) => (timing.mean > (timings[most] as Timing).mean ? i : most), 0);
  const value = (timings[worst] as Timing).mean;
  return [
    { what: 'the slowest of the hostile patterns, ms', figures: `${value.toFixed(2)} ms for ${pairs[worst]?.pattern.text.slice(0, 20)}`, value, atMost: 5 },
  ];
}

/** Conditions that would run for seconds, or for ever, without a budget. */
async function benchConditions(seconds: number): Promise<Row[]> {
  const { appraise } = await loadAppraiser();
  const list = Array.from({ length: 120 }, (_, i) => i);
  const words = list.map((i) => `${'a'.repeat(1000)}${i}`);
  const statement: Statement = { version: 'v1', subjects: [], predicateType: 'https://example.test/v1', predicate: { list, words } };
  const timings = [
    'predicate.list.all(a, predicate.list.all(b, predicate.list.all(c, a + b + c >= 0.0)))',
    'predicate.words.all(a, predicate.words.all(b, (a + b).size() > 0))',
    'predicate.words.exists(a, a.matches("(.*a){45}b"))',
    `["aaaaaaaaaaaaaaaa"]${'.map(x, x + x)'.repeat(40)} == []`,
    'predicate.list.all(a, predicate == predicate)',
  ].map((expression) => {
    const condition = { id: expression, text: expression, kind: 'cel', expression } as const;
    const run = (times: number): void => {
      for (let i = 0; i < times; i++) appraise(statement, condition);
    };
    return { expression, timing: race([{ run }], seconds / 5)[0] as Timing };
  });
  const worst = timings.reduce((most, one) => (one.timing.mean > most.timing.mean ? one : most));
  const figures = `${worst.timing.mean.toFixed(2)} ms for ${worst.expression.slice(0, 30)}`;
  return [{ what: 'the slowest of the hostile conditions, ms', figures, value: worst.timing.mean, atMost: 5 }];
}
