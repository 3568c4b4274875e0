/** Transport: who calls, what is taken and how much of it, certificates that change under open connections, and an end that loses nothing. */
import assert from 'node:assert/strict';
import { Agent } from 'node:https';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { LIMITS, utf8, type JsonObject } from '../../core/encoding/index.ts';
import { createTlsAuthority } from '../../testing/index.ts';
import { serveReviews } from './serve.ts';
import { API_SERVER, ask, type AskOptions, IMAGE_DIGEST, judgeOf, letIn, pod, reviewOf, startWebhook, TLS } from '../../../test/admission.ts';

const GOOD = `r.example/good:1@${IMAGE_DIGEST}`;
const SECRET = 'f'.repeat(64);
const MTLS = { kind: 'mtls', names: ['kube-apiserver'] } as const;
const codeOf = (text: string): unknown => (JSON.parse(text) as JsonObject)['code'];
/** A body that would be found out, if anybody looked at it. */
const JUNK = utf8('no JSON at all');

describe('who calls', () => {
  it('mtls: the certificate of the API server, by authority and by name', async (t) => {
    const judge = judgeOf(letIn);
    const webhook = await startWebhook(t, judge, { caller: MTLS });
    const strangers = [undefined, TLS.issue('kubelet'), createTlsAuthority('another').issue('kube-apiserver')];
    for (const client of strangers) {
      const { status, text } = await webhook.ask(JUNK, client ? { client } : {});
      assert.deepEqual([status, codeOf(text)], [401, 'ERR_CALLER_UNPROVEN']);
    }
    assert.equal((await webhook.ask(reviewOf(pod(GOOD)), { client: API_SERVER })).response['allowed'], true);
    assert.equal((await webhook.ask(reviewOf(pod(GOOD)), { client: TLS.issue('other', 'kube-apiserver') })).response['allowed'], true, 'or by a further name');
    assert.equal(judge.asked.length, 2, 'for strangers nobody was asked');
    const { clientAuthorities: _none, ...certificate } = { ...TLS.issue('localhost'), clientAuthorities: TLS.ca };
    for (const one of [certificate, { ...certificate, clientAuthorities: '' }])
      await assert.rejects(startWebhook(t, judge, { caller: MTLS, certificate: one }), { code: 'ERR_INVARIANT' }, 'an empty list would be all public ones');
  });

  it('path-secret: whoever knows the path, while it is rotated by either', async (t) => {
    const judge = judgeOf(letIn);
    let secrets = [SECRET];
    const webhook = await startWebhook(t, judge, { caller: { kind: 'path-secret', secrets: () => secrets } });
    for (const path of [
      '/validate',
      '/',
      `/${'e'.repeat(64)}/validate`,
      `/${SECRET.toUpperCase()}/validate`,
      `//${SECRET}/validate`,
      `/${SECRET}/x/validate`,
    ]) {
      const { status, text } = await webhook.ask(JUNK, { path: `${path}?timeout=10s` });
      assert.deepEqual([status, codeOf(text)], [401, 'ERR_CALLER_UNPROVEN'], path);
    }
    assert.equal(judge.asked.length, 0);
    const paths = [SECRET, 'd'.repeat(64)].map((secret) => `/${secret}/validate?timeout=10s`);
    const allowed = async (): Promise<unknown[]> => Promise.all(paths.map(async (path) => (await webhook.ask(reviewOf(pod(GOOD)), { path })).status));
    assert.deepEqual(await allowed(), [200, 401]);
    secrets = ['d'.repeat(64), SECRET];
    assert.deepEqual(await allowed(), [200, 200]);
    secrets = ['d'.repeat(64)];
    assert.deepEqual(await allowed(), [401, 200]);
    secrets = [];
    assert.deepEqual(await allowed(), [401, 401]);
    const said = JSON.stringify(webhook.logged) + (await webhook.operations('/metrics')).text;
    assert.equal(said.includes(SECRET) || said.includes('dddddddd'), false, 'the path is told to nobody');
  });

  it('network: everybody, and it is said as long as it is so', async (t) => {
    const open = await startWebhook(t, judgeOf(letIn));
    assert.equal((await open.ask(reviewOf(pod(GOOD)))).status, 200);
    assert.match((await open.operations('/metrics')).text, /^sealward_admission_callers_unproven 1$/m);
    assert.ok(open.logged.some(({ level, msg }) => level === 40 && /nothing but the network says who calls/.test(JSON.stringify(msg))));
    const proven = await startWebhook(t, judgeOf(letIn), { caller: MTLS });
    assert.match((await proven.operations('/metrics')).text, /^sealward_admission_callers_unproven 0$/m);
  });

  it('an unproven caller gets no 100-continue', async (t) => {
    const webhook = await startWebhook(t, judgeOf(letIn), { caller: MTLS });
    const said = await speak(
      webhook.admission.port,
      'POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n',
    );
    assert.match(said, /^HTTP\/1\.1 401 /);
  });
});

