/**
 * What an agent in a cluster holds, and how it judges: trust and policies that are taken in the background, evidence that is
 * held, and one answer for one image name. The webhook, the controller and the node verifier are shells around it.
 */
import type { EvidenceStore } from '../../clients/evidence/index.ts';
import { type Clock, systemClock } from '../../clients/http/index.ts';
import type { Registry } from '../../clients/registry/index.ts';
import { type Digest, formatRepository, LAYOUT, parseReference, quoted, type Reference, type RepositoryName } from '../../core/artifact/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { Place } from '../../core/policy/index.ts';
import { actionUnresolved, decide, type Decision, type Request } from '../../core/verify/index.ts';
import { openTrust, type OpenTrustOptions } from '../open-trust.ts';
import { allowedRegistries, type AllowedRegistry, type AllowListOptions } from './allow-list.ts';
import { Answers } from './answers.ts';
import { HeldEvidence, type Loaded } from './held-evidence.ts';
import { type HeldFacts, heldKey, type Sought } from './held-facts.ts';
import { prepareView, type View, viewOf } from './view.ts';
import { type InForce, type Moved, type NamespacedPolicy, type TrustHealth, TrustWatch } from './in-force.ts';
import { type AnsweredFrom, DecidedName, type JudgedName, undecided } from './judged-name.ts';
import { admissionNotes, type Notes, pinNotes } from './notes.ts';
import { Prefetch } from './prefetch.ts';
import { Prover, type ProverOptions } from './prover.ts';
import { Tags } from './tags.ts';

export interface AgentOptions extends AllowListOptions {
  /** Where trust comes from; `now` and `signal` are the agent's own. */
  readonly trust: Omit<OpenTrustOptions, 'now' | 'signal'>;
  readonly store: EvidenceStore;
  /** Asked where what is held is not enough. Give its client `allowRegistry: (host) => agent.allows(host)`, so that its mirrors are held against the list, too. */
  readonly registry: Registry;
  /** Where signatures lie, when not beside the images. */
  readonly signatureRepository?: RepositoryName;
  readonly clock?: Clock;
  /** From 0 to 1; Math.random when missing. */
  readonly random?: () => number;
  /** Milliseconds between updates of trust; 30 s when not said. */
  readonly trustEvery?: number;
  /** The lease tier that this place keeps. */
  readonly tier?: string;
  /** Digests whose facts are in memory, and about how many bytes these may take. */
  readonly heldDigests?: number;
  readonly heldBytes?: number;
  /** Milliseconds that one gathering may take, whoever waits for it; 30 s when not said. */
  readonly patience?: number;
  /** How long records of decisions are kept, in milliseconds, and with them what they were made from; infinite: for ever. Nothing is when not said. */
  readonly recordsKeptMs?: number;
  /** What takes long to prove is proven in threads: how many, and above which work. */
  readonly proving?: Omit<ProverOptions, 'clock'>;
  readonly prefetch?: {
    /** Images that were let in are gathered, too: all places of each soon after, and again when that has grown old. */
    readonly seen?: boolean;
    /** Milliseconds from one image to the next; 500 when not said. */
    readonly pace?: number;
    /** Milliseconds after which an image is gathered again; 10 minutes when not said. */
    readonly refreshAfter?: number;
    /** How many images; 10,000 when not said. */
    readonly most?: number;
  };
}

export interface Ask {
  /** Where the image is to run, as far as that is known. */
  readonly place: Place;
  /** Absolute, on the agent's clock. The answer comes by then. */
  readonly deadline: number;
  /** Ends the waiting, as if the deadline had come. */
  readonly signal?: AbortSignal;
  /** The same answer, and nothing is noted. */
  readonly dryRun?: boolean;
  /** Whether this digest is known to run here, let in under a live lease: whoever sees the pods knows. */
  readonly admittedBefore?: boolean | ((digest: string) => boolean);
  /** Asked instead of the agent's own, with credentials of the namespace. What it brings is evidence for everybody. */
  readonly registry?: Registry;
}

