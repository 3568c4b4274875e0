/** What is not held yet: a herd that asks for new images at one time, and one large attestation beside many small reviews. */
import { setTimeout as wait } from 'node:timers/promises';
import { type Clock, HttpClient, systemClock } from '../src/clients/http/index.ts';
import { RegistryClient } from '../src/clients/registry/index.ts';
import { encodeBase64, utf8 } from '../src/core/encoding/index.ts';
import { preAuthEncoding } from '../src/core/bundle/index.ts';
import type { Agent, Ask } from '../src/sdk/agent/index.ts';
import { factsFrom } from '../src/sdk/agent/held-facts.ts';
import { Prover } from '../src/sdk/agent/prover.ts';
import { prepareView } from '../src/sdk/agent/view.ts';
import { parseReference } from '../src/core/artifact/index.ts';
import { Cluster, type Image } from '../test/agents.ts';
import { release } from '../test/trust-repository.ts';
import { NOW } from '../test/tuf-repository.ts';
import type { Row } from './table.ts';

const REVIEWS = 5000;
const IMAGES = 10;
const DELAY_MS = 200;
const SIGNATURES = 64;
const PAYLOAD = 10 * 1024 * 1024;

const started = systemClock.now();
/** Runs, and began when the trust repository of the tests was published. */
const clock: Clock = {
  now: () => NOW + systemClock.now() - started,
  after: (milliseconds, callback) => systemClock.after(milliseconds, callback),
  sleep: (milliseconds, signal) => systemClock.sleep(milliseconds, signal),
};
const ask = (): Ask => ({ place: { namespace: 'shop' }, deadline: clock.now() + 10_000 });

export async function benchCold(): Promise<Row[]> {
  const cluster = await Cluster.start();
  const http = new HttpClient({ clock });
  try {
    const agent = await cluster.started({ clock, registry: new RegistryClient({ http }) });
    return [...(await herd(cluster, agent)), ...(await beside(cluster, agent))];
  } finally {
    await cluster.close();
    http.close();
  }
}

async function herd(cluster: Cluster, agent: Agent): Promise<Row[]> {
  const images: Image[] = [];
  for (let at = 0; at < IMAGES; at++) images.push(await cluster.push());
  for (const image of images) await cluster.sign(image);
  cluster.registry.fault({ path: '/v2/', before: { reached: Promise.resolve(), open: () => undefined, pass: () => wait(DELAY_MS) } });
  cluster.registry.forget();
  const begun = performance.now();
  const answers = await Promise.all(Array.from({ length: REVIEWS }, (_, at) => agent.judge(images[at % IMAGES]?.pinned ?? '', ask())));
  const seconds = (performance.now() - begun) / 1000;
  cluster.registry.clearFaults();
  const asked = cluster.registry.count('');
  const unanswered = answers.filter(({ action }) => action !== 'allow').length;
  if (unanswered > 0) throw new Error(`${unanswered} of the herd were not let in`);
  return [
    {
      what: `${REVIEWS} reviews of ${IMAGES} new digests with a registry at ${DELAY_MS} ms: seconds until all are answered`,
      figures: `${seconds.toFixed(2)} s`,
      value: seconds,
      atMost: 3,
    },
    { what: 'requests for each of these digests', figures: `${asked} in all`, value: asked / IMAGES, atMost: 3 },
  ];
}

/** One document: a statement of 10 MB in an envelope under as many signatures as are read. */
function largeEnvelope(digest: string): Uint8Array {
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'app', digest: { sha256: digest } }],
    predicateType: 'https://scan.test/v1',
    predicate: { found: Array.from({ length: PAYLOAD / 64 }, (_, at) => `${at}`.padStart(61, 'x')) },
  };
  const payload = utf8(JSON.stringify(statement));
  const payloadType = 'application/vnd.in-toto+json';
  const message = preAuthEncoding(payloadType, payload);
  const signatures = Array.from({ length: SIGNATURES }, () => ({ sig: encodeBase64(release.sign(message)) }));
  return utf8(JSON.stringify({ payloadType, payload: encodeBase64(payload), signatures }));
}

/** How long warm answers take, in milliseconds, while something else is under way. */
async function beside(cluster: Cluster, agent: Agent): Promise<Row[]> {
  const image = await cluster.push();
  await cluster.sign(image);
  await agent.judge(image.pinned, ask());
  const view = await prepareView(agent.inForce() ?? fail());
  const reference = parseReference(image.pinned);
  const digest = reference.digest ?? fail();
  const subject = { digests: { [digest.algorithm]: digest.hex } };
  const bytes = largeEnvelope(digest.hex);
  const worst = async (threads: number): Promise<number> => {
    const prover = new Prover({ clock, threads });
    const latencies: number[] = [];
    const ended = new AbortController();
    const warm = (async () => {
      while (!ended.signal.aborted) {
        const due = performance.now() + 1;
        await wait(1);
        await agent.judge(image.pinned, ask());
        latencies.push(performance.now() - due);
      }
    })();
    await wait(20);
    const document = await prover.reader(subject, view, clock.now() + 60_000)('referrers-api', { kind: 'dsse', annotations: {} }, bytes);
    const held = factsFrom({ repository: reference, signatures: reference, digest }, { subject, places: [], documents: [document] }, undefined, view, {});
    if (held.facts.signatures.length === 0) throw new Error(`nothing was proven: ${held.facts.unreadable[0]?.detail}`);
    await wait(20);
    ended.abort();
    await warm;
    await prover.close();
    return Math.max(...latencies);
  };
  const [here, apart] = [await worst(0), await worst(2)];
  return [
    {
      what: `longest wait of a warm answer while 10 MB under ${SIGNATURES} signatures are proven: in a thread against where they are read`,
      figures: `${apart.toFixed(0)} ms against ${here.toFixed(0)} ms`,
      value: apart / here,
      atMost: 0.25,
    },
  ];
}

function fail(): never {
  throw new Error('the cluster of the benchmark has no trust');
}
