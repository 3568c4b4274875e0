/**
 * The bare node:crypto operations inside a computation: they are recorded once, with their arguments, and can then be
 * replayed without anything around them. What the replay takes is what no verifier of that evidence can do without.
 */
import crypto, { type ECDH, type Hash, type KeyObject } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

export interface RecordedCrypto {
  /** How often each function was called, for people: `2 verify, 7 hash`. */
  readonly summary: string;
  /** Does it all once more. */
  readonly replay: () => void;
}

type Call = (...args: unknown[]) => unknown;
type Step = () => unknown;

const PATCHED = ['verify', 'hash', 'createPublicKey', 'publicDecrypt', 'createHash', 'createECDH'] as const;

export function recordCrypto(run: () => void): RecordedCrypto {
  const module = crypto as unknown as Record<string, Call>;
  const real = Object.fromEntries(PATCHED.map((name) => [name, module[name] as Call]));
  const recorder = new Recorder(real);
  for (const name of PATCHED) module[name] = recorder.patched(name);
  syncBuiltinESMExports();
  try {
    run();
  } finally {
    Object.assign(module, real);
    syncBuiltinESMExports();
  }
  return recorder.result();
}

class Recorder {
  readonly #real: Readonly<Record<string, Call>>;
  readonly #steps: Step[] = [];
  readonly #counts = new Map<string, number>();
  /** Keys made during the recording: the replay must use those that it makes itself, because OpenSSL prepares a key at its first use. */
  readonly #keys = new Map<object, { made: object }>();

  constructor(real: Readonly<Record<string, Call>>) {
    this.#real = real;
  }

  patched(name: (typeof PATCHED)[number]): Call {
    switch (name) {
      case 'createPublicKey':
        return (...args) => this.#createPublicKey(args);
      case 'createHash':
        return (...args) => this.#createHash(args);
      case 'createECDH':
        return (...args) => this.#createEcdh(args);
      default:
        return (...args) => this.#plain(name, args);
    }
  }

  result(): RecordedCrypto {
    const steps = this.#steps;
    return {
      summary: [...this.#counts].map(([name, count]) => `${count} ${name}`).join(', '),
      replay: () => {
        for (let i = 0; i < steps.length; i++) (steps[i] as Step)();
      },
    };
  }

  #plain(name: string, args: readonly unknown[]): unknown {
    const call = this.#real[name] as Call;
    this.#count(name === 'verify' ? `verify (${keyName(args[2])})` : name);
    const kept = args.map(copied);
    const [a, b, c, d] = kept;
    const slot = name === 'verify' ? this.#keys.get(keyOf(c)) : undefined;
    if (!slot) this.#steps.push(() => call(a, b, c, d));
    else if (keyOf(c) === c) this.#steps.push(() => call(a, b, slot.made, d));
    else this.#steps.push(() => call(a, b, { ...(c as object), key: slot.made }, d));
    return call(...args);
  }

  #createPublicKey(args: readonly unknown[]): unknown {
    this.#count('createPublicKey');
    const create = this.#real['createPublicKey'] as Call;
    const made = create(...args) as object;
    const slot = { made };
    this.#keys.set(made, slot);
    const options = { ...(args[0] as { key: Uint8Array }) };
    options.key = copied(options.key) as Uint8Array;
    this.#steps.push(() => {
      slot.made = create(options) as object;
    });
    return made;
  }

  #createHash(args: readonly unknown[]): unknown {
    this.#count('createHash');
    const create = this.#real['createHash'] as (...args: unknown[]) => Hash;
    const state = create(...args);
    const parts: Uint8Array[] = [];
    const recording = {
      update: (part: Uint8Array) => {
        parts.push(copied(part) as Uint8Array);
        state.update(part);
        return recording;
      },
      digest: (encoding: 'hex') => {
        this.#steps.push(() => {
          const again = create(...args);
          for (const part of parts) again.update(part);
          again.digest(encoding);
        });
        return state.digest(encoding);
      },
    };
    return recording;
  }

  #createEcdh(args: readonly unknown[]): unknown {
    this.#count('ECDH');
    const create = this.#real['createECDH'] as (...args: unknown[]) => ECDH;
    const exchange = create(...args);
    let again = exchange;
    this.#steps.push(() => {
      again = create(...args);
    });
    const recorded = (name: 'setPrivateKey' | 'getPublicKey' | 'computeSecret') => {
      return (...given: unknown[]) => {
        const kept = given.map(copied) as [Uint8Array];
        this.#steps.push(() => (again[name] as Call)(...kept));
        return (exchange[name] as Call).apply(exchange, given);
      };
    };
    return { setPrivateKey: recorded('setPrivateKey'), getPublicKey: recorded('getPublicKey'), computeSecret: recorded('computeSecret') };
  }

  #count(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }
}

/** Buffers are reused once a call is over. */
function copied(value: unknown): unknown {
  return value instanceof Uint8Array ? new Uint8Array(value) : value;
}

/** The key of verify() stands alone, or beside its options. */
function keyOf(key: unknown): object {
  return 'key' in (key as object) ? (key as { key: object }).key : (key as object);
}

function keyName(key: unknown): string {
  const { asymmetricKeyType, asymmetricKeyDetails } = keyOf(key) as KeyObject;
  const { namedCurve, modulusLength } = asymmetricKeyDetails ?? {};
  return { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' }[namedCurve ?? ''] ?? `${asymmetricKeyType}${modulusLength ?? ''}`;
}
