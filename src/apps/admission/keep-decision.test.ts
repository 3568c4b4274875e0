/** Decisions on the disk, from the API server's question to a leaf from which they are made again. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it, type TestContext } from 'node:test';
import { Cluster, POLICY } from '../../../test/agents.ts';
import { IMAGE_DIGEST, judgeOf, letIn, pod, reviewOf, startWebhook } from '../../../test/admission.ts';
import { FolderStore } from '../../clients/evidence/index.ts';
import type { DecisionLeaf } from '../../clients/journal/index.ts';
import type { JsonObject } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { openDecisions, type OpenDecisions } from './open-decisions.ts';

type Decided = Extract<DecisionLeaf, { readonly kind: 'decision' }>;

const failed = (): void => undefined;

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-decisions-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function leavesOf({ log }: OpenDecisions): Promise<Decided[]> {
  await log.journal.sign();
  const decided: Decided[] = [];
  for await (const { leaf } of log.read()) if (leaf.kind === 'decision') decided.push(leaf);
  return decided;
}

let cluster: Cluster;
/** Within each group: at the top of a file they would hold for the tests of every other file as well. */
function eachAnew(): void {
  beforeEach(async () => {
    cluster = await Cluster.start();
  });
  afterEach(() => cluster.close());
}

async function open(t: TestContext, mode: 'strict' | 'async' = 'strict'): Promise<OpenDecisions & { readonly folder: string }> {
  const folder = newFolder(t);
  const decisions = await openDecisions({ folder, mode, shareMs: 60_000, cluster: 'test', failed });
  t.after(() => decisions.log.close());
  return { ...decisions, folder };
}

