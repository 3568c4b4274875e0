/** The webhook is killed in the middle of its work, again and again: what it answered with a leaf is in its log, and it comes up again by itself. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { after, before, it } from 'node:test';
import { openDecisions } from '../../src/apps/admission/open-decisions.ts';
import type { JsonObject } from '../../src/core/encoding/index.ts';
import { pod, reviewOf } from '../admission.ts';
import { WebhookProcess } from '../webhook-process.ts';
import type { StoryRegistry } from './registries.ts';
import { openTrustedShop } from './trusted-shop.ts';
import { Workshop } from './workshop.ts';

/** `npm run torture` does a thousand. */
const KILLS = process.env['SEALWARD_TORTURE'] === undefined ? 3 : 1000;
const LANES = 8;

const workshop = new Workshop();
let registry: StoryRegistry;
const images: string[] = [];

before(async () => {
  const shop = await openTrustedShop(workshop);
  registry = shop.registry;
  images.push(shop.images.signed.byDigest, shop.images.unsigned.byDigest);
  workshop.file(
    'admission.yaml',
    `listen: 127.0.0.1:0
operations: 127.0.0.1:0
tls: { selfMade: { folder: authority, names: [localhost] } }
caller: { proof: network }
trust: { from: published, memory: memory }
evidence: evidence
decisions: { folder: decisions, mode: strict, share: 0s }
drain: 0s
logLevel: info
`,
  );
});
after(async () => {
  await registry.stop();
  workshop.remove();
});

interface Acknowledged {
  readonly uid: string;
  readonly index: string;
  readonly allowed: boolean;
}

/** Asks until the connection breaks. */
async function lane(port: number, ca: string, agent: Agent, told: (one: Acknowledged) => void): Promise<void> {
  for (;;) {
    const uid = crypto.randomUUID();
    const body = JSON.stringify(reviewOf(pod(images[randomInt(images.length)] as string), { uid }));
    const { promise, resolve } = Promise.withResolvers<JsonObject | undefined>();
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        path: '/validate?timeout=10s',
        method: 'POST',
        servername: 'localhost',
        ca,
        agent,
        headers: { 'content-type': 'application/json' },
      },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.on('end', () => resolve((JSON.parse(text) as { readonly response: JsonObject }).response));
        answer.on('error', () => resolve(undefined));
      },
    );
    sent.on('error', () => resolve(undefined));
    sent.end(body);
    const response = await promise;
    if (!response) return;
    assert.equal(response['uid'], uid);
    const { decision } = response['auditAnnotations'] as { readonly decision: string };
    told({ uid, index: decision, allowed: response['allowed'] === true });
  }
}

it(`killed ${KILLS} times under load: nothing that was answered is lost`, async () => {
  const acknowledged: Acknowledged[] = [];
  for (let round = 0; round < KILLS; round++) {
    const webhook = new WebhookProcess(workshop.path('admission.yaml'), workshop.environment);
    const { port } = await webhook.ready();
    await webhook.line(({ msg }) => msg === 'trust moved');
    const { current } = JSON.parse(readFileSync(workshop.path('authority/authority.json'), 'utf8')) as { readonly current: { readonly cert: string } };
    const agent = new Agent({ keepAlive: true });
    const last = acknowledged.length + randomInt(1, 60);
    const told = (one: Acknowledged): void => {
      acknowledged.push(one);
      if (acknowledged.length === last) webhook.child.kill('SIGKILL');
    };
    await Promise.all(Array.from({ length: LANES }, () => lane(port, current.cert, agent, told)));
    agent.destroy();
    await webhook.ended();
  }
  assert.ok(acknowledged.some(({ allowed }) => allowed) && acknowledged.some(({ allowed }) => !allowed));
  const { log } = await openDecisions({ folder: workshop.path('decisions'), mode: 'strict', shareMs: 0, cluster: 'cluster', failed: () => undefined });
  const kept = new Map<string, { readonly uid: string; readonly allowed: boolean }>();
  try {
    await log.journal.sign();
    for await (const { index, leaf } of log.read()) {
      if (leaf.kind !== 'decision') continue;
      const { review, answer } = leaf.decision as { readonly review: { readonly uid: string }; readonly answer: { readonly allowed: boolean } };
      kept.set(index.toString(), { uid: review.uid, allowed: answer.allowed });
    }
  } finally {
    await log.close();
  }
  for (const { index, uid, allowed } of acknowledged) assert.deepEqual(kept.get(index), { uid, allowed }, `leaf ${index}`);
  const verified = await workshop.sealward([
    'log',
    'verify',
    '--log-key',
    workshop.path('decisions/agent.vkey'),
    '--decisions',
    workshop.path('decisions/log'),
  ]);
  assert.equal(verified.code, 0, verified.stdout + verified.stderr);
  const held = await workshop.sealward(['evidence', 'verify', '--evidence', workshop.path('evidence')]);
  assert.equal(held.code, 0, held.stdout + held.stderr);
});
