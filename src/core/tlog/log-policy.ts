/** Which logs and which witnesses a reader trusts, and how many of these must have cosigned (C2SP tlog-policy). */
import { decodeUtf8, LIMITS } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { logFormatError, shown } from './log-format.ts';
import { type NoteVerifier, parseVerifierKey } from './note-verifier.ts';

export interface PolicyParty {
  readonly verifier: NoteVerifier;
  readonly url?: string;
}

export interface LogPolicy {
  readonly logs: readonly PolicyParty[];
  /** By the name that they have in the policy. */
  readonly witnesses: ReadonlyMap<string, PolicyParty>;
  readonly quorum: Quorum;
}

/** A witness, or so many of several. */
export type Quorum = { readonly witness: string } | { readonly atLeast: number; readonly of: readonly Quorum[] };

const NOBODY: Quorum = { atLeast: 0, of: [] };

/** Throws ERR_LOG_FORMAT, or ERR_TOO_LARGE past LIMITS.logPolicyBytes. */
export function parseLogPolicy(source: Uint8Array): LogPolicy {
  if (source.length > LIMITS.logPolicyBytes) throw new SealwardError('ERR_TOO_LARGE', `the log policy is larger than ${LIMITS.logPolicyBytes} bytes`);
  const reader = new PolicyReader();
  const text = decodeUtf8(source, 'the log policy');
  // "The only allowed control characters are tab and newline."
  if (/[\u0000-\u0008\u000b-\u001f\u007f]/.test(text)) throw logFormatError('the log policy holds a control character');
  for (const [i, line] of text.split('\n').entries()) {
    const words = line.split(/[ \t]+/).filter((word) => word !== '');
    if (words.length === 0 || words[0]?.startsWith('#')) continue;
    try {
      reader.read(words);
    } catch (error) {
      if (!(error instanceof SealwardError)) throw error;
      throw logFormatError(`line ${i + 1} of the log policy: ${error.message}`, error);
    }
  }
  return reader.finish();
}

class PolicyReader {
  readonly #logs: PolicyParty[] = [];
  readonly #witnesses = new Map<string, PolicyParty>();
  readonly #names = new Map<string, Quorum>();
  readonly #members = new Set<string>();
  #quorum: Quorum | undefined;

  read([word, ...rest]: readonly string[]): void {
    if (word === 'log' && rest.length >= 1 && rest.length <= 2) return void this.#logs.push(this.#log(rest));
    if (word === 'witness' && rest.length >= 2 && rest.length <= 3) return this.#witness(rest);
    if (word === 'group' && rest.length >= 3) return this.#group(rest);
    if (word === 'quorum' && rest.length === 1) return this.#setQuorum(rest[0] as string);
    throw logFormatError(`${shown(word ?? '')} is no line of a log policy`);
  }

  #log([vkey, url]: readonly string[]): PolicyParty {
    const log = party(vkey as string, url);
    // A type that states the log's own signature; ML-DSA keys serve logs and witnesses alike.
    if (log.verifier.statement === 'cosignature/v1') throw logFormatError('the key of a log is of a type that witnesses have');
    if (this.#logs.some(({ verifier }) => verifier.key.fingerprint === log.verifier.key.fingerprint)) throw logFormatError('this log stands twice in it');
    return log;
  }

  #witness([name, vkey, url]: readonly string[]): void {
    const witness = party(vkey as string, url);
    if (witness.verifier.statement === 'text') throw logFormatError('the key of a witness is of a type that logs have');
    for (const { verifier } of this.#witnesses.values()) {
      if (verifier.key.fingerprint === witness.verifier.key.fingerprint) throw logFormatError('this witness stands twice in it');
    }
    this.#define(name as string, { witness: name as string });
    this.#witnesses.set(name as string, witness);
  }

  #group([name, count, ...members]: readonly string[]): void {
    const of = members.map((member) => {
      const found = this.#names.get(member);
      if (!found) throw logFormatError(`${shown(member)} is not defined before it`);
      if (this.#members.has(member)) throw logFormatError(`${shown(member)} is a member of two groups, or twice of one`);
      this.#members.add(member);
      return found;
    });
    this.#define(name as string, { atLeast: threshold(count as string, of.length), of });
  }

  #define(name: string, value: Quorum): void {
    if (name === 'none' || this.#names.has(name)) throw logFormatError(`the name ${shown(name)} is taken`);
    this.#names.set(name, value);
  }

  #setQuorum(name: string): void {
    if (this.#quorum) throw logFormatError('there is a quorum already');
    this.#quorum = name === 'none' ? NOBODY : this.#names.get(name);
    if (!this.#quorum) throw logFormatError(`${shown(name)} is not defined before it`);
  }

  finish(): LogPolicy {
    if (!this.#quorum) throw logFormatError('the log policy names no quorum');
    return { logs: this.#logs, witnesses: this.#witnesses, quorum: this.#quorum };
  }
}

function party(vkey: string, url: string | undefined): PolicyParty {
  return { verifier: parseVerifierKey(vkey), ...(url === undefined ? {} : { url }) };
}

function threshold(word: string, members: number): number {
  if (word === 'any') return 1;
  if (word === 'all') return members;
  const count = /^[1-9][0-9]{0,8}$/.test(word) ? Number(word) : 0;
  if (count < 1 || count > members) throw logFormatError(`${shown(word)} of ${members} members cannot be asked for`);
  return count;
}

/** @param cosigned those whose cosignatures verified. */
export function meetsQuorum({ witnesses, quorum }: LogPolicy, cosigned: readonly NoteVerifier[]): boolean {
  const names = new Set([...witnesses].filter(([, { verifier }]) => cosigned.includes(verifier)).map(([name]) => name));
  const met = (wanted: Quorum): boolean => ('witness' in wanted ? names.has(wanted.witness) : wanted.of.filter(met).length >= wanted.atLeast);
  return met(quorum);
}
