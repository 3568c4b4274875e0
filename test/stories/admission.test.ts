/** The webhook as a container runs it: a process with a configuration, asked over TLS as an API server asks, through an outage and a revocation. */
import assert from 'node:assert/strict';
import { cpSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { request } from 'node:https';
import { after, before, describe, it } from 'node:test';
import type { JsonObject } from '../../src/core/encoding/index.ts';
import { pod, reviewOf } from '../admission.ts';
import type { CliResult } from '../cli.ts';
import { WebhookProcess } from '../webhook-process.ts';
import { openTrustedShop, type TrustedShop } from './trusted-shop.ts';
import { Workshop } from './workshop.ts';

describe('the webhook as a process', () => {
  const workshop = new Workshop();
  const published = workshop.path('published');
  let shop: TrustedShop;
  let running: WebhookProcess;
  let ready: { readonly port: number; readonly operationsPort: number };
  const leaves: Record<string, string> = {};

  const start = async (): Promise<void> => {
    running = new WebhookProcess(workshop.path('admission.yaml'), workshop.environment);
    ready = await running.ready();
  };
  const authority = (): { readonly cert: string; readonly secret: string } =>
    (JSON.parse(readFileSync(workshop.path('authority/authority.json'), 'utf8')) as { readonly current: { readonly cert: string; readonly secret: string } })
      .current;

  const ask = (path: string, body: JsonObject, secret = authority().secret): Promise<{ readonly status: number; readonly response: JsonObject }> => {
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; response: JsonObject }>();
    const sent = request(
      {
        host: '127.0.0.1',
        port: ready.port,
        path: `/${secret}${path}?timeout=10s`,
        method: 'POST',
        servername: 'sealward.sealward-system.svc',
        ca: authority().cert,
        agent: false,
        headers: { 'content-type': 'application/json' },
      },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, response: ((JSON.parse(text) as JsonObject)['response'] ?? {}) as JsonObject }));
      },
    );
    sent.on('error', reject);
    sent.end(JSON.stringify(body));
    return promise;
  };
  const validate = async (image: string, more: JsonObject = {}): Promise<JsonObject> => (await ask('/validate', reviewOf(pod(image), more))).response;
  const says = ({ status }: JsonObject): string => ((status as JsonObject | undefined)?.['message'] ?? '') as string;
  const operations = (path: string): Promise<{ readonly status: number; readonly text: string }> => {
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
    get({ host: '127.0.0.1', port: ready.operationsPort, path, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
    }).on('error', reject);
    return promise;
  };

  before(async () => {
    shop = await openTrustedShop(workshop);
    workshop.file(
      'admission.yaml',
      `listen: 127.0.0.1:0
operations: 127.0.0.1:0
tls: { selfMade: { folder: authority, names: [sealward.sealward-system.svc] } }
caller: { proof: path-secret }
trust: { from: published, memory: memory, every: 1s }
evidence: evidence
decisions: { folder: decisions, mode: strict, share: 0s }
cluster: story
exemptNamespaces: [kube-system]
drain: 0s
`,
    );
    await start();
  });
  after(async () => {
    await running.stop('SIGKILL');
    await shop.registry.stop();
    workshop.remove();
  });

  it('comes up by itself: certificate, path, trust', async () => {
    await running.line(({ msg }) => msg === 'trust moved');
    assert.deepEqual(await operations('/readyz'), { status: 200, text: 'ok\n' });
    assert.equal((await ask('/validate', reviewOf(pod('x')), 'f'.repeat(64))).status, 401);
    assert.equal((await workshop.sealward(['verify', '--trust-url', published, shop.images.signed.tagged])).code, 0);
  });

  it('pins the tag of the signed image, lets it in, and refuses the other in a sentence', async () => {
    const { response } = await ask('/mutate', reviewOf(pod(shop.images.signed.tagged)));
    const patch = JSON.parse(Buffer.from(response['patch'] as string, 'base64').toString()) as { readonly value: string }[];
    const pinned = patch[1]?.value ?? '';
    assert.ok(pinned.startsWith(`${shop.images.signed.tagged}@sha256:`));
    const yes = await validate(pinned);
    assert.equal(yes['allowed'], true, says(yes));
    leaves['allowed'] = (yes['auditAnnotations'] as JsonObject)['decision'] as string;
    const unpinned = await validate(shop.images.signed.tagged);
    assert.match(says(unpinned), new RegExp(`Write "${pinned}"`));
    const no = await validate(shop.images.unsigned.byDigest);
    assert.equal(no['allowed'], false);
    assert.match(says(no), /the policy shop|shop/);
    leaves['refused'] = (no['auditAnnotations'] as JsonObject)['decision'] as string;
  });

  it('goes on without the registry, also after a new start', async () => {
    await shop.registry.stop();
    assert.equal((await validate(shop.images.signed.byDigest))['allowed'], true);
    assert.equal(await running.stop(), 0);
    await start();
    await running.line(({ msg }) => msg === 'trust moved');
    assert.equal((await validate(shop.images.signed.byDigest))['allowed'], true);
    const unknown = await validate(`${shop.registry.host}/shop/signed@sha256:${'a'.repeat(64)}`);
    assert.deepEqual([unknown['allowed'], (unknown['status'] as JsonObject)['code']], [false, 503]);
  });

  it('reads no file of its machine for a Pod that names one as its image', async () => {
    const named = await validate(`oci:${workshop.path('published')}@sha256:${'a'.repeat(64)}`);
    assert.equal(named['allowed'], false);
    assert.doesNotMatch(says(named), /ENOENT|index\.json/);
  });

  it('refuses at once what was signed with a key that is revoked now; an update without another image goes on', async () => {
    cpSync(published, workshop.path('trust-then'), { recursive: true });
    const movedSoFar = (): number => running.lines.filter(({ msg }) => msg === 'trust moved').length;
    const before = movedSoFar();
    await shop.trust('key', 'revoke', 'release/1', '--all', '--reason', 'stolen');
    await shop.trust('publish', published);
    await running.line(() => movedSoFar() > before);
    const no = await validate(shop.images.signed.byDigest);
    assert.equal(no['allowed'], false);
    assert.match(says(no), /stolen|revoked/);
    assert.equal((await validate(shop.images.signed.byDigest, { operation: 'UPDATE', oldObject: pod(shop.images.signed.byDigest) }))['allowed'], true);
  });

  it('shows numbers without names of strangers, and tells no secret anywhere', async () => {
    const { text } = await operations('/metrics');
    assert.match(text, /^sealward_admission_decisions_total\{outcome="allowed",code="VERIFIED",policy="shop"\} 1$/m);
    // The registry is gone, so nobody can say whether somebody else signed it, too.
    assert.match(text, /^sealward_admission_decisions_total\{outcome="unverifiable",code="ERR_REGISTRY_[A-Z]+",policy="shop"\} \d$/m);
    assert.match(text, /^sealward_trust_age_seconds \d/m);
    assert.match(text, /^sealward_admission_certificate_left_seconds \d{5,}/m);
    assert.match(text, new RegExp(`^sealward_registry_requests_total\\{host="${shop.registry.host}",status="none"\\} \\d+$`, 'm'));
    const everything = text + JSON.stringify(running.lines);
    assert.equal(everything.includes(authority().secret), false);
  });

  it('leaves a log that others verify, and decisions that are made again from it', async () => {
    assert.equal(await running.stop(), 0);
    const vkey = workshop.path('decisions/agent.vkey');
    const log = workshop.path('decisions/log');
    const verified = await shop.must(['log', 'verify', '--log-key', vkey, '--decisions', '-o', 'text', log]);
    assert.match(verified.stdout, /verified/);
    const replay = (...more: readonly string[]): Promise<CliResult> =>
      workshop.sealward(['replay', '-o', 'text', '--log-key', vkey, '--evidence', workshop.path('evidence'), ...more, log]);
    await shop.must(['evidence', 'prune', '--evidence', workshop.path('evidence'), '--max-size', '1']);
    const then = await replay('--index', leaves['allowed'] ?? '', '--trust', workshop.path('trust-then'));
    assert.deepEqual([then.code, then.stdout.slice(0, 23)], [0, 'the same, byte for byte'], then.stdout + then.stderr);
    // The trust of now is not that of then.
    const now = await replay('--index', leaves['allowed'] ?? '', '--trust', published);
    assert.deepEqual([now.code, /the trust state is another/.test(now.stdout)], [1, true], now.stdout + now.stderr);
    assert.equal((await replay('--index', '0', '--trust', published)).code, 2, 'the first leaf says that the agent began');
    assert.match((await replay('--trust', published)).stderr, /--index and --log-key belong together/);
  });

  it('a second one does not write into the same log, and says so', async () => {
    await start();
    const second = new WebhookProcess(workshop.path('admission.yaml'), workshop.environment);
    assert.equal(await second.ended(), 4);
    assert.ok(
      second.lines.some(({ msg }) => /ERR_JOURNAL_IN_USE/.test(JSON.stringify(msg))),
      JSON.stringify(second.lines),
    );
  });

  it('says what is wrong with a configuration, and does not begin', async () => {
    const wrong = workshop.file('wrong.yaml', readFileSync(workshop.path('admission.yaml'), 'utf8').replace('drain: 0s', 'drain: forever\nfailOpen: true'));
    const checked = new WebhookProcess(wrong, workshop.environment);
    assert.equal(await checked.ended(), 2);
    const said = JSON.stringify(checked.lines);
    assert.match(said, /drain must be a time with its unit/);
    assert.match(said, /failOpen is not known/);
  });
});
