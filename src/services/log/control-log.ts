/**
 * The log of what was done: certificates given, keys made and retired, policies changed, who looked at what. Each entry is a
 * signed statement in an envelope, logged as Rekor logs attestations, so that any tool that verifies attestations verifies it.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Signer } from '../../clients/signers/index.ts';
import type { ServiceRoute } from '../../core/contract/index.ts';
import { sha256 } from '../../core/crypto/index.ts';
import { concatBytes, decodeUtf8, encodeBase64, encodeHex, type JsonObject, parseJsonObject, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { leafHash } from '../../core/tlog/index.ts';
import { checkAuditor, envelopePath, type SealedStatement, sealStatement, type StatementSource } from './control-statement.ts';
import type { Included } from './log-engine.ts';
import { type LogOptions, type OpenedLog, openLog } from './open-log.ts';
import { transparencyLogEntry } from './rekor-answer.ts';
import { tileRoutes } from './tile-routes.ts';

/** What can happen; each has a predicate type of its own. */
export type ControlEventKind = 'signing' | 'key' | 'policy' | 'access' | 'checkpoint' | 'finding' | 'shard';

export interface ControlEvent {
  readonly kind: ControlEventKind;
  /** What was done: `issue`, `rotate`, `export`. */
  readonly action: string;
  /** What it was done to, by its SHA-256 in hexadecimal: a key, a policy, a certificate, an image. */
  readonly subject: { readonly name: string; readonly sha256: string };
  readonly actor: string;
  readonly details?: JsonObject;
  /** Values that are not to stand in the log for ever: it keeps a salted hash of each, and what opens it goes where it can be erased. */
  readonly personal?: Readonly<Record<string, string>>;
}

export interface Opening {
  readonly value: string;
  /** Hexadecimal; SHA-256 over the salt's 32 bytes and the value is what the entry holds. */
  readonly salt: string;
}

export interface ControlLogOptions extends Omit<LogOptions, 'form'> {
  /** Signs the statements; another key than the one that signs checkpoints. */
  readonly auditor: Signer;
  /** Which part of the system speaks, such as `server-1`. */
  readonly source: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Keeps what opens the personal values of an entry, where it can be erased; without it they cannot be opened. */
  readonly keepOpenings?: (leaf: Uint8Array, openings: Readonly<Record<string, Opening>>) => Promise<void>;
  /** Of the paths under which it is served. */
  readonly prefix?: string;
}

export interface ControlLog extends OpenedLog {
  /** Returns when the event stands under a signed checkpoint. Events of one process keep their order. */
  record(event: ControlEvent): Promise<Included>;
  /** The Sigstore bundle of an entry, as JSON; undefined when there is no such entry. */
  bundle(index: bigint): Promise<string | undefined>;
  readonly routes: readonly ServiceRoute[];
}

interface Wanted {
  readonly event: ControlEvent;
  readonly resolve: (value: Included) => void;
  readonly reject: (error: unknown) => void;
}

interface Written extends SealedStatement {
  readonly wanted: Wanted;
}

const OUTSTANDING = 10_000;
const AT_ONCE = 256;
const RETRY_MS = 200;
const SALT_BYTES = 32;

export async function openControlLog(options: ControlLogOptions): Promise<ControlLog> {
  const { auditor, prefix = '' } = options;
  checkAuditor(auditor);
  const log = await openLog(options);
  const writer = new ControlWriter(log, options);
  const bundle = (index: bigint): Promise<string | undefined> => readBundleOf(log, auditor, index);
  return {
    ...log,
    record: (event) => writer.record(event),
    bundle,
    routes: [...tileRoutes(log.tiles, [prefix]), bundleRoute(bundle, prefix)],
    async close() {
      await writer.settle();
      await log.close();
    },
  };
}

/** One chain of records for each start of a process: who reads it sees where one is missing. */
class ControlWriter {
  readonly #log: OpenedLog;
  readonly #options: ControlLogOptions;
  readonly #boot = randomUUID();
  readonly #waiting: Wanted[] = [];
  #counter = 0;
  #settling = false;
  #previous = '';
  #writing: Promise<void> | undefined;

  constructor(log: OpenedLog, options: ControlLogOptions) {
    this.#log = log;
    this.#options = options;
  }

