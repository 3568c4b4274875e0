/** The webhook asks itself as an API server would: what is wrong with that is found, and nothing else. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { pino } from 'pino';
import { judgeOf, letIn, startWebhook, type TestWebhook, TLS } from '../../../test/admission.ts';
import { listen } from '../../clients/operations/index.ts';
import type { JsonObject } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { createTlsAuthority } from '../../testing/index.ts';
import { issueAuthority, issueServer } from './certificates/issue.ts';
import type { OpenAdmissionOptions } from './open-admission.ts';
import { type Call, SelfProbe, type SelfProbeOptions } from './self-probe.ts';

const SECRET = 'a'.repeat(64);
const SECRETS = [SECRET];
const OWN: Call = { by: 'the webhook itself', name: 'localhost', authorities: TLS.ca, path: `/${SECRET}/validate`, refuses: true };
const asked = (more: Partial<Call>): Call => ({ ...OWN, by: 'pods.sealward.dev', ...more });

interface Probed {
  readonly probe: SelfProbe;
  readonly webhook: TestWebhook;
  readonly logged: JsonObject[];
  readonly state: () => Promise<JsonObject>;
}

/** @param options asked once, at the start. */
async function probed(t: TestContext, options: Partial<SelfProbeOptions> = {}, more: Partial<OpenAdmissionOptions> = {}): Promise<Probed> {
  const logged: JsonObject[] = [];
  const { promise: looked, resolve } = Promise.withResolvers<void>();
  const logger = pino({ base: null }, { write: (line) => void logged.push(JSON.parse(line) as JsonObject) });
  const configured = options.configured ?? (async () => []);
  const probe: SelfProbe = new SelfProbe({
    proof: 'path-secret',
    own: () => OWN,
    logger,
    every: 5,
    ...options,
    configured: async () => {
      // What was found is told before the next look begins.
      if (looks++ > 0) resolve();
      return configured();
    },
  });
  let looks = 0;
  t.after(() => probe.close());
  const webhook = await startWebhook(t, judgeOf(letIn), { caller: { kind: 'path-secret', secrets: () => SECRETS }, probe, ...more });
  assert.match(probe.unready() ?? '', /has not asked itself/);
  await probe.start({ host: '0.0.0.0', port: webhook.admission.port });
  await looked;
  const state = async (): Promise<JsonObject> => JSON.parse((await webhook.operations('/state')).text) as JsonObject;
  return { probe, webhook, logged, state };
}

