/** Asking witnesses to cosign a checkpoint (C2SP tlog-witness), all at once, until the policy is met or the time is over. */
import { decodeUtf8, LIMITS, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import {
  encodeNote,
  encodeSubmission,
  type LogPolicy,
  meetsQuorum,
  type Note,
  type NoteSignature,
  type NoteVerifier,
  parseCheckpoint,
  parseNote,
  parseSignatureLines,
  type PolicyParty,
  verifyNote,
} from '../../core/tlog/index.ts';
import { bareHost, type HttpClient, type HttpResponse } from '../http/index.ts';

export interface AskWitnesses {
  readonly http: HttpClient;
  readonly policy: LogPolicy;
  /** The checkpoint as the log signed it. */
  readonly envelope: string;
  /** Proves that the tree of the checkpoint follows the one of `old` entries; asked for again when a witness is elsewhere. */
  readonly prove: (old: bigint) => Promise<readonly Uint8Array[]>;
  /** What each witness cosigned last, by its name in the policy; moved on here. A missing one is asked. */
  readonly seen: Map<string, bigint>;
  /** On the clock of `http`. */
  readonly deadline: number;
  readonly signal?: AbortSignal;
  /** Milliseconds for which the others are waited for when the policy is met; all of them until the deadline when not said. */
  readonly linger?: number;
  /** Told why a witness refused to whom nobody listens any more. */
  readonly late?: (error: SealwardError) => void;
  /** Who was asked about an earlier checkpoint and has not answered yet. Not asked meanwhile: what overtakes looks like a log that went back. */
  readonly busy?: Set<string>;
}

export interface Witnesses {
  /** The checkpoint with the cosignatures that verified. */
  readonly envelope: string;
  /** Whether they are as many as the policy wants. Where that is asked for, what is not met is not published. */
  readonly met: boolean;
  readonly cosigned: readonly string[];
  /** Why the others did not, by their names in the policy. */
  readonly refused: ReadonlyMap<string, SealwardError>;
}

const LARGEST_ANSWER = 64 * 1024;

/** Never throws for what a witness does. A witness that has seen more than this log has is ERR_LOG_ROLLED_BACK: nothing may be signed then. */
export async function askWitnesses(options: AskWitnesses): Promise<Witnesses> {
  const { policy, linger, late, busy = new Set() } = options;
  const note = parseNote(options.envelope);
  const lines: NoteSignature[] = [];
  const verifiers: NoteVerifier[] = [];
  const cosigned: string[] = [];
  const refused = new Map<string, SealwardError>();
  const enough = Promise.withResolvers<void>();
  let answered = false;
  const asking = [...policy.witnesses].map(async ([name, witness]) => {
    if (busy.has(name))
      return void refused.set(name, new SealwardError('ERR_WITNESS_REFUSED', `the witness ${name} has not answered about an earlier checkpoint`));
    busy.add(name);
    try {
      const own = await askOne(name, witness, note, options);
      // It has cosigned, and the next checkpoint goes on from there; this one is gone.
      if (answered) return;
      lines.push(...own);
      verifiers.push(witness.verifier);
      cosigned.push(name);
      if (meetsQuorum(policy, verifiers)) enough.resolve();
    } catch (error) {
      if (!(error instanceof SealwardError)) throw error;
      if (answered) return late?.(error);
      refused.set(name, error);
    } finally {
      busy.delete(name);
    }
  });
  await (linger === undefined ? Promise.all(asking) : Promise.race([Promise.all(asking), enough.promise.then(() => pause(linger))]));
  answered = true;
  for (const name of policy.witnesses.keys()) {
    if (!cosigned.includes(name) && !refused.has(name))
      refused.set(name, new SealwardError('ERR_WITNESS_REFUSED', `the witness ${name} has not answered in time`));
  }
  for (const error of refused.values()) if (error.code === 'ERR_LOG_ROLLED_BACK') throw error;
  return { envelope: encodeNote(note.text, [...note.signatures, ...lines]), met: meetsQuorum(policy, verifiers), cosigned, refused };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

async function askOne(name: string, { verifier, url }: PolicyParty, note: Note, options: AskWitnesses): Promise<readonly NoteSignature[]> {
  if (url === undefined) throw new SealwardError('ERR_WITNESS_REFUSED', `the policy says no URL of the witness ${name}`);
  const { size } = parseCheckpoint(note);
  let old = options.seen.get(name) ?? 0n;
  let answer = await submit(name, url, old, options);
  if (answer.status === 409) {
    old = sizeOf(answer, name);
    if (old > size) throw new SealwardError('ERR_LOG_ROLLED_BACK', `the witness ${name} has seen ${old} entries of this log, and it holds ${size}`);
    answer = await submit(name, url, old, options);
  }
  if (answer.status !== 200) throw refusedBy(name, answer);
  const lines = cosignaturesOf(name, answer, note, verifier);
  options.seen.set(name, size);
  return lines;
}

async function submit(name: string, prefix: string, old: bigint, { http, envelope, prove, deadline, signal }: AskWitnesses): Promise<HttpResponse> {
  const { size } = parseCheckpoint(parseNote(envelope));
  const proof = old === 0n || old >= size ? [] : await prove(old);
  const url = URL.parse(`${prefix.replace(/\/+$/, '')}/add-checkpoint`);
  if (!url) throw new SealwardError('ERR_WITNESS_REFUSED', `the policy says a URL of the witness ${name} that is none`);
  return http.send({
    method: 'POST',
    url,
    home: { host: bareHost(url), privateHosts: [] },
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: utf8(encodeSubmission({ old, proof, envelope })),
    deadline,
    ...(signal ? { signal } : {}),
    maxBytes: LARGEST_ANSWER,
    what: `the cosignature of the witness ${name}`,
    // A witness answers the same for the same size.
    idempotent: true,
  });
}

/** A witness says in the body of 409 what it cosigned last; an equal size with another root says no new one. */
function sizeOf(answer: HttpResponse, name: string): bigint {
  const text = decodeUtf8(answer.bytes.subarray(0, LIMITS.errorBodyBytes), 'the answer of the witness');
  const [size] = /^(?:0|[1-9][0-9]{0,18})(?=\n$)/.exec(text) ?? [];
  if (size === undefined || answer.headers.one('content-type')?.split(';')[0] !== 'text/x.tlog.size') throw refusedBy(name, answer);
  return BigInt(size);
}

/** Lines of unknown keys are ignored; one of its own that does not verify spoils the answer. */
function cosignaturesOf(name: string, answer: HttpResponse, note: Note, verifier: NoteVerifier): readonly NoteSignature[] {
  let lines: readonly NoteSignature[];
  try {
    lines = parseSignatureLines(answer.bytes);
  } catch (cause) {
    throw new SealwardError('ERR_WITNESS_REFUSED', `the witness ${name} answered with something that is no signature`, { cause });
  }
  const own = lines.filter((line) => line.name === verifier.name && line.id === verifier.id);
  const verdict = verifyNote({ ...note, signatures: own }, [verifier]);
  if (!verdict.ok) throw new SealwardError('ERR_WITNESS_REFUSED', `the witness ${name} answered with a cosignature that does not verify: ${verdict.detail}`);
  return own;
}

function refusedBy(name: string, { status, bytes }: HttpResponse): SealwardError {
  const said = Buffer.from(bytes.subarray(0, 200))
    .toString('latin1')
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim();
  return new SealwardError('ERR_WITNESS_REFUSED', `the witness ${name} answered with status ${status}${said === '' ? '' : `: ${said}`}`);
}