export interface AgentStatus {
  readonly trust: TrustHealth;
  readonly held: { readonly digests: number; readonly bytes: number; readonly gathering: number };
  readonly prefetch: { readonly images: number; readonly due: number };
}

export class Agent {
  readonly clock: Clock;
  readonly #options: AgentOptions;
  readonly #trust: TrustWatch;
  readonly #evidence: HeldEvidence;
  readonly #prover: Prover;
  readonly #prefetch: Prefetch;
  readonly #tags: Tags;
  readonly #patience: number;
  readonly #answers = new Answers((key, held) => this.#evidence.holds(key, held));
  readonly #admissions: Notes;
  readonly #pins: Notes | undefined;
  readonly #ending = new AbortController();
  readonly #allowed = new WeakMap<InForce, AllowedRegistry>();

  constructor(options: AgentOptions) {
    this.#options = options;
    this.clock = options.clock ?? systemClock;
    const { trust, trustEvery = 30_000, random = Math.random, tier, heldDigests = 20_000, heldBytes = 96 * 1024 * 1024, patience = 30_000 } = options;
    this.#trust = new TrustWatch({
      open: () => openTrust({ ...trust, now: () => this.clock.now(), signal: this.#ending.signal }),
      source: trust.from,
      clock: this.clock,
      every: trustEvery,
      random,
      ...(tier === undefined ? {} : { tier }),
    });
    this.#prover = new Prover({ clock: this.clock, ...options.proving });
    this.#evidence = new HeldEvidence({
      store: options.store,
      clock: this.clock,
      digests: heldDigests,
      bytes: heldBytes,
      patience,
      remembers: options.recordsKeptMs !== undefined,
      prover: this.#prover,
    });
    this.#patience = patience;
    this.#tags = new Tags({ store: options.store, clock: this.clock, patience, signal: this.#ending.signal });
    this.#admissions = admissionNotes(options.store, this.clock);
    this.#pins = options.recordsKeptMs === undefined ? undefined : pinNotes(options.store, this.clock, options.recordsKeptMs);
    const { pace = 500, refreshAfter = 600_000, most = 10_000 } = options.prefetch ?? {};
    this.#prefetch = new Prefetch({ clock: this.clock, gather: (name) => this.gather(name), pace, refreshAfter, most });
  }

  /** Ends when trust was asked for once; whether it was taken is in `inForce` and `status`. From then on it is taken in the background. */
  start(): Promise<void> {
    return this.#trust.start();
  }

  /** Trust and policies in force, taken together; undefined until the first trust state with policies was taken: not ready then. */
  inForce(): InForce | undefined {
    return this.#trust.inForce;
  }

  status(): AgentStatus {
    return { trust: this.#trust.health(this.clock.now()), held: this.#evidence.size, prefetch: this.#prefetch.size };
  }

  /** Called after trust or policies moved. @returns a function that ends the subscription. */
  onChange(listener: (moved: Moved) => void): () => void {
    return this.#trust.onChange(listener);
  }

  /** Takes trust now, besides the usual pace. Never throws. */
  updateTrust(): Promise<void> {
    return this.#trust.update();
  }

  /** All policies of namespaces, each time: they add requirements; those that try more are refused, see `status().trust.refused`. */
  setNamespaced(policies: readonly NamespacedPolicy[]): Promise<void> {
    return this.#trust.setNamespaced(policies);
  }

  /** Whether a registry may be contacted, as policies are now. */
  allows(host: string): boolean {
    const inForce = this.inForce();
    return inForce !== undefined && this.#allows(inForce, host);
  }

  #allows(inForce: InForce, host: string): boolean {
    const allowed = this.#allowed.get(inForce) ?? allowedRegistries(inForce.signedPolicies, this.#options);
    this.#allowed.set(inForce, allowed);
    return allowed(host);
  }

  /** The answer of a moment ago, where it still is the answer: nothing is asked, awaited or worked out. Undefined: judge it. */
  recall(name: string, ask: Omit<Ask, 'deadline' | 'signal'>): JudgedName | undefined {
    const inForce = this.inForce();
    const { place, admittedBefore = false } = ask;
    const again = inForce && this.#answers.again(name, { inForce, place, admittedBefore, now: this.clock.now() });
    return again && this.#noted(again, ask);
  }

  /** One image as an object names it. Never throws for what a name, a registry or an image does: that is an answer. */
  async judge(name: string, ask: Ask): Promise<JudgedName> {
    const inForce = this.inForce();
    if (!inForce) return undecided(name, NOT_READY, 'deny');
    try {
      const view = viewOf(inForce) ?? (await prepareView(inForce));
      const named = this.#fromName(name, inForce, view, ask);
      if (named && isFinal(named)) return this.#noted(named, ask);
      const reference = inRegistry(name);
      const question: Question = { name, reference, inForce, view, ask };
      const answer = (reference.digest && this.#fromMemory(question, reference.digest)) ?? (await this.#judgeSlowly(question));
      return this.#noted(answer, ask);
    } catch (error) {
      return undecided(name, error instanceof SealwardError ? error : new SealwardError('ERR_INVARIANT', String(error), { cause: error }), 'deny', inForce);
    }
  }

  /** Only from what is held: no registry is asked, and a tag is what it was when it was last resolved. */
  async judgeHeld(name: string, ask: Omit<Ask, 'deadline' | 'signal' | 'registry'>): Promise<JudgedName> {
    const inForce = this.inForce();
    if (!inForce) return undecided(name, NOT_READY, 'deny');
    try {
      const view = viewOf(inForce) ?? (await prepareView(inForce));
      const named = this.#fromName(name, inForce, view, ask);
      if (named) return named;
      const reference = inRegistry(name);
      const question: Question = { name, reference, inForce, view, ask: { ...ask, deadline: this.clock.now() } };
      const digest = reference.digest ?? this.#tags.held(reference);
      if (!digest) return this.#unresolved(question, new SealwardError('ERR_EVIDENCE_MISSING', `what ${name} stands for is not held`));
      const sought = this.#sought(question, digest);
      const held = this.#evidence.recall(sought, view);
      if (held) return this.#decide(question, held, 'memory');
      const { held: known, isKnown } = await this.#evidence.load(sought, view);
      return this.#decide(question, known, isKnown ? 'store' : 'nothing');
    } catch (error) {
      return undecided(name, error instanceof SealwardError ? error : new SealwardError('ERR_INVARIANT', String(error), { cause: error }), 'deny', inForce);
    }
  }

  /**
   * Gathers evidence about these images ahead, one after the other, and again when it has grown old; with the images that an
   * index lists, so that what is signed of it is known to cover them. Registries that may not be contacted are left out.
   */
  prefetch(names: Iterable<string>): void {
    this.#prefetch.add(names);
  }

  /**
   * Gathers all that there is about one image now, in every place. False when something did not answer (who refuses us
   * answers), or there is no trust yet by which to know whom one may ask; never throws.
   */
  async gather(name: string): Promise<boolean> {
    const inForce = this.inForce();
    if (!inForce) return false;
    try {
      const reference = inRegistry(name);
      const view = await prepareView(inForce);
      const deadline = this.clock.now() + this.#patience;
      const question: Question = { name, reference, inForce, view, ask: { place: {}, deadline, signal: this.#ending.signal } };
      if (this.#refused(question) !== undefined) return true;
      const digest = reference.digest ?? (await this.#tags.resolve(reference, this.#options.registry, question.ask));
      if (digest instanceof SealwardError) return digest.code === 'ERR_NOT_FOUND' || digest.family === 'AccessError';
      return await this.#evidence.refresh(this.#sought(question, digest), view, this.#options.registry);
    } catch (error) {
      // A name that is none has nothing to be gathered; whatever else it is, the others go on.
      return error instanceof SealwardError && error.family === 'InputError';
    }
  }

  /** Ends what is under way; whoever still waits is answered. */
  async close(): Promise<void> {
    this.#ending.abort();
    await Promise.all([
      this.#prover.close(),
      this.#trust.close(),
      this.#prefetch.close(),
      this.#evidence.close(),
      this.#admissions.close(),
      this.#pins?.close(),
    ]);
  }

  #sought({ reference }: Question, digest: Digest): Sought {
    return { repository: reference, signatures: this.#options.signatureRepository ?? reference, digest };
  }

  /** What is held may allow without any I/O; and what was found out just now need not be found out again. */
  #fromMemory(question: Question, digest: Digest): JudgedName | undefined {
    const sought = this.#sought(question, digest);
    const held = this.#evidence.recall(sought, question.view);
    const answer = held && this.#decide(question, held, 'memory');
    if (answer && isFinal(answer)) return question.reference.digest ? this.#kept(heldKey(sought.signatures, digest), held, answer) : answer;
    const recent = this.#evidence.recent(sought, question.view, question.ask.registry ?? this.#options.registry);
    return recent && this.#decide(question, recent, 'memory');
  }

  async #judgeSlowly(question: Question): Promise<JudgedName> {
    const { reference, view, ask } = question;
    const refused = this.#refused(question);
    if (refused !== undefined) return this.#refuseRegistry(question, refused);
    const digest = reference.digest ?? (await this.#tags.resolve(reference, ask.registry ?? this.#options.registry, ask));
    if (digest instanceof SealwardError) return this.#unresolved(question, digest);
    const known = reference.digest ? undefined : this.#fromMemory(question, digest);
    if (known) return known;
    const sought = this.#sought(question, digest);
    const loaded = await this.#evidence.load(sought, view);
    const first = this.#decide(question, loaded.held, loaded.isKnown ? 'store' : 'nothing');
    // While the store was read somebody else may have found it out.
    return isFinal(first) ? first : (this.#fromMemory(question, digest) ?? this.#gathered(question, sought, loaded));
  }

  async #gathered(question: Question, sought: Sought, loaded: Loaded): Promise<JudgedName> {
    const { name, view, inForce, ask } = question;
    let known: Pick<Loaded, 'evidence' | 'covering'> = loaded;
    for (;;) {
      const gathering = this.#evidence.gathering(sought, view, ask.registry ?? this.#options.registry, known);
      const landing = await gathering.ask(() => isFinal(this.#decide(question, gathering.facts(view), 'registry')), this.clock, ask.deadline, ask.signal);
      if (landing === 'late') return this.#decide(question, gathering.late(view), 'registry');
      if (gathering.failure !== undefined) return undecided(name, ourFault(gathering.failure), 'deny', inForce);
      if (landing === 'ended' && gathering.ranOut && ask.deadline > this.clock.now() && !ask.signal?.aborted) {
        // Who joined it when it was nearly over has his own time yet.
        known = { ...loaded, evidence: gathering.evidence };
        continue;
      }
      const held = gathering.settled(view);
      this.#evidence.keep(sought, held);
      return this.#decide(question, held, 'registry');
    }
  }

  /** The first registry that would have to be contacted and may not be. */
  #refused({ reference, inForce }: Question): string | undefined {
    const { signatureRepository = reference } = this.#options;
    return [reference.registry, signatureRepository.registry].find((registry) => !this.#allows(inForce, registry));
  }

  /** A registry that nobody speaks of is not contacted; what is held about the digest, and the default rule, still count. */
  async #refuseRegistry(question: Question, host: string): Promise<JudgedName> {
    const { reference, view } = question;
    const cause = new SealwardError('ERR_REGISTRY_NOT_ALLOWED', `${host} is not on the list of registries that may be contacted`);
    if (!reference.digest) return this.#unresolved(question, cause);
    const sought = this.#sought(question, reference.digest);
    const { held, isKnown } = await this.#evidence.load(sought, view);
    return this.#decide(question, refusedPlaces(held, cause), isKnown ? 'store' : 'nothing');
  }

  #unresolved({ name, reference, inForce, ask }: Question, cause: SealwardError): JudgedName {
    const { policies, trust } = inForce;
    const image = { repository: formatRepository(reference), ...(reference.tag === undefined ? {} : { tag: reference.tag }) };
    return undecided(name, cause, actionUnresolved(policies, trust, image, ask.place), inForce);
  }

  #decide({ name, reference, inForce, ask }: Question, held: HeldFacts, from: AnsweredFrom): DecidedName {
    return this.#decideOver(held, { name, tag: reference.tag, inForce, ask, from });
  }

  /** What is held under the very name, when signatures lie beside images. */
  #fromName(name: string, inForce: InForce, view: View, ask: Pick<Ask, 'place' | 'admittedBefore'>): DecidedName | undefined {
    const held = this.#options.signatureRepository ? undefined : this.#evidence.recallNamed(name, view);
    return held && this.#kept(name, held, this.#decideOver(held, { name, tag: undefined, inForce, ask, from: 'memory' }));
  }

  /** @param key under which the facts are held. */
  #kept(key: string, held: HeldFacts, answer: DecidedName): DecidedName {
    if (answer.outcome === 'verified') this.#answers.keep(answer.name, key, held, answer);
    return answer;
  }

  #decideOver(held: HeldFacts, { name, tag, inForce, ask, from }: Deciding): DecidedName {
    const { policies, trust } = inForce;
    const { repository, digest, labels, values, facts, evidence, known } = held;
    const { admittedBefore = false, place } = ask;
    const request: Request = {
      repository,
      ...(tag === undefined ? {} : { tag }),
      digest,
      place,
      ...(labels ? { labels } : {}),
      admittedBefore: typeof admittedBefore === 'function' ? admittedBefore(digest) : admittedBefore,
      ...(this.#options.tier === undefined ? {} : { tier: this.#options.tier }),
      now: this.clock.now(),
    };
    const decision: Decision = decide(facts, policies, trust, request, (statement, condition) => values.get(`${statement} ${condition}`));
    return new DecidedName(decision, { name, request, evidence, ...(known === undefined ? {} : { known }), inForce, from });
  }

  /** So that pruning spares what was let in. A note that cannot be written changes no answer. */
  #noted(answer: JudgedName, { dryRun = false, registry }: Pick<Ask, 'dryRun' | 'registry'>): JudgedName {
    const { action, digest, known } = answer;
    if (known !== undefined && !dryRun) this.#pins?.note(known);
    if (action === 'deny' || digest === undefined || dryRun) return answer;
    this.#admissions.note(digest);
    // In the background nobody has the credentials of a namespace.
    if (this.#options.prefetch?.seen && !registry) this.#prefetch.add([answer.name], SEEN_AFTER);
    return answer;
  }
}

