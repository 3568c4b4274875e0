/**
 * The wrapper around every key that something else keeps. Whatever comes back is verified with the public key before
 * anyone sees it: a provider's word that it signed is not evidence, and a faulty signature can give an ECDSA key away.
 */
import { describeKey, ecdsaSignatureFromRaw, type PublicKey, verifySignature } from '../../core/crypto/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { Clock } from '../http/index.ts';
import type { Call, ProviderKey } from './provider.ts';
import type { OpenedSigner } from './signer.ts';
import { within } from './within.ts';

/** Above any signature that is accepted: ML-DSA-87 has 4,627 bytes. */
const MAX_SIGNATURE_BYTES = 5000;

export interface Limits {
  readonly clock: Clock;
  /** A new call with the time that it may take. */
  readonly call: () => Call;
}

/** @param name the key in messages; it must hold no secret. */
export function checkedSigner(key: ProviderKey, name: string, limits: Limits): OpenedSigner {
  const { publicKey, algorithm, keyVersion, withSha256 } = key;
  return {
    publicKey: () => publicKey,
    algorithm,
    ...(keyVersion === undefined ? {} : { keyVersion }),
    ...(withSha256 === undefined ? {} : { withSha256: checkedSigner(withSha256, name, limits) }),
    describe: () => `${name} (${describeKey(publicKey)}${keyVersion === undefined ? '' : `, version ${keyVersion}`})`,
    async sign(message) {
      // A copy, because a remote signer takes its time, and what is verified must be what was sent.
      const sent = Uint8Array.from(message);
      const answer = await within(limits.clock, limits.call(), `a signature by ${name}`, (call) => key.sign(sent, call));
      return acceptSignature(key, sent, answer, name);
    },
    close: async () => key.close?.(),
  };
}

function acceptSignature({ publicKey, algorithm }: ProviderKey, message: Uint8Array, answer: unknown, name: string): Uint8Array {
  if (!(answer instanceof Uint8Array) || answer.length === 0) throw refused(name, 'answered without a signature');
  const expected = exactLength(publicKey);
  if (answer.length > MAX_SIGNATURE_BYTES || (expected !== undefined && answer.length !== expected)) {
    throw refused(name, `answered with a signature of ${answer.length} bytes${expected === undefined ? '' : `, where its key makes ${expected}`}`);
  }
  // The two forms cannot be confused: only one of them can verify.
  const raw = publicKey.curve === undefined ? undefined : ecdsaSignatureFromRaw(publicKey.curve, answer);
  for (const form of raw === undefined ? [answer] : [answer, raw]) {
    if (verifySignature(publicKey, algorithm, { bytes: message }, form)) return Uint8Array.from(form);
  }
  throw refused(name, `answered with a signature that does not verify with its public key as ${algorithm.id}`);
}

/** Of a signature, for kinds that have only one length. */
function exactLength({ kind, bits }: PublicKey): number | undefined {
  if (kind === 'rsa') return Math.ceil((bits ?? 0) / 8);
  return kind === 'ed25519' ? 64 : undefined;
}

function refused(name: string, why: string): SealwardError {
  return new SealwardError('ERR_KEY_ANSWER', `${name} ${why}; nothing was signed with it`);
}
