/**
 * Reviews per second over HTTPS, warm, against a bare node:https server that parses the same body and echoes the uid. Both
 * run in this process, the load comes from another; what counts is the processor time that a review takes here.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { openAdmission } from '../src/apps/admission/index.ts';
import { openDecisions } from '../src/apps/admission/open-decisions.ts';
import type { JsonObject } from '../src/core/encoding/index.ts';
import { createTlsAuthority } from '../src/testing/index.ts';
import { pod, reviewOf, UID } from '../test/admission.ts';
import { Cluster } from '../test/agents.ts';
import { median } from './interleaved.ts';
import type { Load, LoadAnswer } from './review-load.ts';
import type { Row } from './table.ts';

const CONNECTIONS = 16;
const BLOCK = 400;
const WARM_UP = 6000;
/** Of a whole review, as API servers send them for a Pod of a Deployment. */
const REVIEW_BYTES = 14_000;

/** @param rounds blocks of each. */
export async function benchAdmission(rounds: number): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-bench-'));
  const cluster = await Cluster.start();
  const tls = createTlsAuthority().issue('localhost');
  const bare = createServer({ key: tls.key, cert: tls.cert, keepAliveTimeout: 120_000 }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { request: asked } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { readonly request: { readonly uid: string } };
      const text = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid: asked.uid, allowed: true } });
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text);
    });
  }).listen(0, '127.0.0.1');
  await once(bare, 'listening');
  const image = await cluster.push();
  await cluster.sign(image);
  const decisions = await openDecisions({ folder, mode: 'strict', shareMs: 60_000, cluster: 'bench', failed: () => undefined });
  const secret = 'f'.repeat(64);
  const secrets = [secret];
  const webhook = await openAdmission({
    judge: await cluster.started(),
    listen: { host: '127.0.0.1', port: 0 },
    operations: { host: '127.0.0.1', port: 0 },
    certificate: tls,
    caller: { kind: 'path-secret', secrets: () => secrets },
    custom: new Map(),
    exemptNamespaces: new Set(['kube-system']),
    marginMs: 500,
    drainMs: 0,
    limits: { bufferedBytes: 128 * 1024 * 1024, connections: 1024, threads: 1 },
    log: { decisions: decisions.log, mode: 'strict' },
    logger: pino({ level: 'info' }, { write: () => undefined }),
  });
  const load = fork(new URL('./review-load.ts', import.meta.url), { stdio: 'inherit' });
  try {
    const body = reviewOfSize(image.pinned);
    const ours = { port: webhook.port, path: `/${secret}/validate?timeout=10s`, body, uid: UID };
    const theirs = { port: (bare.address() as AddressInfo).port, path: '/validate?timeout=10s', body, uid: UID };
    // Warm is what has run for a while: both are compiled by then.
    for (const one of [ours, theirs, ours, theirs]) await block(load, one, WARM_UP);
    const blocks: { readonly ours: Measured; readonly theirs: Measured }[] = [];
    for (let i = 0; i < rounds; i++) {
      const [first, second] = i % 2 === 0 ? [ours, theirs] : [theirs, ours];
      const [a, b] = [await block(load, first, BLOCK), await block(load, second, BLOCK)];
      blocks.push(i % 2 === 0 ? { ours: a, theirs: b } : { ours: b, theirs: a });
    }
    const cost = (of: 'ours' | 'theirs'): number => median(blocks.map((one) => one[of].cpuMs));
    const p99 =
      blocks
        .flatMap(({ ours: { took } }) => took)
        .sort((a, b) => a - b)
        .at(-Math.ceil((rounds * BLOCK) / 100)) ?? Number.NaN;
    return [
      {
        what: 'reviews per second, warm, against node:https that echoes the uid',
        figures: `${Math.round(1000 / cost('ours'))}/s against ${Math.round(1000 / cost('theirs'))}/s of one core, ${body.length} bytes; p99 ${p99.toFixed(1)} ms at ${CONNECTIONS} connections`,
        value: cost('theirs') / cost('ours'),
        atLeast: 0.85,
      },
    ];
  } finally {
    load.kill();
    await webhook.close();
    await decisions.log.close();
    bare.closeAllConnections();
    bare.close();
    await cluster.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Measured {
  /** Of this process, for one review. */
  readonly cpuMs: number;
  readonly took: readonly number[];
}

async function block(load: ChildProcess, one: Pick<Load, 'port' | 'path' | 'body' | 'uid'>, times: number): Promise<Measured> {
  const before = process.cpuUsage();
  load.send({ ...one, times, connections: CONNECTIONS } satisfies Load);
  const [{ took, last }] = (await once(load, 'message')) as [LoadAnswer];
  const { user, system } = process.cpuUsage(before);
  if (!last.includes('"allowed":true')) throw new Error(`it was not allowed: ${last}`);
  return { cpuMs: (user + system) / 1000 / times, took };
}

/** As Pods of Deployments are: under half of it notes on who set which field, the rest environment, labels and annotations. */
function reviewOfSize(image: string): string {
  const filled = (bytes: number): string => {
    const [notes, environment] = [Math.floor(bytes * 0.4), Math.floor(bytes * 0.6)];
    const object = pod(image);
    const [container] = (object['spec'] as { readonly containers: JsonObject[] }).containers;
    const spec = {
      containers: [{ ...container, env: variables(environment), resources: { limits: { cpu: '1', memory: '512Mi' } } }],
      serviceAccountName: 'web',
    };
    return JSON.stringify(reviewOf({ ...object, metadata: { name: 'web', labels: { app: 'web', tier: 'front' }, managedFields: fields(notes) }, spec }));
  };
  return filled(REVIEW_BYTES - filled(0).length);
}

function variables(bytes: number): JsonObject[] {
  const entry = (i: number): JsonObject => ({ name: `SETTING_${i}`, value: `https://service-${i}.shop.svc.cluster.local:8443/api` });
  return upTo(bytes, entry);
}

/** As managed fields are: deep, and full of short names. */
function fields(bytes: number): JsonObject[] {
  const entry = (i: number): JsonObject => ({
    manager: `kubectl-${i}`,
    operation: 'Update',
    fieldsV1: { 'f:metadata': { 'f:labels': { '.': {}, [`f:app-${i}`]: {} } } },
  });
  return upTo(bytes, entry);
}

function upTo(bytes: number, entry: (i: number) => JsonObject): JsonObject[] {
  const found: JsonObject[] = [];
  for (let left = bytes; left > 0; left -= JSON.stringify(entry(found.length)).length + 1) found.push(entry(found.length));
  return found;
}
