import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createHttp2, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { HttpClient } from '../http/index.ts';
import { ambientToken, readTokenFile } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'sealward-identity-'));
after(() => rmSync(folder, { recursive: true }));

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

let seen: Seen[] = [];
let answer: { status: number; body: string } = { status: 200, body: '' };
let port = 0;
const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
  request.on('end', () => {
    seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body });
    response.writeHead(answer.status).end(answer.body);
  });
});
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
after(() => void server.close());

function ask(environment: Record<string, string>, provider?: string): ReturnType<typeof ambientToken> {
  seen = [];
  const http = new HttpClient();
  return ambientToken({ environment, audience: 'sigstore', http, deadline: http.clock.now() + 10_000 }, provider);
}

describe('the token of where this runs', () => {
  it('is that of GitHub Actions, asked for with the job’s own token', async () => {
    answer = { status: 200, body: '{"value":"a.b.c","count":1}' };
    const environment = {
      GITHUB_ACTIONS: 'true',
      ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${port}/token?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'of the job',
    };
    assert.deepEqual(await ask(environment), { token: 'a.b.c', provider: 'github' });
    assert.deepEqual([seen[0]?.url, seen[0]?.headers.authorization], ['/token?api-version=2.0&audience=sigstore', 'bearer of the job']);
    answer = { status: 200, body: '{"value":""}' };
    await assert.rejects(ask(environment), { code: 'ERR_TOKEN_MISSING' });
    answer = { status: 403, body: '' };
    await assert.rejects(ask(environment), { code: 'ERR_TOKEN_MISSING' });
    answer = { status: 200, body: 'x'.repeat(2_000_000) };
    await assert.rejects(ask(environment), { code: 'ERR_TOO_LARGE' });
    // A job without `id-token: write` has no such URL: nobody is asked.
    assert.equal(await ask({ GITHUB_ACTIONS: 'true' }, undefined), undefined);
  });

  it('is that of Buildkite', async () => {
    answer = { status: 200, body: '{"token":"a.b.c"}' };
    const environment = { BUILDKITE_AGENT_ACCESS_TOKEN: 'of the agent', BUILDKITE_JOB_ID: 'job/1', BUILDKITE_AGENT_ENDPOINT: `http://127.0.0.1:${port}/v3/` };
    assert.deepEqual(await ask(environment), { token: 'a.b.c', provider: 'buildkite' });
    assert.deepEqual([seen[0]?.method, seen[0]?.url, seen[0]?.body], ['POST', '/v3/jobs/job%2F1/oidc/tokens', '{"audience":"sigstore"}']);
    assert.equal(seen[0]?.headers.authorization, 'Token of the agent');
  });

  it('is that of a machine of Google', async () => {
    answer = { status: 200, body: 'a.b.c\n' };
    assert.deepEqual(await ask({ GCE_METADATA_HOST: `127.0.0.1:${port}` }), { token: 'a.b.c', provider: 'google' });
    assert.match(seen[0]?.url ?? '', /identity\?audience=sigstore&format=full$/);
    assert.equal(seen[0]?.headers['metadata-flavor'], 'Google');
  });

  it('is what GitLab puts into the environment', async () => {
    assert.deepEqual(await ask({ SIGSTORE_ID_TOKEN: 'a.b.c' }), { token: 'a.b.c', provider: 'environment' });
  });

  it('is what the program of CircleCI says, and nothing of its words when it fails', async () => {
    const program = join(folder, 'circleci');
    writeFileSync(program, '#!/bin/sh\n[ "$*" = \'run oidc get --claims {"aud":"sigstore"}\' ] && echo a.b.c || { echo secret >&2; exit 3; }\n');
    chmodSync(program, 0o755);
    const environment = { CIRCLECI: 'true', PATH: `${folder}:/usr/bin:/bin` };
    const before = process.env['PATH'];
    // Node looks the program up in the PATH that it is given.
    assert.deepEqual(await ask(environment), { token: 'a.b.c', provider: 'circleci' });
    assert.equal(process.env['PATH'], before);
    writeFileSync(program, '#!/bin/sh\necho secret >&2; exit 3\n');
    await assert.rejects(ask(environment), (error: Error) => {
      assert.doesNotMatch(error.message, /secret/);
      return (error as { code?: string }).code === 'ERR_TOKEN_MISSING';
    });
  });

  it('is a JWT-SVID of the SPIFFE Workload API', async () => {
    const path = join(folder, 'spiffe.sock');
    let trailer = '0';
    let body = Buffer.from([0x0a, 0x0f, 0x0a, 0x06, ...Buffer.from('spiffe'), 0x12, 0x05, ...Buffer.from('a.b.c')]);
    const asked: unknown[] = [];
    const workloadApi = createHttp2();
    workloadApi.on('stream', (stream: ServerHttp2Stream, headers) => {
      asked.push(headers[':path'], headers['workload.spiffe.io']);
      stream.on('data', (chunk: Buffer) => asked.push(chunk.subarray(5).toString('latin1')));
      stream.on('end', () => {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': trailer }));
        const head = Buffer.alloc(5);
        head.writeUInt32BE(body.length, 1);
        stream.end(Buffer.concat([head, body]));
      });
      stream.resume();
    });
    await new Promise<void>((resolve) => workloadApi.listen(path, resolve));
    try {
      const environment = { SPIFFE_ENDPOINT_SOCKET: `unix://${path}` };
      assert.deepEqual(await ask(environment), { token: 'a.b.c', provider: 'spiffe' });
      assert.deepEqual(asked, ['/SpiffeWorkloadAPI/FetchJWTSVID', 'true', '\n\u0008sigstore']);
      for (const bytes of [[], [0x0a], [0x0a, 0xff, 0xff], [0x0a, 0x02, 0x12, 0x05], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff]]) {
        body = Buffer.from(bytes);
        await assert.rejects(ask(environment), { code: 'ERR_TOKEN_MISSING' });
      }
      trailer = '7';
      await assert.rejects(ask(environment), { code: 'ERR_SERVICE_UNAVAILABLE' });
      await assert.rejects(ask({ SPIFFE_ENDPOINT_SOCKET: 'tcp://127.0.0.1:1' }), { code: 'ERR_TOKEN_MISSING' });
      await assert.rejects(ask({ SPIFFE_ENDPOINT_SOCKET: `unix://${folder}/nothing.sock` }), { code: 'ERR_SERVICE_UNAVAILABLE' });
    } finally {
      workloadApi.close();
    }
  });

  it('is of nobody where nobody gives one, and of the one that is named', async () => {
    assert.equal(await ask({}), undefined);
    await assert.rejects(ask({}, 'jenkins'), { code: 'ERR_USAGE', hint: /github, environment, buildkite/ });
    assert.deepEqual(await ask({ GITHUB_ACTIONS: 'true', SIGSTORE_ID_TOKEN: 'a.b.c' }, 'environment'), { token: 'a.b.c', provider: 'environment' });
  });

  it('may lie in a file, alone', () => {
    writeFileSync(join(folder, 'token'), ' a.b.c\n');
    assert.equal(readTokenFile(join(folder, 'token')), 'a.b.c');
    writeFileSync(join(folder, 'large'), '.'.repeat(16 * 1024 + 1));
    assert.throws(() => readTokenFile(join(folder, 'large')), { code: 'ERR_TOO_LARGE' });
    assert.throws(() => readTokenFile(join(folder, 'missing')), { code: 'ERR_FILE_UNREADABLE' });
  });
});