describe('a webhook that asks itself', () => {
  it('is ready when it has answered itself, and counts none of it', async (t) => {
    const calls = [asked({}), asked({ path: `/${SECRET}/mutate`, refuses: false })];
    const { probe, webhook, logged, state } = await probed(t, { configured: async () => calls });
    assert.deepEqual([probe.unready(), probe.problems, logged], [undefined, [], []]);
    assert.deepEqual(
      [await webhook.operations('/readyz'), await state()],
      [
        { status: 200, text: 'ok\n' },
        { wrong: null, problems: [] },
      ],
    );
    const { text } = await webhook.operations('/metrics');
    assert.doesNotMatch(text, /^sealward_admission_(?:reviews|decisions|refused_requests)_total\{/m);
    assert.match(text, /^sealward_admission_review_seconds_count\{stage="whole"\} 0$/m);
    assert.deepEqual(webhook.logged, []);
  });

  const authority = issueAuthority(Date.now() - 10_000_000, 100_000_000);
  const served = (from: number, life: number): Partial<OpenAdmissionOptions> => ({ certificate: issueServer(authority, ['localhost'], from, life) });
  const wrong: readonly (readonly [what: string, call: Partial<Call>, says: RegExp, more?: Partial<OpenAdmissionOptions>])[] = [
    [
      'by a name that its certificate does not hold for',
      { name: 'sealward.guard.svc' },
      /calls it "sealward\.guard\.svc", .* it holds for "DNS:localhost, IP Address:127\.0\.0\.1"$/,
    ],
    ['with the authorities of somebody else', { authorities: createTlsAuthority('other').ca }, /believes other authorities .* \(caBundle\): UNABLE_TO_\w+$/],
    ['with no authorities', { authorities: '' }, /believes other authorities/],
    ['with a bundle that is none', { authorities: '-' }, /believes other authorities/],
    ['when its certificate has expired', { authorities: authority.cert }, /has expired$/, served(Date.now() - 9_000_000, 60_000)],
    ['when its certificate does not hold yet', { authorities: authority.cert }, /does not hold yet$/, served(Date.now() + 3_600_000, 60_000)],
    ['by another path', { path: `/${'b'.repeat(64)}/validate` }, /another path than the secret one$/],
    ['by no path', { path: '/' }, /another path than the secret one$/],
    ['by a path that is none', { path: `/${SECRET}/check` }, /ends with "\/check", and not with \/validate or \/mutate$/],
    ['to refuse where nothing is refused', { path: `/${SECRET}/mutate` }, /nothing is refused: everything is let in$/],
    ['to pin where nothing is pinned', { refuses: false }, /nothing is pinned$/],
  ];
  for (const [what, call, says, more] of wrong) {
    it(`finds that it is called ${what}`, async (t) => {
      const { probe, logged, state, webhook } = await probed(t, { configured: async () => [asked(call)] }, more);
      assert.equal(probe.problems.length, 1);
      assert.match(probe.problems[0] ?? '', says);
      assert.doesNotMatch(JSON.stringify([probe.problems, logged]), /aaaa/, 'and nobody learns the path');
      const told = logged.filter(({ msg }) => msg === probe.problems[0]);
      assert.deepEqual([told.length, told[0]?.['code']], [1, 'ERR_WEBHOOK_UNREACHABLE'], 'it is told once');
      assert.deepEqual((await state())['problems'], probe.problems);
      assert.match((await webhook.operations('/metrics')).text, /^sealward_admission_calls_failing 1$/m);
    });
  }

  it('is not ready while it cannot answer itself', async (t) => {
    const { webhook, state, logged } = await probed(t, { own: () => ({ ...OWN, name: 'elsewhere.example' }) });
    assert.equal((await webhook.operations('/readyz')).status, 503);
    assert.match((await state())['wrong'] as string, /the webhook itself calls it "elsewhere\.example"/);
    assert.equal(logged[0]?.['code'], 'ERR_WEBHOOK_UNREACHABLE');
  });

  it('knows nobody who could prove to be an API server by a certificate, and takes the refusal for right', async (t) => {
    const call = { ...OWN, path: '/validate' };
    const caller = { kind: 'mtls', names: ['kube-apiserver'] } as const;
    const { probe } = await probed(t, { proof: 'mtls', own: () => call, configured: async () => [call] }, { caller });
    assert.deepEqual([probe.unready(), probe.problems], [undefined, []]);
    const open = await probed(t, { proof: 'network', own: () => call, configured: async () => [call] }, { caller: { kind: 'network' } });
    assert.deepEqual([open.probe.unready(), open.probe.problems], [undefined, []]);
  });

  it('says again what was wrong when that is over, and waits for nobody who does not answer', async (t) => {
    const answers: (() => Promise<readonly Call[]>)[] = [
      async () => [asked({ path: '/' })],
      async () => Promise.reject(new SealwardError('ERR_CLUSTER_UNAVAILABLE', 'the API server is gone')),
    ];
    const { probe, logged } = await probed(t, { configured: () => answers.shift()?.() ?? Promise.resolve([OWN]) });
    while (!logged.some(({ msg }) => /can be answered again/.test(msg as string))) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(
      logged.map(({ code = null }) => code),
      ['ERR_WEBHOOK_UNREACHABLE', 'ERR_CLUSTER_UNAVAILABLE', null],
    );
    assert.deepEqual(probe.problems, []);
    const deaf = createServer();
    t.after(() => deaf.close());
    const port = await listen(deaf, { host: '127.0.0.1', port: 0 });
    const silent = new SelfProbe({ proof: 'network', own: () => OWN, configured: async () => [], logger: pino({ level: 'silent' }), patience: 1 });
    await silent.start({ host: '127.0.0.1', port });
    assert.equal(silent.unready(), 'the webhook itself does not reach it: ERR_DEADLINE');
    silent.close();
  });

  it('is nobody that a stranger could pretend to be', async (t) => {
    const { webhook, probe } = await probed(t);
    const review = {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: { uid: 'self-probe-1', kind: { group: '', kind: 'Pod' }, operation: 'CREATE', object: { spec: {} } },
    };
    const { response } = await webhook.ask(review, { path: `/${SECRET}/validate` });
    assert.equal(response['allowed'], false);
    assert.match((await webhook.operations('/metrics')).text, /^sealward_admission_reviews_total\{path="validate",outcome="denied"\} 1$/m);
    assert.match(probe.uid, /^self-probe-[0-9a-f-]{36}$/);
  });
});