interface Deciding {
  readonly name: string;
  readonly tag: string | undefined;
  readonly inForce: InForce;
  readonly ask: Pick<Ask, 'place' | 'admittedBefore'>;
  readonly from: AnsweredFrom;
}

interface Question {
  readonly name: string;
  readonly reference: Reference;
  readonly inForce: InForce;
  readonly view: View;
  readonly ask: Ask;
}

/** An image that was just let in was just asked about. Milliseconds. */
const SEEN_AFTER = 60_000;

/** Whether asking anybody could give another answer. */
function isFinal({ outcome, decision }: DecidedName): boolean {
  return outcome === 'verified' || decision.isSettled;
}

/** Folders are nothing that a cluster could pull from, and nothing that whoever writes an object may have read. */
function inRegistry(name: string): Reference {
  const reference = parseReference(name);
  if (reference.registry === LAYOUT) throw new SealwardError('ERR_REFERENCE_INVALID', `${quoted(name)} is no image of a registry`);
  return reference;
}

const NOT_READY = new SealwardError('ERR_TRUST_MISSING', 'no trust state with policies was taken yet');

function ourFault(cause: unknown): SealwardError {
  return cause instanceof SealwardError ? cause : new SealwardError('ERR_INVARIANT', `evidence could not be gathered: ${String(cause)}`, { cause });
}

/** Places that may not be asked are not merely missing from what is held. */
function refusedPlaces(held: HeldFacts, { code, message, hint }: SealwardError): HeldFacts {
  const places = held.facts.places.map((place) => (place.state === 'unavailable' ? { ...place, cause: { code, message, hint } } : place));
  const { known: _, ...rest } = held;
  return { ...rest, facts: { ...held.facts, places } };
}