/** Speaks by hand, and hears until the other side hangs up. */
async function speak(port: number, text: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca: TLS.ca });
  await once(socket, 'secureConnect');
  socket.write(text);
  return heard(socket);
}

async function heard(socket: TLSSocket): Promise<string> {
  let said = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  socket.on('error', () => undefined);
  await once(socket, 'close');
  return said;
}

describe('what is taken', () => {
  const refusals: readonly (readonly [what: string, body: JsonObject | Uint8Array, options: AskOptions, status: number, code: string])[] = [
    ['another path', reviewOf(pod(GOOD)), { path: '/other' }, 404, 'ERR_NOT_FOUND'],
    ['another method', reviewOf(pod(GOOD)), { method: 'PUT' }, 405, 'ERR_METHOD_NOT_ALLOWED'],
    ['another type', reviewOf(pod(GOOD)), { headers: { 'content-type': 'text/plain' } }, 415, 'ERR_CONTENT_TYPE'],
    ['a compressed body', reviewOf(pod(GOOD)), { headers: { 'content-encoding': 'gzip' } }, 415, 'ERR_CONTENT_TYPE'],
    ['no JSON', JUNK, {}, 400, 'ERR_JSON_INVALID'],
    ['nothing', new Uint8Array(), {}, 400, 'ERR_JSON_INVALID'],
    ['JSON that is no review', { hello: 'world' }, {}, 400, 'ERR_REVIEW_INVALID'],
    ['an answer', { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid: 'x', allowed: true } }, {}, 400, 'ERR_REVIEW_INVALID'],
    ['an older review', { ...reviewOf(pod(GOOD)), apiVersion: 'admission.k8s.io/v1beta1' }, {}, 400, 'ERR_REVIEW_INVALID'],
    ['one byte too many', new Uint8Array(LIMITS.admissionReviewBytes + 1), {}, 413, 'ERR_TOO_LARGE'],
  ];
  for (const [what, body, options, status, code] of refusals) {
    it(`${what} is refused with ${code}`, async (t) => {
      const judge = judgeOf(letIn);
      const webhook = await startWebhook(t, judge);
      const answer = await webhook.ask(body, options);
      assert.deepEqual([answer.status, codeOf(answer.text)], [status, code]);
      assert.equal(answer.text.includes('"allowed"'), false);
      assert.equal(judge.asked.length, 0);
      assert.match((await webhook.operations('/metrics')).text, new RegExp(`sealward_admission_refused_requests_total\\{code="${code}"\\} 1`));
    });
  }

  it('a body without a length is counted while it arrives', async (t) => {
    const webhook = await startWebhook(t, judgeOf(letIn));
    const socket = connect({ host: '127.0.0.1', port: webhook.admission.port, servername: 'localhost', ca: TLS.ca });
    await once(socket, 'secureConnect');
    const answer = heard(socket);
    socket.write('POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n');
    const chunk = `${(1024 * 1024).toString(16)}\r\n${' '.repeat(1024 * 1024)}\r\n`;
    for (let i = 0; i < 9; i++) socket.write(chunk);
    assert.match(await answer, /^HTTP\/1\.1 413 /);
  });

  it('a body that does not come is given up, and memory with it', async (t) => {
    const webhook = await startWebhook(t, judgeOf(letIn));
    const answer = await speak(
      webhook.admission.port,
      'POST /validate?timeout=1s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a":',
    );
    assert.match(answer, /^HTTP\/1\.1 503 [^]*ERR_DEADLINE/);
  });

  it('more bytes at one time than memory is set aside for are refused, and the next review is answered', async (t) => {
    const webhook = await startWebhook(t, judgeOf(letIn), { limits: { bufferedBytes: 4096, connections: 100, threads: 0 } });
    const large = reviewOf({ ...pod(GOOD), metadata: { annotations: { big: 'x'.repeat(5000) } } });
    const answer = await webhook.ask(large);
    assert.deepEqual([answer.status, codeOf(answer.text)], [503, 'ERR_SERVICE_UNAVAILABLE']);
    for (let i = 0; i < 20; i++) assert.equal((await webhook.ask(reviewOf(pod(GOOD)))).response['allowed'], true);
  });

  it('whatever the bytes are, the process answers, and lets nothing in', async (t) => {
    const judge = judgeOf(letIn);
    const webhook = await startWebhook(t, judge);
    const whole = JSON.stringify(reviewOf(pod(GOOD)));
    const agent = new Agent({ keepAlive: true });
    t.after(() => agent.destroy());
    const cut = fc.tuple(fc.nat(whole.length - 1), fc.string()).map(([at, junk]) => utf8(whole.slice(0, at) + junk));
    const replaced = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 })).map(([at, byte]) => utf8(whole).with(at, byte));
    const json = fc.json().map((text) => utf8(text));
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 200 }), cut, json), async (bytes) => {
        const { status, text } = await webhook.ask(bytes, { agent });
        assert.ok(status >= 400 && status < 500, `${status}`);
        assert.equal(text.includes('"allowed":true'), false);
      }),
      { numRuns: 150 },
    );
    // A byte more or less in a name is another image, which the judge lets in; everything else is refused or echoes what was sent.
    await fc.assert(
      fc.asyncProperty(replaced, async (bytes) => {
        const { status, response } = await webhook.ask(bytes, { agent });
        assert.ok([200, 400].includes(status), `${status}`);
        if (status === 200 && response['allowed'] === true) assert.ok(Buffer.from(bytes).includes(response['uid'] as string));
      }),
      { numRuns: 150 },
    );
  });

  it('members of a review that are missing, null or of another type never let anything in', async (t) => {
    const webhook = await startWebhook(
      t,
      judgeOf((image) => ({ ...letIn(image), action: 'deny', outcome: 'rejected', code: 'NO_SIGNATURE' })),
    );
    const agent = new Agent({ keepAlive: true });
    t.after(() => agent.destroy());
    const review = reviewOf(pod(GOOD), { operation: 'UPDATE', oldObject: pod(`r.example/old@${IMAGE_DIGEST}`) });
    const request = review['request'] as JsonObject;
    for (const member of ['uid', 'kind', 'operation', 'object', 'oldObject', 'userInfo', 'namespace', 'name', 'dryRun', 'subResource']) {
      for (const value of [undefined, null, 0, 'x', [], {}, true, [[]]]) {
        const { [member]: _without, ...rest } = request;
        const changed = { ...review, request: value === undefined ? rest : { ...rest, [member]: value } } as JsonObject;
        const { response } = await webhook.ask(changed, { agent });
        // Of an operation, kind or object that changes nothing nobody has to be asked; of these none is one.
        assert.notEqual(response['allowed'], true, `${member} ${JSON.stringify(value)}`);
      }
    }
  });
});

