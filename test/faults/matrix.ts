/** A registry that is signed for, behind a wire that breaks, and two who judge by it: an agent, and a program that remembers. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryStore, type EvidenceStore, FolderStore } from '../../src/clients/evidence/index.ts';
import { type Clock, HostLimits, HttpClient } from '../../src/clients/http/index.ts';
import { RegistryClient } from '../../src/clients/registry/index.ts';
import { formatDigest, parseReference } from '../../src/core/artifact/index.ts';
import { SealwardError } from '../../src/core/errors.ts';
import { heldRegistry, judgeImage, signImage } from '../../src/sdk/index.ts';
import { Agent, type InForce } from '../../src/sdk/agent/index.ts';
import { buildImage, createTlsAuthority, FixedClock, MemoryRegistry, pushArtifact, type TlsIdentity } from '../../src/testing/index.ts';
import { membersOf } from '../agents.ts';
import { release, TrustRepository } from '../trust-repository.ts';
import { DAY, NOW } from '../tuf-repository.ts';
import { Wire } from './wire.ts';

const POLICY = `apiVersion: sealward.dev/v1alpha1
kind: ImagePolicy
metadata: { name: signed }
spec:
  match: { images: ["registry.test:*/app"] }
  authorities: [{ name: release, key: { trustKey: release } }]
  signatures: release