describe('decisions that are kept', () => {
  eachAnew();

  it('name who asked, what was said and the record of the judge; the answer names the leaf', async (t) => {
    const [signed, unsigned] = [await cluster.push(), await cluster.push()];
    await cluster.sign(signed);
    const agent = await cluster.started({ store: new FolderStore(newFolder(t)) });
    const decisions = await open(t);
    const webhook = await startWebhook(t, agent, { log: { decisions: decisions.log, mode: 'strict' } });
    const yes = await webhook.ask(reviewOf(pod(signed.pinned)));
    const no = await webhook.ask(reviewOf(pod(unsigned.pinned)));
    assert.deepEqual([yes.response['allowed'], no.response['allowed']], [true, false]);
    const [first, second] = await leavesOf(decisions);
    assert.deepEqual([first?.outcome, second?.outcome], ['allow', 'deny']);
    const { review, image, record, answer } = (first as Decided).decision as { review: JsonObject; image: string; record: JsonObject; answer: JsonObject };
    assert.deepEqual(review, {
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      operation: 'CREATE',
      kind: '/Pod',
      subresource: '',
      namespace: 'shop',
      name: 'web',
      user: 'ann',
    });
    assert.deepEqual(
      [image, answer['allowed'], record['trust'], record['policies']],
      [signed.pinned, true, { digest: agent.inForce()?.trust.digest, versions: { ...agent.inForce()?.trust.versions } }, agent.inForce()?.policies.digest],
    );
    // Behind the leaf that says that the agent began.
    assert.deepEqual(
      [yes, no].map(({ response }) => (response['auditAnnotations'] as JsonObject)['decision']),
      ['1', '2'],
    );
  });

  it('identical allowances share a leaf; denials never do', async (t) => {
    const [signed, unsigned] = [await cluster.push(), await cluster.push()];
    await cluster.sign(signed);
    const decisions = await open(t);
    const webhook = await startWebhook(t, await cluster.started(), { log: { decisions: decisions.log, mode: 'strict' } });
    for (let i = 0; i < 3; i++) {
      await webhook.ask(reviewOf(pod(signed.pinned)));
      await webhook.ask(reviewOf(pod(unsigned.pinned)));
      await webhook.ask(reviewOf(pod(signed.pinned), { namespace: 'other' }));
    }
    assert.deepEqual((await leavesOf(decisions)).map(({ outcome }) => outcome).sort(), ['allow', 'allow', 'deny', 'deny', 'deny']);
  });

  it('a dry run, a pin and an update that changes no image leave nothing behind', async (t) => {
    const signed = await cluster.push();
    await cluster.sign(signed);
    const decisions = await open(t);
    const webhook = await startWebhook(t, await cluster.started(), { log: { decisions: decisions.log, mode: 'strict' } });
    const dry = await webhook.ask(reviewOf(pod(signed.pinned), { dryRun: true }));
    assert.deepEqual([dry.response['allowed'], (dry.response['auditAnnotations'] as JsonObject)['decision']], [true, undefined]);
    await webhook.ask(reviewOf(pod(signed.tagged)), { path: '/mutate' });
    await webhook.ask(reviewOf(pod(signed.pinned), { operation: 'UPDATE', oldObject: pod(signed.pinned) }));
    assert.deepEqual(await leavesOf(decisions), []);
  });

  it('what cannot be read, and what policies let in although it could not be judged, are decisions, too', async (t) => {
    const decisions = await open(t);
    const judge = judgeOf((image) =>
      image.includes('/open')
        ? { ...letIn(image), outcome: 'inconclusive' }
        : { ...letIn(image), action: 'deny', outcome: 'inconclusive', error: new SealwardError('ERR_DEADLINE', 'late') },
    );
    const webhook = await startWebhook(t, judge, { log: { decisions: decisions.log, mode: 'strict' } });
    await webhook.ask(reviewOf({ spec: { containers: [] } }));
    await webhook.ask(reviewOf(pod(`r.example/open@${IMAGE_DIGEST}`)));
    await webhook.ask(reviewOf(pod(`r.example/late@${IMAGE_DIGEST}`)));
    assert.deepEqual(
      (await leavesOf(decisions)).map(({ outcome, decision }) => [outcome, (decision['answer'] as JsonObject)['code']]),
      [
        ['deny', 'ERR_IMAGES_UNREADABLE'],
        ['override', 'VERIFIED'],
        ['error', 'VERIFIED'],
      ],
    );
  });

  it('so is what nobody could judge for want of trust, each image and each time', async (t) => {
    const decisions = await open(t);
    const webhook = await startWebhook(t, { ...judgeOf(letIn), inForce: () => undefined }, { log: { decisions: decisions.log, mode: 'strict' } });
    const asked = reviewOf(pod('r.example/a:1', 'r.example/b:1', 'r.example/a:1'));
    await webhook.ask(asked, { path: '/mutate' });
    const annotations: unknown[] = [];
    for (let i = 0; i < 2; i++) annotations.push((await webhook.ask(asked)).response['auditAnnotations']);
    assert.deepEqual(annotations, [
      { decision: '1,2', outcome: 'unverifiable' },
      { decision: '3,4', outcome: 'unverifiable' },
    ]);
    const said = (await leavesOf(decisions)).map(({ outcome, decision }) => [outcome, decision['image'], (decision['answer'] as JsonObject)['code']]);
    const both = ['r.example/a:1', 'r.example/b:1'].map((image) => ['error', image, 'ERR_TRUST_MISSING']);
    assert.deepEqual(said, [...both, ...both]);
  });

  it('what runs in a namespace goes on there while nobody answers, and each time it is written down', async (t) => {
    cluster.publish({ 'policy/signed.yaml': POLICY.replace('signatures: release', 'signatures: release\n  onInconclusive: allow-admitted-before') });
    const image = await cluster.push();
    cluster.registry.fault({ path: '', status: 403 });
    const decisions = await open(t);
    const webhook = await startWebhook(t, await cluster.started(), {
      log: { decisions: decisions.log, mode: 'strict' },
      runs: (namespace, digest) => namespace === 'shop' && digest === image.digest,
    });
    const asked = async (namespace: string): Promise<unknown> => (await webhook.ask(reviewOf(pod(image.pinned), { namespace }))).response['allowed'];
    assert.deepEqual([await asked('shop'), await asked('shop'), await asked('other'), await asked('')], [true, true, false, false]);
    assert.deepEqual(
      (await leavesOf(decisions)).map(({ outcome }) => outcome),
      ['override', 'override', 'deny', 'deny'],
    );
  });

  it('strict: what cannot be kept is a denial that says why, whatever was judged', async (t) => {
    const gone = { record: async () => Promise.reject(new SealwardError('ERR_JOURNAL_FAILED', 'ENOSPC: no space left on device')) };
    const webhook = await startWebhook(t, judgeOf(letIn), { log: { decisions: brokenLog(gone.record), mode: 'strict' } });
    const { response } = await webhook.ask(reviewOf(pod(`r.example/a@${IMAGE_DIGEST}`)));
    const status = response['status'] as JsonObject;
    assert.deepEqual([response['allowed'], status['code']], [false, 503]);
    assert.match(status['message'] as string, /cannot be recorded, so nothing is let in: ENOSPC/);
    assert.equal((await webhook.ask(reviewOf(pod(`r.example/a@${IMAGE_DIGEST}`), { dryRun: true }))).response['allowed'], true, 'a dry run keeps nothing');
    assert.deepEqual(await webhook.operations('/healthz'), { status: 503, text: 'the decision log cannot be written\n' });
  });

  it('strict: a disk that does not answer is one that did not keep it', async (t) => {
    const webhook = await startWebhook(t, judgeOf(letIn), { log: { decisions: brokenLog(() => new Promise(() => undefined)), mode: 'strict' } });
    const { response } = await webhook.ask(reviewOf(pod(`r.example/a@${IMAGE_DIGEST}`)), { path: '/validate?timeout=1s' });
    assert.equal(response['allowed'], false);
    assert.match((response['status'] as JsonObject)['message'] as string, /the disk did not answer in time/);
  });

  it('async: the answer goes on, and the loss is said and counted', async (t) => {
    const gone = async (): Promise<never> => Promise.reject(new SealwardError('ERR_JOURNAL_FAILED', 'ENOSPC'));
    const webhook = await startWebhook(t, judgeOf(letIn), { log: { decisions: brokenLog(gone), mode: 'async' } });
    assert.equal((await webhook.ask(reviewOf(pod(`r.example/a@${IMAGE_DIGEST}`)))).response['allowed'], true);
    assert.ok(webhook.logged.some(({ msg }) => msg === 'a decision was not recorded'));
    assert.match((await webhook.operations('/metrics')).text, /refused_requests_total\{code="ERR_DECISION_UNKEPT"\} 1/);
    assert.equal((await webhook.operations('/healthz')).status, 200);
  });

  it('names as long as they may be fit into a leaf', async (t) => {
    const decisions = await open(t);
    const webhook = await startWebhook(
      t,
      judgeOf((image) => ({ ...letIn(image), action: 'deny', outcome: 'rejected', message: '\u0001'.repeat(5000) })),
      {
        log: { decisions: decisions.log, mode: 'strict' },
      },
    );
    const long = '\u0001'.repeat(100_000);
    await webhook.ask(reviewOf(pod(long), { name: long, namespace: long, userInfo: { username: long } }));
    assert.equal((await leavesOf(decisions)).length, 1);
  });
});

