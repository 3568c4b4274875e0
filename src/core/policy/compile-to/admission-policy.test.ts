import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CelValue, celEnv, isCelError, isCelList, parse, plan } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { parseAllDocuments } from 'yaml';
import { loadPolicyTargets } from '../load-compiler.ts';

const { compileAdmissionPolicy } = await loadPolicyTargets();

interface Policy {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly failurePolicy: string;
    readonly matchConstraints: { readonly namespaceSelector?: unknown; readonly resourceRules: unknown };
    readonly variables: readonly { readonly name: string; readonly expression: string }[];
    readonly validations: readonly { readonly expression: string; readonly messageExpression: string }[];
  };
}
interface Binding {
  readonly spec: { readonly policyName: string; readonly validationActions: readonly string[] };
}

function documents(exempt: readonly string[] = [], enforce = true): [Policy, Binding] {
  const { files, report } = compileAdmissionPolicy(exempt, enforce);
  assert.deepEqual([files.length, report], [1, []]);
  return parseAllDocuments(files[0]?.text ?? '').map((one) => one.toJS() as unknown) as [Policy, Binding];
}

const env = celEnv({ funcs: [...strings] });
const PINNED = `registry.test/app@sha256:${'a'.repeat(64)}`;

/** As the API server asks: variables in their order, then the validation; its message, or undefined where it is allowed. */
function asked(object: object, oldObject: object | null = null): string | undefined {
  const [{ spec }] = documents();
  const variables: Record<string, unknown> = {};
  const evaluate = (expression: string): CelValue => {
    const value = plan(env, parse(expression))({ object, oldObject, variables } as never);
    assert.ok(!isCelError(value), `${expression}: ${isCelError(value) ? value.message : ''}`);
    return value;
  };
  for (const { name, expression } of spec.variables) {
    const value = evaluate(expression);
    variables[name] = isCelList(value) ? [...value] : value;
  }
  const [validation] = spec.validations;
  assert.ok(validation && spec.validations.length === 1);
  if (evaluate(validation.expression) === true) return undefined;
  const message = evaluate(validation.messageExpression);
  assert.ok(typeof message === 'string');
  return message;
}

const pod = (spec: object): object => ({ spec: { containers: [{ name: 'app', image: PINNED }], ...spec } });

describe('a ValidatingAdmissionPolicy for digests', () => {
  const PLACES: readonly (readonly [place: string, spec: (image: string) => object])[] = [
    [
      'a container',
      (image) => ({
        containers: [
          { name: 'app', image: PINNED },
          { name: 'x', image },
        ],
      }),
    ],
    ['an init container', (image) => ({ initContainers: [{ name: 'x', image }] })],
    ['an ephemeral container', (image) => ({ ephemeralContainers: [{ name: 'x', image }] })],
    [
      'a volume',
      (image) => ({
        volumes: [
          { name: 'x', emptyDir: {} },
          { name: 'y', image: { reference: image } },
        ],
      }),
    ],
  ];
  for (const [place, spec] of PLACES) {
    it(`lets an image by digest into ${place}, and names any other`, () => {
      for (const image of [PINNED, `registry.test/app:1.2@sha256:${'a'.repeat(64)}`, `registry.test/app@sha512:${'b'.repeat(128)}`])
        assert.equal(asked(pod(spec(image))), undefined, image);
      for (const image of [
        'registry.test/app:1.2',
        'app',
        `app@sha256:${'a'.repeat(63)}`,
        `app@sha256:${'A'.repeat(64)}`,
        `a@sha256:${'a'.repeat(64)}:1`,
        `a@sha256:${'a'.repeat(64)}\n`,
      ])
        assert.match(asked(pod(spec(image))) ?? 'let in', /these are not: /, image);
    });
  }

  it('takes a missing image for none, and a pod with no other containers as it is', () => {
    assert.match(asked({ spec: { containers: [{ name: 'app' }] } }) ?? 'let in', /these are not: app $/);
    assert.equal(asked(pod({ volumes: [{ name: 'x' }] })), undefined);
    assert.match(asked(pod({ volumes: [{ name: 'y', image: {} }] })) ?? 'let in', /these are not: volume\/y $/);
  });

  it('lets a change pass that brings no image, and none that does, were it one that the pod names elsewhere', () => {
    const app = { name: 'app', image: 'registry.test/old:1' };
    const side = { name: 'side', image: 'registry.test/side:1' };
    const before = pod({ containers: [app, side] });
    assert.equal(asked(before, before), undefined);
    assert.equal(asked(pod({ containers: [{ ...app, image: PINNED }, side] }), before), undefined);
    for (const [spec, named] of [
      [{ containers: [app, side], ephemeralContainers: [{ name: 'debug', image: 'registry.test/debug:1' }] }, 'debug registry.test/debug:1'],
      [{ containers: [app, side], ephemeralContainers: [{ name: 'debug', image: app.image }] }, 'debug registry.test/old:1'],
      [{ containers: [app, { ...side, image: app.image }] }, 'side registry.test/old:1'],
    ] as const)
      assert.equal(asked(pod(spec), before)?.split('these are not: ')[1], named);
  });

  it('fails closed, holds for pods and ephemeral containers everywhere but in exempt namespaces, and denies or warns', () => {
    const [policy, binding] = documents(['kube-system', 'guard']);
    assert.deepEqual(
      [policy.spec.failurePolicy, policy.spec.matchConstraints],
      [
        'Fail',
        {
          matchPolicy: 'Equivalent',
          namespaceSelector: { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system', 'guard'] }] },
          resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['pods', 'pods/ephemeralcontainers'] }],
        },
      ],
    );
    assert.deepEqual([binding.spec.policyName, binding.spec.validationActions], [policy.metadata.name, ['Deny']]);
    assert.equal(documents()[0].spec.matchConstraints.namespaceSelector, undefined);
    assert.deepEqual(documents([], false)[1].spec.validationActions, ['Warn', 'Audit']);
  });
});
