/**
 * The command line, the webhook and the node verifier over the same generated evidence, each by its own entrance, with a store
 * of its own and nothing known before: the same decision, for the same reason, in the same words.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { readAdmissionConfig, runAdmission } from '../../src/apps/admission/index.ts';
import { runNodeVerifier } from '../../src/apps/node-verifier/run.ts';
import { RegistryClient } from '../../src/clients/registry/index.ts';
import { type Descriptor, formatDigest, parseReference } from '../../src/core/artifact/index.ts';
import { BUNDLE_MEDIA_TYPE } from '../../src/core/bundle/index.ts';
import { utf8 } from '../../src/core/encoding/index.ts';
import { attestImage, signImage } from '../../src/sdk/index.ts';
import { buildImage, buildReferrer, createTestKey, createTlsAuthority, MemoryRegistry, pushArtifact, type TestKey } from '../../src/testing/index.ts';
import type { ListedKey } from '../../src/core/trust/index.ts';
import { writeTrust } from '../agents.ts';
import { sealward } from '../cli.ts';
import { listedKey, release, TrustRepository } from '../trust-repository.ts';

const TORTURE = process.env['SEALWARD_TORTURE'] !== undefined;
const IMAGES = 10;
/** Sets of evidence: 1,000, or as many as CI has time for. */
const ROUNDS = TORTURE ? 100 : 6;

const second = createTestKey();
const stranger = createTestKey();
const signerOf = (key: TestKey) => ({ publicKey: () => key.publicKey, algorithm: key.algorithm, sign: async (message: Uint8Array) => key.sign(message) });

const PIECES = ['release', 'release-legacy', 'second', 'second-legacy', 'stranger', 'junk', 'scan-good', 'scan-bad', 'scan-by-stranger'] as const;
type Piece = (typeof PIECES)[number];
const STATES = ['active', 'active', 'active', 'compromised', 'superseded', 'revoked-all', 'retired'] as const;
const WANTED = [
  'signatures: release',
  'signatures: { anyOf: [release, second] }',
  'signatures: { allOf: [release, second] }',
  'signatures: { atLeast: 1, of: [release, second] }\n  labels: { team: shop }',
  'signatures: release\n  attestations: [{ name: scan, type: "https://scan.test/v1", from: [release, second], conditions: ["predicate.found == 0"] }]',
];
const evidence = fc.record({
  pieces: fc.array(fc.constantFrom(...PIECES), { maxLength: 4 }),
  denied: fc.nat({ max: 9 }).map((n) => n === 0),
  /** The registry does not let anybody see what is attached. */
  hidden: fc.nat({ max: 6 }).map((n) => n === 0),
  team: fc.constantFrom('shop', 'bank'),
});
const round = fc.record({
  wanted: fc.constantFrom(...WANTED),
  mode: fc.constantFrom('enforce', 'enforce', 'enforce', 'warn', 'audit'),
  states: fc.tuple(fc.constantFrom(...STATES), fc.constantFrom(...STATES)),
  sets: fc.array(evidence, { minLength: IMAGES, maxLength: IMAGES }),
});
type Round = typeof round extends fc.Arbitrary<infer T> ? T : never;

const set = (pieces: readonly Piece[], more: Partial<Round['sets'][number]> = {}): Round['sets'][number] => ({
  pieces: [...pieces],
  denied: false,
  hidden: false,
  team: 'shop',
  ...more,
});
/** Always among them, so that there is something of each kind. */
const FIRST: Round = {
  wanted: 'signatures: release',
  mode: 'enforce',
  states: ['active', 'active'],
  sets: [
    set(['release']),
    set(['junk', 'release-legacy']),
    set(['stranger', 'release', 'scan-bad']),
    set(['release'], { denied: true }),
    set(['stranger']),
    set(['second']),
    set(['junk']),
    set([]),
    set([], { hidden: true }),
    set(['second'], { hidden: true }),
  ],
};

/** What one entrance said; words only where it says any. */
interface Said {
  readonly allowed: boolean;
  readonly outcome: string;
  readonly words: string;
}

const folder = mkdtempSync(join(tmpdir(), 'sealward-entrances-'));
const authority = createTlsAuthority('entrances');
const { key: tlsKey, cert: tlsCertificate } = authority.issue('127.0.0.1');
const secret = randomBytes(32).toString('hex');