type Log = OpenDecisions['log'];

function brokenLog(record: () => Promise<never>): Log {
  return { record, repeat: () => undefined, lost: 0, journal: { failure: new SealwardError('ERR_JOURNAL_FAILED', 'ENOSPC') } } as unknown as Log;
}

describe('the log of decisions', () => {
  eachAnew();

  it('has a name and a key of its own, and goes on under them', async (t) => {
    const folder = newFolder(t);
    const first = await openDecisions({ folder, mode: 'strict', shareMs: 0, cluster: 'eu-1', failed });
    await first.log.close();
    assert.match(first.origin, /^eu-1\/admission\/[0-9a-f]{16}$/);
    assert.deepEqual(readdirSync(folder).sort(), ['agent.json', 'agent.vkey', 'log']);
    const again = await openDecisions({ folder, mode: 'async', shareMs: 0, cluster: 'renamed', failed });
    await again.log.close();
    assert.deepEqual([again.origin, again.verifierKey], [first.origin, first.verifierKey]);
    const other = await openDecisions({ folder: newFolder(t), mode: 'strict', shareMs: 0, cluster: 'eu-1', failed });
    await other.log.close();
    assert.notEqual(other.origin, first.origin);
  });

  it('whose name was lost is not begun anew over what is there', async (t) => {
    const folder = newFolder(t);
    const first = await openDecisions({ folder, mode: 'strict', shareMs: 0, cluster: 'eu-1', failed });
    await first.log.close();
    rmSync(join(folder, 'agent.json'));
    await assert.rejects(openDecisions({ folder, mode: 'strict', shareMs: 0, cluster: 'eu-1', failed }), { code: 'ERR_STATE_INVALID' });
  });

  it('that is gone is not begun anew under its name: two trees would be signed with one key', async (t) => {
    const folder = newFolder(t);
    const first = await openDecisions({ folder, mode: 'strict', shareMs: 0, cluster: 'eu-1', failed });
    await first.log.close();
    rmSync(join(folder, 'log'), { recursive: true });
    const again = openDecisions({ folder, mode: 'strict', shareMs: 0, cluster: 'eu-1', failed });
    await assert.rejects(again, { code: 'ERR_STATE_INVALID', message: /is gone, but for its name and key/ });
    mkdirSync(join(folder, 'log'));
    await assert.rejects(openDecisions({ folder, mode: 'strict', shareMs: 0, cluster: 'eu-1', failed }), { code: 'ERR_STATE_INVALID' });
  });

  it('that was cut off while it was begun is begun by the next start, wherever that was', async (t) => {
    const whole = newFolder(t);
    const first = await openDecisions({ folder: whole, mode: 'strict', shareMs: 0, cluster: 'eu-1', failed });
    await first.log.close();
    for (const done of [['agent.json'], ['agent.json', 'log/lock.db'], ['agent.json', 'log/lock.db', 'log/signed.jsonl']]) {
      const folder = newFolder(t);
      for (const file of done) cpSync(join(whole, file), join(folder, file), { recursive: true });
      if (done.length === 2) writeFileSync(join(folder, 'log/signed.jsonl.new'), '');
      // Before anything was signed, as the first start leaves it.
      if (done.length === 3)
        writeFileSync(join(folder, 'log/signed.jsonl'), `${JSON.stringify({ record: 'checkpoints signed', origin: first.origin, version: 1 })}\n`);
      const { log, origin } = await openDecisions({ folder, mode: 'strict', shareMs: 0, cluster: 'eu-1', failed });
      await log.close();
      assert.deepEqual([origin, readdirSync(folder).includes('agent.vkey')], [first.origin, true], done.join(' '));
    }
  });

  it('whose name cannot be read says which file', async (t) => {
    const folder = newFolder(t);
    mkdirSync(join(folder, 'agent.json'));
    await assert.rejects(openDecisions({ folder, mode: 'strict', shareMs: 0, cluster: 'eu-1', failed }), {
      code: 'ERR_FILE_UNREADABLE',
      message: `the identity of the decision log in ${join(folder, 'agent.json')} cannot be read: EISDIR`,
    });
  });
});
