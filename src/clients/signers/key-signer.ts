/** A signer that holds its private key in this process, as it came from a key file. */
import { type Algorithm, algorithmFits, defaultAlgorithm, type KeyObject, publicKeyOf, signBytes, verifySignature } from '../../core/crypto/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { Signer } from './signer.ts';

/** Without an algorithm it is the one that Sigstore's registry gives a key of this kind. */
export function keySigner(privateKey: KeyObject, algorithm?: Algorithm): Signer {
  const publicKey = publicKeyOf(privateKey);
  const chosen = algorithm ?? defaultAlgorithm(publicKey);
  if (!algorithmFits(chosen, publicKey)) throw new SealwardError('ERR_KEY_INVALID', `the private key cannot sign with ${chosen.id}`);
  return {
    publicKey: () => publicKey,
    algorithm: chosen,
    async sign(message) {
      const signature = signBytes(privateKey, chosen, message);
      // A fault while signing can give the private key away to whoever sees the signature; it must not leave unchecked.
      if (!verifySignature(publicKey, chosen, { bytes: message }, signature)) {
        throw new SealwardError('ERR_INVARIANT', 'a signature that was just made does not verify');
      }
      return signature;
    },
  };
}