`;

/** Long enough for every retry; time stands still but for what waits. Milliseconds. */
export const PATIENCE = 600_000;

/** What an API server gives to a review, as an agent behind limits is asked. Milliseconds. */
const REVIEW = 9500;

export interface Told {
  /** "OUTCOME CODE". */
  readonly said: string;
  readonly message: string;
}

/** Judges one image name, now. */
export type Judge = (name: string) => Promise<Told>;

const PLACE = { namespace: 'shop' };

export const JUDGES = ['an agent', 'judgeImage over what is held'] as const;

export interface OtherServers {
  readonly expired: number;
  /** Of an authority that nobody believes. */
  readonly unknown: number;
  /** For another name. */
  readonly misnamed: number;
}

export class Matrix {
  readonly clock = new FixedClock({ start: NOW });
  readonly registry: MemoryRegistry;
  readonly wire: Wire;
  /** Ports of servers with the same content, whose certificates are no good. */
  readonly others: OtherServers;
  /** Whether those who judge ask each host no more than it takes. */
  limited = false;
  signed = '';
  unsigned = '';
  tagged = '';
  /** Of the registry's certificate, where it speaks TLS. */
  readonly #ca: string | undefined;
  readonly #trust = new TrustRepository();
  readonly #judges: (() => unknown)[] = [];
  readonly #folders: (() => unknown)[] = [];
  #agent: Agent | undefined;
  #inForce: InForce | undefined;
  readonly #open: (() => unknown)[] = [];

  private constructor(registry: MemoryRegistry, wire: Wire, others: OtherServers, ca: string | undefined) {
    this.registry = registry;
    this.wire = wire;
    this.others = others;
    this.#ca = ca;
    const never = NOW + 3650 * DAY;
    this.#trust.expires = { root: never, timestamp: never, snapshot: never, targets: never };
    this.#trust.now = this.clock.now();
    this.#trust.texts = new Map([['policy/signed.yaml', POLICY]]);
    this.#trust.publishTrust();
  }

  /** @param tls whether the registry speaks it: handshakes take most of the time, and most failures need none. */
  static async start(tls: boolean): Promise<Matrix> {
    const authority = createTlsAuthority();
    const registry = await MemoryRegistry.start(tls ? { tls: authority.issue('registry.test') } : {});
    const open: (() => unknown)[] = [];
    const serve = async (identity: TlsIdentity): Promise<number> => {
      const server = createServer(identity, (request, response) => registry.handler(request, response));
      await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
      open.push(() => (server.closeAllConnections(), server.close()));
      return (server.address() as AddressInfo).port;
    };
    const others = {
      expired: await serve(authority.issueExpired('registry.test')),
      unknown: await serve(createTlsAuthority('nobody knows it').issue('registry.test')),
      misnamed: await serve(authority.issue('other.test')),
    };
    const wire = await Wire.start(registry.port);
    const matrix = new Matrix(registry, wire, others, tls ? authority.ca : undefined);
    matrix.#open.push(
      () => wire.close(),
      () => registry.close(),
      ...open,
    );
    await matrix.#fill();
    return matrix;
  }

  async #fill(): Promise<void> {
    this.signed = await this.push('signed');
    this.tagged = `${this.#repository.registry}/app:signed`;
    this.unsigned = await this.push('unsigned');
    await this.sign(this.signed);
    await this.endJudges();
  }

  get #repository(): { readonly registry: string; readonly repository: string } {
    return { registry: `registry.test:${this.wire.port}`, repository: 'app' };
  }

  /** An image of its own under a tag. @returns its name by digest. */
  async push(tag: string): Promise<string> {
    const { digest } = await pushArtifact(this.#client(), this.#repository, buildImage({ 'hello.txt': tag }), tag);
    return `${this.#repository.registry}/app@${formatDigest(digest)}`;
  }

  async sign(image: string): Promise<void> {
    const signer = { publicKey: () => release.publicKey, algorithm: release.algorithm, sign: async (message: Uint8Array) => release.sign(message) };
    await signImage({ registry: this.#client(), reference: parseReference(image), signer });
  }

  /** Whoever sleeps moves the clock: retries take no time. */
  #client(): RegistryClient {
    const { clock } = this;
    const skipping: Clock = {
      now: () => clock.now(),
      after: (milliseconds, callback) => clock.after(milliseconds, callback),
      sleep: async (milliseconds) => clock.advance(milliseconds),
    };
    const gate = this.limited ? { gate: new HostLimits({ clock: skipping, random: () => 0.5 }) } : {};
    const http = new HttpClient({
      clock: skipping,
      random: () => 0.5,
      ...gate,
      tls: { ca: this.#ca === undefined ? [] : [this.#ca] },
      resolver: this.wire.resolve,
    });
    this.#judges.push(() => http.close());
    return new RegistryClient({ http, scheme: this.#ca === undefined ? 'http' : 'https' });
  }

  folder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'sealward-matrix-'));
    this.#folders.push(() => rmSync(folder, { recursive: true, force: true }));
    return folder;
  }

  store(): EvidenceStore {
    return new FolderStore(this.folder());
  }

  /** As a process that has just begun, with nothing in memory. */
  async judge(kind: (typeof JUDGES)[number], store: EvidenceStore): Promise<Judge> {
    return kind === 'an agent' ? this.#byAgent(store) : this.#byImage(store);
  }

  async #started(store: EvidenceStore): Promise<Agent> {
    const agent = new Agent({
      trust: { from: 'configmap:sealward/trust', root: this.#trust.metadata.get('1.root.json') as Uint8Array, configMap: async () => membersOf(this.#trust) },
      store,
      registry: this.#client(),
      clock: this.clock,
      random: () => 0,
      patience: this.limited ? REVIEW : PATIENCE,
    });
    await agent.start();
    return agent;
  }

  async #byAgent(store: EvidenceStore): Promise<Judge> {
    const agent = await this.#started(store);
    this.#judges.unshift(() => agent.close());
    this.#agent = agent;
    return async (name) => {
      const { outcome, code, message } = await agent.judge(name, { place: PLACE, deadline: this.clock.now() + (this.limited ? REVIEW : PATIENCE) });
      return { said: `${outcome} ${code}`, message };
    };
  }

  async #byImage(store: EvidenceStore): Promise<Judge> {
    const { clock } = this;
    const { policies, trust } = (this.#inForce ??= await this.#takeTrust());
    const registry = heldRegistry({ store, registry: this.#client(), now: () => clock.now(), maxAge: 5000 });
    return async (name) => {
      const now = clock.now();
      try {
        const { decision } = await judgeImage({ registry, reference: parseReference(name), policies, trust, place: PLACE, now, deadline: now + PATIENCE });
        return { said: `${decision.outcome} ${decision.code}`, message: decision.message };
      } catch (error) {
        if (!(error instanceof SealwardError)) throw error;
        return { said: `inconclusive ${error.code}`, message: error.message };
      }
    };
  }

  async #takeTrust(): Promise<InForce> {
    const agent = await this.#started(createMemoryStore());
    const inForce = agent.inForce();
    await agent.close();
    if (!inForce) throw new Error('no trust was taken');
    return inForce;
  }

  /** No gathering is under way any more, whoever gave up on it. */
  async idle(): Promise<void> {
    while (this.#agent && this.#agent.status().held.gathering > 0) await new Promise((next) => setImmediate(next));
  }

  /** Ends all who judge: what they keep is on the disk then. */
  async stop(): Promise<void> {
    for (const end of this.#judges.splice(0)) await end();
    this.#agent = undefined;
    this.limited = false;
  }

  /** Ends all who judge, and removes what they kept. */
  async endJudges(): Promise<void> {
    await this.stop();
    for (const remove of this.#folders.splice(0)) await remove();
  }

  async close(): Promise<void> {
    await this.endJudges();
    for (const close of this.#open) await close();
  }
}
