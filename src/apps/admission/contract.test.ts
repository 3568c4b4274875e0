/** The contract of admission.k8s.io/v1 over real TLS, each case by the number of its rule in the checklist of Kubernetes admission. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type JsonObject, LIMITS, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { JudgedName } from '../../sdk/agent/index.ts';
import {
  asDeployment,
  deployment,
  IMAGE_DIGEST,
  judgeOf,
  letIn,
  pod,
  policiesOf,
  reviewOf,
  startWebhook,
  UID,
  type WebhookAnswer,
} from '../../../test/admission.ts';

const GOOD = `r.example/good:1@${IMAGE_DIGEST}`;
const OTHER = `r.example/other:1@${IMAGE_DIGEST}`;
const BAD = `r.example/bad:1@${IMAGE_DIGEST}`;
const TAG = 'r.example/good:1';

const refusal = (name: string): JudgedName => ({
  name,
  digest: IMAGE_DIGEST,
  outcome: 'rejected',
  code: 'NO_SIGNATURE',
  action: 'deny',
  message: `${name} is refused by the policy shop: it is not signed`,
  hint: 'Sign it with `sealward sign`.',
  warnings: [],
  from: 'memory',
});
const unknown = (name: string): JudgedName => ({
  ...refusal(name),
  outcome: 'inconclusive',
  code: 'ERR_REGISTRY_UNREACHABLE',
  message: `${name} could not be verified`,
});
const warned = (name: string): JudgedName => ({
  ...letIn(name),
  outcome: 'rejected',
  code: 'NO_SIGNATURE',
  action: 'warn',
  message: `${name} is not signed`,
  warnings: [`${name} is not signed`],
});

function say(image: string): JudgedName {
  if (image.includes('/bad')) return refusal(image);
  if (image.includes('/down')) return unknown(image);
  if (image.includes('/warn')) return warned(image);
  return letIn(image);
}

const update = (before: JsonObject, more: JsonObject = {}): JsonObject => ({ operation: 'UPDATE', oldObject: before, ...more });
const statusOf = ({ response }: WebhookAnswer): JsonObject => response['status'] as JsonObject;
const patchOf = ({ response }: WebhookAnswer): JsonObject[] => JSON.parse(Buffer.from(response['patch'] as string, 'base64').toString()) as JsonObject[];

interface Case {
  readonly rule: string;
  readonly object: JsonObject | null;
  readonly more?: JsonObject;
  readonly allowed: boolean;
  /** What the judge was asked, sorted. */
  readonly asked: readonly string[];
  readonly says?: RegExp;
  readonly code?: number;
}

const TEMPLATE = { template: { spec: { containers: [{ name: 'a', image: BAD }] } } };
const volume = { ...pod(GOOD), spec: { ...(pod(GOOD)['spec'] as JsonObject), volumes: [{ name: 'v', image: { reference: BAD } }] } };
const init = { ...pod(GOOD), spec: { ...(pod(GOOD)['spec'] as JsonObject), initContainers: [{ name: 'i', image: BAD }] } };
const debugged = { ...pod(GOOD), spec: { ...(pod(GOOD)['spec'] as JsonObject), ephemeralContainers: [{ name: 'd', image: BAD }] } };
const strange = { ...pod(GOOD), spec: { ...(pod(GOOD)['spec'] as JsonObject), sidecars: [{ name: 'd', image: BAD }] } };

