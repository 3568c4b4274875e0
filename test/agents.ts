/** An agent for tests: a trust repository in memory that it takes as a ConfigMap, a registry over HTTP, a clock that stands still. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createMemoryStore, type EvidenceStore } from '../src/clients/evidence/index.ts';
import { HttpClient } from '../src/clients/http/index.ts';
import { RegistryClient } from '../src/clients/registry/index.ts';
import { configMapKey } from '../src/clients/trust/index.ts';
import { type Descriptor, formatDigest, parseReference } from '../src/core/artifact/index.ts';
import { targetName } from '../src/core/trust/index.ts';
import { signImage } from '../src/sdk/index.ts';
import { Agent, type AgentOptions, type Ask } from '../src/sdk/agent/index.ts';
import { buildImage, FixedClock, MemoryRegistry, pushArtifact, type TestKey } from '../src/testing/index.ts';
import { release, TrustRepository } from './trust-repository.ts';
import { NOW } from './tuf-repository.ts';

export const POLICY = `apiVersion: sealward.dev/v1alpha1
kind: ImagePolicy
metadata: { name: signed }
spec:
  match: { images: ["127.0.0.1:*/app", "127.0.0.1:*/app-*"] }
  authorities: [{ name: release, key: { trustKey: release } }]
  signatures: release
`;

/** The files of the whole repository, by the names under which they are served. */
export function filesOf({ metadata, targets, delegated, files }: TrustRepository): Map<string, Uint8Array> {
  const served = new Map(metadata);
  for (const { path, bytes } of [...files, ...[...delegated.values()].flatMap((role) => role.files)]) {
    const target = targets.get(path);
    if (target) served.set(targetName(path, { sha256: createHash('sha256').update(bytes).digest('hex') }), target);
  }
  return served;
}

/** What a ConfigMap with the whole repository holds. */
export function membersOf(trust: TrustRepository): Map<string, Uint8Array> {
  return new Map([...filesOf(trust)].map(([name, bytes]) => [configMapKey(name), bytes]));
}

/** As `sealward trust publish` leaves it. */
export function writeTrust(folder: string, trust: TrustRepository): void {
  for (const [name, bytes] of filesOf(trust)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
}

export interface Image {
  /** As an object names it. */
  readonly tagged: string;
  readonly pinned: string;
  readonly digest: string;
  readonly descriptor: Descriptor;
}

export class Cluster {
  readonly clock = new FixedClock({ start: NOW });
  readonly trust = new TrustRepository();
  readonly registry: MemoryRegistry;
  readonly client: RegistryClient;
  readonly http: HttpClient;
  /** People's clocks run. */
  readonly #people = new RegistryClient();
  readonly #agents: Agent[] = [];
  #images = 0;

  constructor(registry: MemoryRegistry) {
    this.registry = registry;
    this.http = new HttpClient({ clock: this.clock });
    this.client = new RegistryClient({ http: this.http });
    this.publish({ 'policy/signed.yaml': POLICY });
  }

  static async start(): Promise<Cluster> {
    return new Cluster(await MemoryRegistry.start());
  }

  /** The documents of the trust repository from now on, besides what its fields say. */
  publish(texts: Record<string, string>): void {
    this.trust.now = this.clock.now();
    this.trust.texts = new Map(Object.entries(texts));
    this.trust.publishTrust();
  }

  agent(options: Partial<AgentOptions> & { readonly store?: EvidenceStore } = {}): Agent {
    const agent = new Agent({
      trust: {
        from: 'configmap:sealward/trust',
        root: this.trust.metadata.get('1.root.json') as Uint8Array,
        configMap: async () => membersOf(this.trust),
      },
      store: createMemoryStore(),
      registry: this.client,
      clock: this.clock,
      random: () => 0,
      ...options,
    });
    this.#agents.push(agent);
    return agent;
  }

  async started(options: Partial<AgentOptions> = {}): Promise<Agent> {
    const agent = this.agent(options);
    await agent.start();
    return agent;
  }

  async push(repository = 'app', tag = `v${this.#images + 1}`): Promise<Image> {
    this.#images++;
    const name = { registry: this.registry.host, repository };
    const descriptor = await pushArtifact(this.client, name, buildImage({ 'hello.txt': `${repository} ${tag} ${this.#images}` }), tag);
    const digest = formatDigest(descriptor.digest);
    return { tagged: `${this.registry.host}/${repository}:${tag}`, pinned: `${this.registry.host}/${repository}@${digest}`, digest, descriptor };
  }

  async sign({ pinned }: Pick<Image, 'pinned'>, key: TestKey = release, format: 'bundle' | 'legacy' = 'bundle'): Promise<void> {
    const signer = { publicKey: () => key.publicKey, algorithm: key.algorithm, sign: async (message: Uint8Array) => key.sign(message) };
    await signImage({ registry: this.#people, reference: parseReference(pinned), signer, format });
  }

  /** A review of ten seconds, in a namespace. */
  ask(more: Partial<Ask> = {}): Ask {
    return { place: { namespace: 'shop' }, deadline: this.clock.now() + 10_000, ...more };
  }

  async close(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.close()));
    this.client.close();
    this.#people.close();
    this.http.close();
    await this.registry.close();
  }
}