  record(event: ControlEvent): Promise<Included> {
    if (this.#waiting.length >= OUTSTANDING) return Promise.reject(new SealwardError('ERR_LOG_BUSY', `${this.#waiting.length} events wait to be written down`));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ event, resolve, reject });
      this.#writing ??= this.#write();
    });
  }

  /** Writes what waits, once; what cannot be written now is given up. */
  async settle(): Promise<void> {
    this.#settling = true;
    await this.#writing;
  }

  async #write(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const batch: Written[] = [];
      for (const wanted of this.#waiting.splice(0, AT_ONCE)) {
        try {
          batch.push(await this.#seal(wanted));
        } catch (error) {
          wanted.reject(error);
        }
      }
      await this.#put(batch);
    }
    this.#writing = undefined;
  }

  async #put(batch: readonly Written[]): Promise<void> {
    // An entry without its envelope would say nothing, so the envelope is kept first.
    for (let left = batch; left.length > 0; ) {
      try {
        await this.#log.keep(left.map(({ envelope }) => envelope));
        const outcomes = await Promise.allSettled(left.map((entry) => this.#log.add(entry)));
        const failed = outcomes.find((outcome) => outcome.status === 'rejected');
        left.forEach(({ wanted }, i) => {
          const outcome = outcomes[i];
          if (outcome?.status === 'fulfilled') wanted.resolve(outcome.value);
        });
        left = left.filter((_, i) => outcomes[i]?.status === 'rejected');
        if (failed) throw failed.reason;
      } catch (error) {
        // The chain goes on from these records, so they are tried until they stand, or the log has stopped.
        if (this.#settling || !this.#log.health().ready || !(error instanceof SealwardError) || !error.retryable) {
          for (const { wanted } of left) wanted.reject(error);
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  async #seal(wanted: Wanted): Promise<Written> {
    const { auditor, keepOpenings } = this.#options;
    const { source, openings } = this.#statement(wanted.event);
    const sealed = await sealStatement(auditor, source);
    if (Object.keys(openings).length > 0) await keepOpenings?.(sealed.leaf, openings);
    this.#counter++;
    this.#previous = encodeHex(sealed.leaf);
    return { wanted, ...sealed };
  }

  #statement({ kind, action, subject, actor, details = {}, personal = {} }: ControlEvent): {
    readonly source: StatementSource;
    readonly openings: Record<string, Opening>;
  } {
    const { source, now } = this.#options;
    const openings: Record<string, Opening> = {};
    const commitments: Record<string, string> = {};
    for (const [name, value] of Object.entries(personal)) {
      const salt = new Uint8Array(randomBytes(SALT_BYTES));
      openings[name] = { value, salt: encodeHex(salt) };
      commitments[name] = encodeHex(sha256(concatBytes(salt, utf8(value))));
    }
    const predicate = {
      action,
      actor,
      at: new Date(now()).toISOString(),
      source: { name: source, boot: this.#boot },
      counter: this.#counter,
      previous: this.#previous,
      details,
      commitments,
    };
    return { source: { kind, subject, predicate }, openings };
  }
}

/** Bundle v0.3 of sigstore/protobuf-specs, verified with the auditor's key and the log of a trusted root. */
async function readBundleOf(log: OpenedLog, auditor: Signer, index: bigint): Promise<string | undefined> {
  if (index < 0n || index >= log.tiles.size()) return undefined;
  const { body, included } = await log.proven(index);
  const envelope = await log.kept(envelopePath(leafHash(body)));
  if (!envelope) return undefined;
  return JSON.stringify({
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: {
      publicKey: { hint: encodeBase64(sha256(auditor.publicKey().spki)) },
      tlogEntries: [parseJsonObject(transparencyLogEntry({ kind: 'hashedrekord', body }, included, log.logId), { what: 'the entry' })],
    },
    dsseEnvelope: parseJsonObject(decodeUtf8(envelope, 'the envelope'), { what: 'the envelope' }),
  });
}

function bundleRoute(bundle: ControlLog['bundle'], prefix: string): ServiceRoute {
  return {
    method: 'GET',
    path: `${prefix}/bundle/:index`,
    maxBytes: 0,
    async answer({ params }) {
      const { index = '' } = params;
      if (!/^(?:0|[1-9]\d{0,17})$/.test(index)) throw new SealwardError('ERR_REQUEST_INVALID', 'the index of an entry is a decimal number');
      const body = await bundle(BigInt(index));
      if (body === undefined) throw new SealwardError('ERR_NOT_FOUND', `there is no entry ${index} under a checkpoint`);
      return { status: 200, headers: { 'content-type': 'application/vnd.dev.sigstore.bundle.v0.3+json', 'cache-control': 'no-cache' }, body };
    },
  };
}
