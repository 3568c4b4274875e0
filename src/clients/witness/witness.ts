/**
 * A witness: it cosigns what follows from what it cosigned before, and remembers before it answers. HTTP is for whoever
 * serves it: POST add-checkpoint gives `addCheckpoint` the body, GET <sha256 of the origin>/checkpoint asks `latest`.
 */
import { sha256 } from '../../core/crypto/index.ts';
import { encodeHex, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import {
  encodeNote,
  encodeSignature,
  judgeSubmission,
  type NoteKey,
  type NoteVerifier,
  parseSubmission,
  signLine,
  type Submission,
  type Witnessed,
} from '../../core/tlog/index.ts';

export interface WitnessedCheckpoint extends Witnessed {
  readonly origin: string;
  /** As its log and this witness signed it. */
  readonly note: string;
}

/** Where a witness remembers. A row per origin that is compared and set, in a database; never restored from a copy. */
export interface WitnessStore {
  latest(origin: string): Promise<WitnessedCheckpoint | undefined>;
  /** Sets the newest if it still has that size (undefined: if there is none); false if not. Returns when it is durable. */
  replace(origin: string, size: bigint | undefined, next: WitnessedCheckpoint): Promise<boolean>;
}

export interface WitnessOptions {
  /** Whom it witnesses: the keys of a log, by origin. */
  readonly logs: ReadonlyMap<string, readonly NoteVerifier[]>;
  /** Cosignature keys: Ed25519, and ML-DSA-44 beside it. */
  readonly keys: readonly NoteKey[];
  readonly store: WitnessStore;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
}

export interface WitnessAnswer {
  readonly status: 200 | 400 | 403 | 404 | 409 | 413 | 422;
  readonly contentType: string;
  readonly body: string;
}

const TEXT = 'text/plain; charset=utf-8';

export class Witness {
  readonly #options: WitnessOptions;
  readonly #origins: ReadonlyMap<string, string>;

  constructor(options: WitnessOptions) {
    this.#options = options;
    this.#origins = new Map([...options.logs.keys()].map((origin) => [encodeHex(sha256(utf8(origin))), origin]));
  }

  /** Refusals are answers; what is thrown is that the witness cannot remember or sign, and is 503 to the log. */
  async addCheckpoint(body: Uint8Array): Promise<WitnessAnswer> {
    let submission: Submission;
    try {
      submission = parseSubmission(body);
    } catch (error) {
      if (!(error instanceof SealwardError) || error.family !== 'InputError') throw error;
      return refuse(error.code === 'ERR_TOO_LARGE' ? 413 : 400, error.message);
    }
    const { origin } = submission.checkpoint;
    const keys = this.#options.logs.get(origin);
    if (!keys) return refuse(404, 'this witness does not know that log');
    for (;;) {
      const latest = await this.#options.store.latest(origin);
      const verdict = judgeSubmission(submission, keys, latest);
      if (verdict.status === 409) return { status: 409, contentType: 'text/x.tlog.size', body: `${verdict.size}\n` };
      if (verdict.status !== 200) return refuse(verdict.status, verdict.why);
      const answer = await this.#cosign(submission, latest);
      // Somebody else was faster: judge again by what is remembered now.
      if (answer) return answer;
    }
  }

  async #cosign({ note, checkpoint }: Submission, latest: WitnessedCheckpoint | undefined): Promise<WitnessAnswer | undefined> {
    const { keys, store, clock = Date.now } = this.#options;
    const time = BigInt(Math.floor(clock() / 1000));
    const lines = await Promise.all(keys.map((key) => signLine(note.text, key, time)));
    const next = { origin: checkpoint.origin, size: checkpoint.size, root: checkpoint.root, note: encodeNote(note.text, [...note.signatures, ...lines]) };
    if (!(await store.replace(checkpoint.origin, latest?.size, next))) return undefined;
    return { status: 200, contentType: TEXT, body: lines.map(encodeSignature).join('') };
  }

  /** @param name lower-case hexadecimal SHA-256 of an origin. */
  async latest(name: string): Promise<string | undefined> {
    const origin = this.#origins.get(name);
    return origin === undefined ? undefined : (await this.#options.store.latest(origin))?.note;
  }
}

function refuse(status: 400 | 403 | 404 | 413 | 422, why: string): WitnessAnswer {
  return { status, contentType: TEXT, body: `${why}\n` };
}