/** A pinned name for each set of evidence. */
async function publish({ sets }: Round, registry: MemoryRegistry, people: RegistryClient): Promise<readonly string[]> {
  const name = { registry: registry.host, repository: 'cross/app' };
  return Promise.all(
    sets.map(async ({ pieces, team, hidden }) => {
      const image = await pushArtifact(people, name, buildImage({ 'a.txt': randomBytes(8).toString('hex') }, { labels: { team } }));
      const reference = parseReference(`${registry.host}/cross/app@${formatDigest(image.digest)}`);
      for (const piece of pieces) await attach(piece, reference, image, people);
      if (hidden) registry.fault({ path: new RegExp(`/referrers/${formatDigest(image.digest)}`), status: 403 });
      return `${registry.host}/cross/app@${formatDigest(image.digest)}`;
    }),
  );
}

async function attach(piece: Piece, reference: ReturnType<typeof parseReference>, image: Descriptor, registry: RegistryClient): Promise<void> {
  if (piece === 'junk') {
    const junk = buildReferrer({ artifactType: BUNDLE_MEDIA_TYPE, subject: image, payload: utf8(`junk ${randomBytes(4).toString('hex')}`) });
    return void (await pushArtifact(registry, reference, junk));
  }
  const by = piece.includes('second') || piece === 'scan-bad' ? second : piece.includes('stranger') ? stranger : release;
  const common = { registry, reference, signer: signerOf(by), format: piece.endsWith('legacy') ? 'legacy' : 'bundle' } as const;
  if (!piece.startsWith('scan')) return void (await signImage(common));
  await attestImage({ ...common, predicateType: 'https://scan.test/v1', predicate: { found: piece === 'scan-bad' ? 1 : 0 } });
}

function stateOf(state: (typeof STATES)[number], now: number): Partial<ListedKey> {
  const invalidFrom = state === 'compromised' || state === 'superseded' ? { invalidFrom: now } : {};
  return { state, ...invalidFrom, ...(state === 'retired' ? { retiredAt: now } : {}) };
}

function writeRound(home: string, { wanted, mode, states, sets }: Round, names: readonly string[]): void {
  const trust = new TrustRepository();
  const now = Date.now();
  trust.now = now;
  const later = now + 86_400_000;
  trust.expires = { root: later, timestamp: later, snapshot: later, targets: later };
  for (const role of trust.delegated.values()) role.expires = later;
  trust.publishRoot();
  trust.keys = [listedKey(stateOf(states[0], now)), listedKey({ name: 'second', ...stateOf(states[1], now) }, second.publicKey)];
  trust.denials = sets.flatMap(({ denied }, at) =>
    denied ? [{ id: `d${at}`, kind: 'digest' as const, digest: (names[at] ?? '').split('@')[1] ?? '', reason: 'stolen', addedAt: now }] : [],
  );
  trust.texts = new Map([
    [
      'policy/cross.yaml',
      `apiVersion: sealward.dev/v1alpha1
kind: ImagePolicy
metadata: { name: cross }
spec:
  match: { images: ["127.0.0.1:*/cross/**"] }
  mode: ${mode}
  authorities: [${['release', 'second']
    .filter((name) => wanted.includes(name))
    .map((name) => `{ name: ${name}, key: { trustKey: ${name} } }`)
    .join(', ')}]
  ${wanted}
`,
    ],
  ]);
  trust.publishTrust();
  writeTrust(join(home, 'published'), trust);
  const file = (name: string, text: string): void => writeFileSync(join(home, name), text, { mode: 0o600 });
  file('tls.key', tlsKey);
  file('tls.crt', tlsCertificate);
  file('path', `${secret}\n`);
  file('node-verifier.yaml', 'trust: { from: published }\nevidence: of-node\n');
  file(
    'admission.yaml',
    `listen: 127.0.0.1:0
operations: 127.0.0.1:0
tls: { files: { certificates: tls.crt, key: tls.key } }
caller: { proof: path-secret, secretFile: path }
trust: { from: published }
evidence: of-webhook
decisions: { folder: decisions }
drain: 0s
`,
  );
}

async function byCommandLine(home: string, name: string): Promise<Said> {
  const { code, stdout, stderr } = await sealward(['verify', '--trust-url', join(home, 'published'), '--output', 'json', name], { env: { HOME: home } });
  const [answer] = JSON.parse(stdout) as { outcome: string; action: string; message: string; hint: string; code: string }[];
  assert.ok(answer, stderr);
  const expected = { verified: [0], rejected: [1, 10, 13], inconclusive: [3, 4] }[answer.outcome];
  assert.ok(expected?.includes(code), `exit ${code}: ${stdout}`);
  return { allowed: answer.action !== 'deny', outcome: answer.outcome, words: `${answer.message} ${answer.hint} ${answer.code}` };
}

