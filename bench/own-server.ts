/**
 * A server of one's own, as a process beside what asks it, on the same cores: certificates and timestamps a second, how long
 * one takes, and signing without a key from end to end, with the same server, by cosign 3 and by this project.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { initServer, readServerConfig } from '../src/apps/server/index.ts';
import { encodePublicKeyPem, encodeTimestampRequest, hash, signBytes } from '../src/core/crypto/index.ts';
import { encodeBase64, utf8 } from '../src/core/encoding/index.ts';
import { createTestKey } from '../src/testing/index.ts';
import { freePort, tokenRequest, WORKLOAD } from '../test/own-server.ts';
import { peerPath } from '../test/peers.ts';
import { pushImage, startMemoryRegistry } from '../test/stories/registries.ts';
import { Workshop } from '../test/stories/workshop.ts';
import { repositoryRoot } from '../test/vectors.ts';
import { median } from './interleaved.ts';
import { type Program, runProgram } from './one-run.ts';
import { type Server, startServer } from './server-process.ts';
import type { Row } from './table.ts';

/** So many ask at once, when the server is asked for all that it can give. */
const CLIENTS = 16;
/** Half of the round trip that is added. */
const ONE_WAY_MS = 10;
/** Of cosign's time: not slower. */
const GOAL = 1;

interface BenchServer {
  readonly url: string;
  readonly folder: string;
  readonly trustedRoot: string;
  readonly signingConfig: string;
  token(): Promise<string>;
  stop(): Promise<void>;
}