describe('connections', () => {
  it('one is kept for 120 seconds and longer, and serves one review after the other', async (t) => {
    const webhook = await startWebhook(t, judgeOf(letIn));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    const first = await webhook.ask(reviewOf(pod(GOOD)), { agent });
    assert.equal(first.headers['connection'], 'keep-alive');
    assert.ok(Number(/timeout=(\d+)/.exec(String(first.headers['keep-alive']))?.[1]) >= 119);
    await webhook.ask(reviewOf(pod(GOOD)), { agent });
    assert.equal(Object.values(agent.freeSockets).flat().length, 1);
  });

  it('another certificate counts for new connections, and breaks no open one', async (t) => {
    const webhook = await startWebhook(t, judgeOf(letIn));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    const serial = async (): Promise<string> => {
      const socket = connect({ host: '127.0.0.1', port: webhook.admission.port, servername: 'localhost', ca: TLS.ca });
      await once(socket, 'secureConnect');
      const { serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      return serialNumber;
    };
    await webhook.ask(reviewOf(pod(GOOD)), { agent });
    const [open] = Object.values(agent.freeSockets).flat();
    const before = await serial();
    webhook.admission.renew(TLS.issue('localhost'));
    assert.notEqual(await serial(), before);
    assert.equal((await webhook.ask(reviewOf(pod(GOOD)), { agent })).status, 200);
    assert.equal(Object.values(agent.freeSockets).flat()[0], open, 'over the same connection');
  });

  it('told to end, it is not ready, answers what comes, asks to close, and then is gone', async (t) => {
    let answer = (): void => undefined;
    const judge = judgeOf(async (image) => {
      if (image.includes('slow')) await new Promise<void>((resolve) => (answer = resolve));
      return letIn(image);
    });
    const webhook = await startWebhook(t, judge, { drainMs: 2000 });
    const agent = new Agent({ keepAlive: true });
    t.after(() => agent.destroy());
    assert.equal((await webhook.operations('/readyz')).status, 200);
    await webhook.ask(reviewOf(pod(GOOD)), { agent });
    const slow = webhook.ask(reviewOf(pod(`r.example/slow@${IMAGE_DIGEST}`)));
    while (judge.asked.length < 2) await new Promise((resolve) => setImmediate(resolve));
    const closed = webhook.admission.close();
    assert.deepEqual(await webhook.operations('/readyz'), { status: 503, text: 'the process is ending\n' });
    const late = await webhook.ask(reviewOf(pod(GOOD)), { agent });
    assert.deepEqual([late.response['allowed'], late.headers['connection']], [true, 'close']);
    answer();
    assert.equal((await slow).response['allowed'], true);
    await closed;
    await assert.rejects(webhook.ask(reviewOf(pod(GOOD))), { code: 'ECONNREFUSED' });
  });
});

describe('connections of strangers (CVE-2023-42813: slow and endless requests)', () => {
  const slow: readonly (readonly [what: string, first: string])[] = [
    ['says nothing', ''],
    ['never ends its head', 'POST /validate HTTP/1.1\r\nHost: x\r\nX-Slow: '],
  ];
  for (const [what, first] of slow) {
    it(`one that ${what} is closed; one that has proven itself is not`, async (t) => {
      const server = await serveReviews({
        host: '127.0.0.1',
        port: 0,
        certificate: TLS.issue('localhost'),
        caller: { kind: 'network' },
        marginMs: 500,
        bufferedBytes: 1_000_000,
        connections: 10,
        proofMs: 500,
        answer: async () => '{}',
        refused: () => undefined,
      });
      const agent = new Agent({ keepAlive: true });
      t.after(async () => {
        agent.destroy();
        await server.close();
      });
      await ask(server.port, {}, { agent });
      const socket = connect({ host: '127.0.0.1', port: server.port, servername: 'localhost', ca: TLS.ca });
      await once(socket, 'secureConnect');
      const closed = heard(socket);
      if (first !== '') socket.write(first);
      assert.equal(await closed, '');
      assert.equal(Object.values(agent.freeSockets).flat().length, 1, 'the other one still stands');
    });
  }
});

describe('the port of operations', () => {
  it('tells health, readiness and numbers, and nothing else', async (t) => {
    const webhook = await startWebhook(t, judgeOf(letIn));
    await webhook.ask(reviewOf(pod(GOOD)));
    assert.deepEqual(await webhook.operations('/healthz'), { status: 200, text: 'ok\n' });
    assert.deepEqual(await webhook.operations('/readyz?verbose'), { status: 200, text: 'ok\n' });
    assert.equal((await webhook.operations('/validate')).status, 404);
    const { text } = await webhook.operations('/metrics');
    assert.match(text, /^sealward_admission_reviews_total\{path="validate",outcome="allowed"\} 1$/m);
    assert.match(text, /^sealward_admission_decisions_total\{outcome="allowed",code="VERIFIED",policy="none"\} 1$/m);
    assert.match(text, /^sealward_admission_review_seconds_count\{stage="whole"\} 1$/m);
  });

  it('shows no number that the reference does not explain', async (t) => {
    const webhook = await startWebhook(t, judgeOf(letIn), {
      log: {
        decisions: { lost: 0, repeat: () => undefined, record: async () => ({ counter: 1, index: 1n, shared: false }), journal: {} as never },
        mode: 'strict',
      },
    });
    const page = readFileSync(new URL('../../../docs/reference/admission.md', import.meta.url), 'utf8');
    const { text } = await webhook.operations('/metrics');
    const names = Array.from(text.matchAll(/^# TYPE (\w+)/gm), ([, name]) => name ?? '');
    const source = readFileSync(new URL('open-configured.ts', import.meta.url), 'utf8');
    for (const [name] of source.matchAll(/\bsealward_\w+/g)) names.push(name);
    assert.ok(names.length > 15);
    for (const name of names) assert.ok(page.includes(`\`${name}`), name);
  });

  it('has as many numbers after a flood of names as before (CVE-2026-49835)', async (t) => {
    const webhook = await startWebhook(
      t,
      judgeOf((image) => ({ ...letIn(image), code: image as 'VERIFIED' })),
    );
    const count = async (): Promise<number> => (await webhook.operations('/metrics')).text.split('\n').length;
    await webhook.ask(reviewOf(pod(GOOD)));
    const before = await count();
    for (let i = 0; i < 50; i++) await webhook.ask(reviewOf(pod(`r${i}.example/app@${IMAGE_DIGEST}`), { namespace: `n${i}`, userInfo: { username: `u${i}` } }));
    assert.equal(await count(), before);
  });
});