async function byNode(home: string, name: string): Promise<Said> {
  const lines: string[] = [];
  const digest = name.split('@')[1] ?? '';
  const descriptor = JSON.stringify({ mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: 1000 });
  const code = await runNodeVerifier({
    argv: ['-name', name, '-digest', digest, '-stdin-media-type', 'application/vnd.oci.descriptor.v1+json'],
    stdin: Readable.from([Buffer.from(descriptor)]),
    print: (line) => lines.push(line),
    complain: (line) => assert.fail(line),
    environment: { SEALWARD_NODE_CONFIG: join(home, 'node-verifier.yaml') },
    userAgent: 'sealward-test',
  });
  const [, message = '', hint = '', why = ''] = /^(.*?)(?: \[(.*)\])? \((\w+)\)$/su.exec(lines.join('\n')) ?? [];
  return { allowed: code === 0, outcome: { 1: 'rejected', 4: 'inconclusive' }[code] ?? '', words: `${message} ${hint} ${why}` };
}

async function byWebhook(port: number, image: string): Promise<Said> {
  const object = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'app' }, spec: { containers: [{ name: 'app', image }] } };
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  const resource = { group: '', version: 'v1', resource: 'pods' };
  const asked = {
    uid: randomBytes(8).toString('hex'),
    kind,
    resource,
    operation: 'CREATE',
    name: 'app',
    namespace: 'shop',
    userInfo: {},
    object,
    dryRun: false,
  };
  const body = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: asked });
  const text = await new Promise<string>((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const sent = request(
      { host: '127.0.0.1', port, path: `/${secret}/validate?timeout=30s`, method: 'POST', ca: authority.ca, headers, agent: false },
      (answer) => {
        let all = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (all += chunk));
        answer.on('error', reject).on('end', () => resolve(all));
      },
    );
    sent.on('error', reject).end(body);
  });
  const { response } = JSON.parse(text) as { response: { allowed: boolean; status?: { code: number; message: string } } };
  const { allowed, status } = response;
  return { allowed, outcome: { 403: 'rejected', 503: 'inconclusive' }[status?.code ?? 0] ?? '', words: status?.message ?? '' };
}

test('the command line, the webhook and the node verifier say the same of the same evidence', { timeout: 3_600_000 }, async (t) => {
  const registry = await MemoryRegistry.start();
  const people = new RegistryClient();
  t.after(async () => {
    people.close();
    await registry.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const met = new Map<string, number>();
  let rounds = 0;
  await fc.assert(
    fc.asyncProperty(round, async (generated) => {
      registry.clearFaults();
      const home = join(folder, `${++rounds}`);
      mkdirSync(join(home, 'published'), { recursive: true });
      const names = await publish(generated, registry, people);
      writeRound(home, generated, names);
      const ended = new AbortController();
      const [started, trusted] = [Promise.withResolvers<number>(), Promise.withResolvers<void>()];
      const running = runAdmission({
        config: readAdmissionConfig(join(home, 'admission.yaml')),
        version: '0.0.0',
        environment: {},
        signal: ended.signal,
        log: (line) => {
          const { msg, port, level } = JSON.parse(line) as { readonly msg?: string; readonly port?: number; readonly level?: number };
          if (level !== undefined && level >= 50) trusted.reject(new Error(line));
          if (msg === 'ready' && port !== undefined) started.resolve(port);
          if (msg === 'trust moved') trusted.resolve();
        },
      });
      try {
        await Promise.race([Promise.all([started.promise, trusted.promise]), running]);
        const port = await started.promise;
        for (const [at, name] of names.entries()) {
          const [here, node, cluster] = [await byCommandLine(home, name), await byNode(home, name), await byWebhook(port, name)];
          const about = `${JSON.stringify({ ...generated, sets: generated.sets[at] })}\n${JSON.stringify({ here, node, cluster })}`;
          met.set(`${here.allowed} ${here.outcome}`, (met.get(`${here.allowed} ${here.outcome}`) ?? 0) + 1);
          assert.deepEqual([node.allowed, cluster.allowed], [here.allowed, here.allowed], about);
          if (here.allowed) continue;
          assert.deepEqual([node.outcome, cluster.outcome], [here.outcome, here.outcome], about);
          assert.equal(node.words, here.words, about);
          // The webhook says what and what to do, as one text, and the code in its record.
          assert.equal(cluster.words.replace(/\. /gu, ' '), here.words.replace(/ \w+$/u, '').replace(/\. /gu, ' '), about);
        }
      } finally {
        ended.abort('the round is over');
        await running;
      }
    }),
    { numRuns: ROUNDS, endOnFailure: true, examples: [[FIRST]] },
  );
  for (const [kind, least] of [
    ['true verified', 3],
    ['false rejected', 5],
    ['false inconclusive', 2],
  ] as const)
    assert.ok((met.get(kind) ?? 0) >= least, JSON.stringify([...met]));
});