async function startBenchServer(program: readonly string[]): Promise<BenchServer> {
  const home = mkdtempSync(join(tmpdir(), 'sealward-bench-server-'));
  const folder = join(home, 'sigstore');
  const [port, operations] = [await freePort(), await freePort()];
  const url = `http://localhost:${port}`;
  const made = await initServer({
    folder,
    url,
    listen: `127.0.0.1:${port}`,
    operations: `127.0.0.1:${operations}`,
    organization: 'bench',
    keys: {},
    keyOptions: {},
    now: Date.now(),
  });
  const workload = createTestKey('ecdsa-p256');
  writeFileSync(join(folder, 'keys/build.pub'), encodePublicKeyPem(workload.publicKey));
  const config = join(folder, 'server.yaml');
  const yaml = readFileSync(config, 'utf8')
    .replace('workloads: []', `workloads: [{ id: build, subject: '${WORKLOAD}', publicKey: keys/build.pub }]`)
    .replace('{ burst: 60, perMinute: 60 }', '{ burst: 1000000, perMinute: 1000000 }')
    .replace('logLevel: info', 'logLevel: warn');
  writeFileSync(config, yaml);
  readServerConfig(config);
  const child = spawn(process.execPath, [...program, 'server', '--config', config], { stdio: ['ignore', 'ignore', 'inherit'] });
  process.on('exit', () => child.kill('SIGKILL'));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  for (let tries = 0; ; tries++) {
    const ready = await fetch(`http://127.0.0.1:${operations}/readyz`).then(
      ({ status }) => status === 200,
      () => false,
    );
    if (ready) break;
    if (tries > 200) throw new Error('the server does not become ready');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    url,
    folder,
    trustedRoot: made.trustedRoot,
    signingConfig: made.signingConfig,
    async token() {
      const form = await tokenRequest(url, workload.privateKey);
      return ((await (await fetch(`${url}/oidc/token`, { method: 'POST', body: form })).json()) as { id_token: string }).id_token;
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Sends all requests, so many at once; milliseconds of each, and of all together. */
async function load(requests: readonly (() => Promise<void>)[], clients: number): Promise<{ readonly times: number[]; readonly total: number }> {
  const times: number[] = [];
  const waiting = [...requests];
  const began = performance.now();
  const client = async (): Promise<void> => {
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const start = performance.now();
      await next();
      times.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return { times, total: performance.now() - began };
}

function percentile(times: readonly number[], share: number): number {
  return [...times].sort((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
}

async function rate(what: string, requests: readonly (() => Promise<void>)[]): Promise<Row> {
  // What comes first is compiled meanwhile.
  const warm = Math.floor(requests.length / 5);
  await load(requests.slice(0, warm), CLIENTS);
  const alone = await load(requests.slice(warm, 2 * warm), 1);
  const { times, total } = await load(requests.slice(2 * warm), CLIENTS);
  const perSecond = (times.length * 1000) / total;
  return {
    what: `${what}, per second`,
    value: perSecond,
    figures: `${CLIENTS} at once: median ${median(times).toFixed(1)} ms, p99 ${percentile(times, 0.99).toFixed(1)} ms; alone: median ${median(alone.times).toFixed(1)} ms`,
  };
}

export async function benchOwnServer(rounds: number): Promise<Row[]> {
  const built = mkdtempSync(join(tmpdir(), 'sealward-bench-'));
  const workshop = new Workshop();
  const registry = await startMemoryRegistry();
  const started: Server[] = [];
  const behind = async (host: string): Promise<Server> => {
    const proxy = await startServer('latency-proxy.ts', host, String(ONE_WAY_MS));
    started.push(proxy);
    return proxy;
  };
  let server: BenchServer | undefined;
  try {
    execFileSync(process.execPath, [join(repositoryRoot, 'tools', 'build.mjs'), built], { stdio: ['ignore', 'ignore', 'inherit'] });
    const program = join(built, 'bin', 'sealward.cjs');
    const bare = { entryPoints: [join(import.meta.dirname, 'bare-signing.ts')], outfile: join(dirname(program), 'bare-signing.cjs') };
    await build({ ...bare, bundle: true, platform: 'node', format: 'cjs', logLevel: 'warning' });
    // From source, where the log verifies in a thread of its own.
    server = await startBenchServer([join(repositoryRoot, 'src/apps/quickstart/main.ts')]);
    const proxies = [await behind(`127.0.0.1:${new URL(server.url).port}`), await behind(registry.host)] as const;
    return [
      await rate('certificates', await certificateRequests(server, rounds * 80)),
      await rate('timestamps', timestampRequests(server, rounds * 200)),
      ...(await signing('loopback', server, workshop, registry.host, program, rounds)),
      ...(await signing('+20 ms', far(server, workshop, proxies[0].host), workshop, proxies[1].host, program, rounds)),
    ];
  } finally {
    for (const proxy of started) await proxy.stop();
    await server?.stop();
    await registry.stop();
    workshop.remove();
    rmSync(built, { recursive: true, force: true });
  }
}

/** The same server, through a proxy: its log goes by the name of its host alone. */
function far(server: BenchServer, workshop: Workshop, proxy: string): BenchServer {
  const there = new URL(server.url).host;
  const services = readFileSync(server.signingConfig, 'utf8').replaceAll(there, proxy.replace('127.0.0.1', 'localhost'));
  return { ...server, signingConfig: workshop.file('far.json', services) };
}

async function certificateRequests(server: BenchServer, count: number): Promise<(() => Promise<void>)[]> {
  const key = createTestKey('ecdsa-p256');
  const publicKeyRequest = {
    publicKey: { algorithm: 'ECDSA', content: encodePublicKeyPem(key.publicKey) },
    proofOfPossession: encodeBase64(signBytes(key.privateKey, key.algorithm, utf8(WORKLOAD))),
  };
  const requests: (() => Promise<void>)[] = [];
  for (let made = 0; made < count; made++) {
    const body = JSON.stringify({ credentials: { oidcIdentityToken: await server.token() }, publicKeyRequest });
    requests.push(() => post(`${server.url}/api/v2/signingCert`, 'application/json', body, 200));
  }
  return requests;
}

function timestampRequests(server: BenchServer, count: number): (() => Promise<void>)[] {
  return Array.from({ length: count }, (_, i) => {
    const body = encodeTimestampRequest({ hash: 'sha256', digest: hash('sha256', utf8(`message ${i}`)), nonce: BigInt(i + 1), certificates: true });
    return () => post(`${server.url}/api/v1/timestamp`, 'application/timestamp-query', body, 201);
  });
}

async function post(url: string, type: string, body: string | Uint8Array, wanted: number): Promise<void> {
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': type }, body: typeof body === 'string' ? body : Buffer.from(body) });
  await answer.arrayBuffer();
  if (answer.status !== wanted) throw new Error(`${url} answers with ${answer.status}`);
}

/** Token in hand, from the start of the process to its end: certificate, timestamp, entry, attached to an image. */
async function signing(place: string, server: BenchServer, workshop: Workshop, host: string, bundled: string, rounds: number): Promise<Row[]> {
  const services = ['--signing-config', server.signingConfig, '--trusted-root', server.trustedRoot];
  const programs: { readonly program: Program; readonly image: string; readonly times: number[] }[] = [];
  for (const [name, path, first] of [
    ['cosign 3', peerPath('cosign3'), ['sign', '--yes', '--allow-http-registry']],
    ['npm bundle', process.execPath, [bundled, 'sign']],
    ['the requests alone, on this Node', process.execPath, [join(dirname(bundled), 'bare-signing.cjs')]],
  ] as const) {
    const { byDigest } = await pushImage(host, `bench/${name.toLowerCase().replaceAll(/\W/g, '')}`);
    programs.push({ program: { name, path, args: [...first, ...services] }, image: byDigest, times: [] });
  }
  const once = async ({ program, image }: (typeof programs)[number]): Promise<number> => {
    const token = workshop.file('token', await server.token());
    return (await runProgram({ ...program, args: [...program.args, '--identity-token', token, image] }, workshop.environment)).milliseconds;
  };
  for (const one of programs) await once(one);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < programs.length; i++) {
      const one = programs[(i + round) % programs.length] as (typeof programs)[number];
      one.times.push(await once(one));
    }
  }
  return programs.map(({ program, times }, at) => ({
    what: `sign without a key, ${place}, ${program.name}`,
    value: median(times.map((time, round) => time / (programs[0]?.times[round] as number))),
    ...(at === 1 ? { atMost: GOAL } : {}),
    figures: `median ${median(times).toFixed(0)} ms, min ${Math.min(...times).toFixed(0)} ms`,
  }));
}