const CASES: readonly Case[] = [
  { rule: '5: a dry run gets the same denial', object: pod(BAD), more: { dryRun: true }, allowed: false, asked: [BAD], code: 403 },
  { rule: '5: a dry run gets the same allowance', object: pod(GOOD), more: { dryRun: true }, allowed: true, asked: [GOOD] },
  { rule: '10: a Pod that is created', object: pod(GOOD, BAD), allowed: false, asked: [BAD, GOOD], says: /bad:1.*is not signed\. Sign it/ },
  { rule: '10: pods/ephemeralcontainers', object: debugged, more: update(pod(GOOD), { subResource: 'ephemeralcontainers' }), allowed: false, asked: [BAD] },
  { rule: '10: pods/resize changes no image', object: pod(BAD), more: update(pod(BAD), { subResource: 'resize' }), allowed: true, asked: [] },
  {
    rule: '10: scale carries no template',
    object: { kind: 'Scale' },
    more: update({ kind: 'Scale' }, { kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' }, subResource: 'scale' }),
    allowed: true,
    asked: [],
  },
  {
    rule: '10: bindings are out of scope',
    object: { kind: 'Binding' },
    more: { kind: { group: '', version: 'v1', kind: 'Binding' }, subResource: 'binding' },
    allowed: true,
    asked: [],
  },
  { rule: '10: exec is out of scope', object: null, more: { operation: 'CONNECT', subResource: 'exec' }, allowed: true, asked: [] },
  { rule: '11: init containers', object: init, allowed: false, asked: [BAD, GOOD] },
  { rule: '11: ephemeral containers', object: debugged, allowed: false, asked: [BAD, GOOD] },
  { rule: '11: image volumes', object: volume, allowed: false, asked: [BAD, GOOD] },
  {
    rule: '11: an unknown field that names an image',
    object: strange,
    allowed: false,
    asked: [],
    says: /"spec\.sidecars\[0\]\.image" is an image field that is not known/,
  },
  { rule: '11: a Pod of which no image was found', object: { spec: { containers: [] } }, allowed: false, asked: [], says: /names no image/ },
  ...['ReplicaSet', 'Deployment', 'StatefulSet', 'DaemonSet'].map(
    (kind): Case => ({ rule: `12: ${kind}`, object: { spec: TEMPLATE }, more: { kind: { group: 'apps', version: 'v1', kind } }, allowed: false, asked: [BAD] }),
  ),
  {
    rule: '12: ReplicationController',
    object: { spec: TEMPLATE },
    more: { kind: { group: '', version: 'v1', kind: 'ReplicationController' } },
    allowed: false,
    asked: [BAD],
  },
  { rule: '12: PodTemplate', object: TEMPLATE, more: { kind: { group: '', version: 'v1', kind: 'PodTemplate' } }, allowed: false, asked: [BAD] },
  { rule: '12: Job', object: { spec: TEMPLATE }, more: { kind: { group: 'batch', version: 'v1', kind: 'Job' } }, allowed: false, asked: [BAD] },
  {
    rule: '12: CronJob',
    object: { spec: { jobTemplate: { spec: TEMPLATE } } },
    more: { kind: { group: 'batch', version: 'v1', kind: 'CronJob' } },
    allowed: false,
    asked: [BAD],
  },
  { rule: '12: a template may leave its image open', object: deployment(''), more: asDeployment, allowed: true, asked: [] },
  { rule: '12: a Pod may not', object: pod(''), allowed: false, asked: [], says: /names no image/ },
  {
    rule: '13: a custom kind by its path',
    object: { spec: TEMPLATE },
    more: { kind: { group: 'argoproj.io', version: 'v1alpha1', kind: 'Rollout' } },
    allowed: false,
    asked: [BAD],
  },
  {
    rule: '13: a kind of which nobody says where images stand',
    object: {},
    more: { kind: { group: 'x.example', version: 'v1', kind: 'Thing' } },
    allowed: false,
    asked: [],
    says: /nothing says where a "x\.example\/Thing"/,
  },
  {
    rule: '14: an update without another image, whatever was revoked since',
    object: { ...pod(BAD), metadata: { labels: { a: 'b' } } },
    more: update(pod(BAD)),
    allowed: true,
    asked: [],
  },
  { rule: '14: a finalizer of an object that nobody can read', object: { ...strange, metadata: {} }, more: update(strange), allowed: true, asked: [] },
  {
    rule: '14: a status without another image',
    object: { ...deployment(BAD), status: { replicas: 1 } },
    more: update(deployment(BAD), { ...asDeployment, subResource: 'status' }),
    allowed: true,
    asked: [],
  },
  { rule: '14: a changed image alone is judged', object: pod(BAD, OTHER), more: update(pod(BAD)), allowed: true, asked: [OTHER] },
  {
    rule: '14: tags that change their places: what they mean when they are pulled is not what runs',
    object: pod('r.example/bad:1', TAG),
    more: update(pod(TAG, 'r.example/bad:1')),
    allowed: false,
    asked: ['r.example/bad:1', TAG],
  },
  {
    rule: '14: a changed image of an object that is being deleted',
    object: { ...pod(BAD), metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } },
    more: update(pod(GOOD)),
    allowed: false,
    asked: [BAD],
  },
  {
    rule: '14: a changed image while replicas fall',
    object: { ...deployment(BAD), spec: { replicas: 1, template: pod(BAD) } },
    more: update(deployment(GOOD), asDeployment),
    allowed: false,
    asked: [BAD],
  },
  { rule: '14: a deletion', object: null, more: { operation: 'DELETE', oldObject: pod(BAD) }, allowed: true, asked: [] },
  { rule: '14: an image less', object: pod(GOOD), more: update(pod(GOOD, BAD)), allowed: true, asked: [] },
  { rule: '15: no name, and no namespace in the object', object: pod(GOOD), more: { name: '' }, allowed: true, asked: [GOOD] },
  {
    rule: '17: a tag that may run is refused at the Pod, with what to write',
    object: pod(TAG),
    allowed: false,
    asked: [TAG],
    says: new RegExp(`named by a tag.*Write "${TAG}@${IMAGE_DIGEST}"`),
  },
  { rule: '17: a tag in a template is not', object: deployment(TAG), more: asDeployment, allowed: true, asked: [TAG] },
  {
    rule: '20: what cannot be verified now',
    object: pod(`r.example/down@${IMAGE_DIGEST}`),
    allowed: false,
    asked: [`r.example/down@${IMAGE_DIGEST}`],
    code: 503,
    says: /could not be verified/,
  },
  {
    rule: '20: what is refused goes before what is unknown',
    object: pod(`r.example/down@${IMAGE_DIGEST}`, BAD),
    allowed: false,
    asked: [BAD, `r.example/down@${IMAGE_DIGEST}`].sort(),
    code: 403,
    says: /bad:1.*Refused, too: "r\.example\/down/,
  },
  { rule: '28: an exempt namespace', object: pod(BAD), more: { namespace: 'kube-system' }, allowed: true, asked: [] },
  { rule: '28: no namespace is not an exempt one', object: pod(BAD), more: { namespace: '' }, allowed: false, asked: [BAD] },
  { rule: '28: nor is one that the object names', object: { ...pod(BAD), metadata: { namespace: 'kube-system' } }, allowed: false, asked: [BAD] },
];

describe('the contract of the webhook', () => {
  for (const { rule, object, more, allowed, asked, says, code } of CASES) {
    it(`${rule}: ${allowed ? 'allowed' : 'denied'}`, async (t) => {
      const judge = judgeOf(say);
      const webhook = await startWebhook(t, judge, { custom: new Map([['argoproj.io/Rollout', ['spec.template.spec']]]) });
      const answer = await webhook.ask(reviewOf(object, more));
      // 18, 20: echoed exactly, and HTTP 200 whatever the answer.
      assert.equal(answer.status, 200);
      const { apiVersion, kind } = JSON.parse(answer.text) as JsonObject;
      assert.deepEqual([apiVersion, kind, answer.response['uid'], answer.response['allowed']], ['admission.k8s.io/v1', 'AdmissionReview', UID, allowed]);
      assert.deepEqual(judge.asked.map(({ image }) => image).sort(), [...asked].sort());
      // 19: what validates carries no patch.
      assert.equal('patch' in answer.response || 'patchType' in answer.response, false);
      if (allowed) assert.equal('status' in answer.response, false);
      else {
        assert.deepEqual([statusOf(answer)['status'], statusOf(answer)['code']], ['Failure', code ?? 403]);
        assert.equal(statusOf(answer)['reason'], code === 503 ? 'ServiceUnavailable' : 'Forbidden');
      }
      if (says) assert.match(statusOf(answer)['message'] as string, says);
    });
  }

  it('15: the place is the namespace of the request', async (t) => {
    const judge = judgeOf(say);
    const webhook = await startWebhook(t, judge);
    await webhook.ask(reviewOf({ ...pod(GOOD), metadata: { namespace: 'elsewhere' } }));
    assert.deepEqual(
      judge.asked.map(({ namespace }) => namespace),
      ['shop'],
    );
  });

  it('6, 19: a Pod is pinned, and the second time there is nothing to pin', async (t) => {
    const webhook = await startWebhook(t, judgeOf(say));
    const first = await webhook.ask(reviewOf(pod(TAG, GOOD)), { path: '/mutate?timeout=5s' });
    assert.equal(first.response['patchType'], 'JSONPatch');
    assert.deepEqual(patchOf(first), [
      { op: 'test', path: '/spec/containers/0/image', value: TAG },
      { op: 'replace', path: '/spec/containers/0/image', value: `${TAG}@${IMAGE_DIGEST}` },
    ]);
    const second = await webhook.ask(reviewOf(pod(`${TAG}@${IMAGE_DIGEST}`, GOOD)), { path: '/mutate?timeout=5s' });
    assert.deepEqual([second.response['allowed'], 'patch' in second.response, 'patchType' in second.response], [true, false, false]);
  });

  it('what is refused is not pinned and not refused at /mutate: /validate says why', async (t) => {
    const webhook = await startWebhook(t, judgeOf(say));
    const { response } = await webhook.ask(reviewOf(pod('r.example/bad:1', 'r.example/down:1')), { path: '/mutate' });
    assert.deepEqual([response['allowed'], 'patch' in response], [true, false]);
    const unreadable = await webhook.ask(reviewOf({ spec: { containers: [] } }), { path: '/mutate' });
    const untrusting = await startWebhook(t, { ...judgeOf(say), inForce: () => undefined });
    const untrusted = await untrusting.ask(reviewOf(pod(TAG)), { path: '/mutate' });
    for (const left of [unreadable, untrusted]) assert.deepEqual([left.response['allowed'], 'patch' in left.response], [true, false]);
  });

  it('templates are pinned where a policy asks for it, and nowhere else', async (t) => {
    const policies = policiesOf(
      'apiVersion: sealward.dev/v1alpha1\nkind: ImagePolicy\nmetadata: { name: pins }\nspec: { pinTemplates: true, refuse: none may run }\n',
    );
    const judgedBy = (policy: string) => (image: string) => ({
      ...letIn(image),
      decision: { policies: [{ policy }] } as unknown as NonNullable<JudgedName['decision']>,
    });
    const pinned = await startWebhook(t, judgeOf(judgedBy('pins'), policies));
    const review = reviewOf(deployment(TAG), asDeployment);
    assert.equal(patchOf(await pinned.ask(review, { path: '/mutate' }))[1]?.['path'], '/spec/template/spec/containers/0/image');
    const left = await startWebhook(t, judgeOf(judgedBy('leaves'), policies));
    assert.equal('patch' in (await left.ask(review, { path: '/mutate' })).response, false);
  });

  it('21: at most five warnings of at most 120 characters, printable, none twice', async (t) => {
    const images = Array.from({ length: 9 }, (_, i) => `r.example/warn${i}/${'x'.repeat(150)}:1@${IMAGE_DIGEST}`);
    const webhook = await startWebhook(
      t,
      judgeOf((image) => (image.includes('warn8') ? { ...warned(image), warnings: ['a\u0007b\n\u202ec'] } : say(image))),
    );
    const { response } = await webhook.ask(reviewOf(pod(...images)));
    const warnings = response['warnings'] as string[];
    assert.equal(response['allowed'], true);
    assert.equal(warnings.length, 5);
    for (const text of warnings) assert.ok(Array.from(text).length <= 120 && /^[^\p{C}]+$/u.test(text), text);
    const odd = await webhook.ask(reviewOf(pod(images[8] as string)));
    assert.deepEqual(odd.response['warnings'], ['a b c']);
  });

  it('22: annotations have names that the audit log keeps, and at most a KiB', async (t) => {
    const webhook = await startWebhook(t, judgeOf(say));
    const images = Array.from({ length: 200 }, (_, i) => `r.example/warn${i}:1@sha256:${i.toString(16).padStart(64, '0')}`);
    const { response } = await webhook.ask(reviewOf(pod(...images)));
    const annotations = response['auditAnnotations'] as Record<string, string>;
    assert.deepEqual(Object.keys(annotations).sort(), ['images', 'policies', 'trust']);
    for (const key of Object.keys(annotations)) assert.match(key, /^[A-Za-z0-9][A-Za-z0-9._-]{0,61}[A-Za-z0-9]$/);
    assert.ok(JSON.stringify(annotations).length <= 1024);
  });

  it('each image is judged once, and all of them at the same time', async (t) => {
    const waiting: (() => void)[] = [];
    const judge = judgeOf(async (image) => {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        // None is answered before all have been asked.
        if (waiting.length === 3) for (const go of waiting) go();
      });
      return letIn(image);
    });
    const webhook = await startWebhook(t, judge);
    const { response } = await webhook.ask(reviewOf(pod(GOOD, OTHER, GOOD, `r.example/third@${IMAGE_DIGEST}`, OTHER)));
    assert.equal(response['allowed'], true);
    assert.equal(judge.asked.length, 3);
  });

  it('3: past its time the answer is a denial that names the place, and not a timeout', async (t) => {
    const webhook = await startWebhook(
      t,
      judgeOf((image) => (image === GOOD ? letIn(image) : undefined)),
    );
    const answer = await webhook.ask(reviewOf(pod(GOOD, `slow.example:5000/app:1@${IMAGE_DIGEST}`)), { path: '/validate?timeout=1s' });
    assert.deepEqual([answer.status, answer.response['allowed'], statusOf(answer)['code']], [200, false, 503]);
    assert.match(statusOf(answer)['message'] as string, /slow\.example:5000" did not answer within 0\.5 s/);
  });

  const broken: readonly (readonly [what: string, say: (image: string) => JudgedName])[] = [
    [
      'that throws',
      () => {
        throw new TypeError('x is undefined');
      },
    ],
    [
      'that throws an error of ours',
      () => {
        throw new SealwardError('ERR_REGISTRY_UNREACHABLE', 'the registry is gone');
      },
    ],
    ['that answers nothing', () => ({}) as JudgedName],
    ['that says something else', (image) => ({ ...letIn(image), action: 'perhaps' }) as unknown as JudgedName],
    [
      'that lets in without a digest',
      (image) => {
        const { digest: _none, ...rest } = letIn(image);
        return rest;
      },
    ],
    ['that lets in something that is no digest', (image) => letIn(image, 'latest')],
    ['that judged another digest', (image) => letIn(image, `sha256:${'b'.repeat(64)}`)],
  ];
  for (const [what, wrong] of broken) {
    it(`a judge ${what} lets nothing in`, async (t) => {
      const webhook = await startWebhook(t, judgeOf(wrong));
      const answer = await webhook.ask(reviewOf(pod(GOOD)));
      assert.deepEqual([answer.status, answer.response['uid'], answer.response['allowed']], [200, UID, false]);
      const mutated = await webhook.ask(reviewOf(pod(TAG)), { path: '/mutate' });
      assert.equal('patch' in mutated.response && what !== 'that judged another digest', false);
    });
  }

  it('without trust material nothing is let in, and the process is not ready', async (t) => {
    const webhook = await startWebhook(t, { ...judgeOf(say), inForce: () => undefined });
    const answer = await webhook.ask(reviewOf(pod(GOOD)));
    assert.deepEqual([answer.response['allowed'], statusOf(answer)['code']], [false, 503]);
    assert.deepEqual(await webhook.operations('/readyz'), { status: 503, text: 'there is no trust material yet\n' });
    assert.equal((await webhook.operations('/healthz')).status, 200);
    // What changes no image is none of its business.
    assert.equal((await webhook.ask(reviewOf(pod(BAD), update(pod(BAD))))).response['allowed'], true);
  });

  it('a namespace that opted in is asked for with what its Pod pulls with, and no other', async (t) => {
    const asked: unknown[] = [];
    const judge = judgeOf(say);
    const registries: unknown[] = [];
    const registry = {} as NonNullable<ReturnType<NonNullable<Parameters<typeof startWebhook>[2]>['registryFor'] & object>>;
    const webhook = await startWebhook(
      t,
      { ...judge, judge: async (image, ask) => (registries.push(ask.registry), judge.judge(image, ask)) },
      { registryFor: (namespace, pulls) => (asked.push([namespace, pulls]), namespace === 'shop' ? registry : undefined) },
    );
    const named = {
      ...pod(GOOD),
      spec: { ...(pod(GOOD)['spec'] as JsonObject), imagePullSecrets: [{ name: 'own' }, { name: '../x' }, {}], serviceAccountName: 'web' },
    };
    await webhook.ask(reviewOf(named));
    await webhook.ask(reviewOf(pod(OTHER), { namespace: 'else' }));
    const many = Array.from({ length: LIMITS.pullSecrets + 1 }, (_, i) => ({ name: `s${i}` }));
    await webhook.ask(reviewOf({ ...pod(GOOD), spec: { ...(pod(GOOD)['spec'] as JsonObject), imagePullSecrets: many } }));
    const [, pulls] = asked.pop() as [string, { readonly secrets: readonly string[] }];
    assert.equal(pulls.secrets.length, LIMITS.pullSecrets);
    assert.deepEqual(asked, [
      ['shop', { secrets: ['own'], serviceAccount: 'web' }],
      ['else', { secrets: [], serviceAccount: 'default' }],
    ]);
    assert.deepEqual(registries, [registry, undefined, registry]);
  });

  it('names of strangers come back printable', async (t) => {
    const webhook = await startWebhook(
      t,
      judgeOf((image) => ({ ...refusal(image), message: `${image} \u001b[31m\u0000\u202e\ud800 is refused` })),
    );
    const { text, response } = await webhook.ask(reviewOf(pod(`r.example/\u001b[31m:1`)));
    assert.equal(response['allowed'], false);
    assert.doesNotMatch(text, /[\u0000-\u001f\u202e]|\\u0000|\\u001b|\\ud800/);
  });

  it('a review larger than a MiB is read in a thread, and answered alike', async (t) => {
    const judge = judgeOf(say);
    const webhook = await startWebhook(t, judge);
    const padded = (object: JsonObject): JsonObject => ({ ...object, metadata: { annotations: { big: 'x'.repeat(1_500_000) } } });
    assert.equal((await webhook.ask(reviewOf(padded(pod(BAD))))).response['allowed'], false);
    assert.equal((await webhook.ask(reviewOf(padded(pod(GOOD))))).response['allowed'], true);
    assert.equal((await webhook.ask(reviewOf(padded(strange)))).response['allowed'], false);
    const none = await webhook.ask(utf8(`{"kind":"${'x'.repeat(1_500_000)}"}`));
    assert.deepEqual([none.status, (JSON.parse(none.text) as JsonObject)['code']], [400, 'ERR_REVIEW_INVALID']);
  });
});
