/** Who signs, and who vouches for it: with a key, or without one by a token for a certificate of ten minutes. */
import { SealwardError } from '../../core/errors.ts';
import { fetchedTrust } from './fetched-trust.ts';
import type { Endorsement, EndorsementAsked } from './endorsement-asked.ts';
import { signersFor } from './signer.ts';

const SERVICE_FLAGS = ['signing-config', 'trust-url', 'fulcio-url', 'rekor-url', 'timestamp-server-url'] as const;

/**
 * With --key and none of the flags of services, nothing but the key signs: no log and no authority hears of it, and nothing of theirs is
 * loaded. @param meanwhile called while the authority makes a certificate; not at all when a key signs.
 */
export async function endorsementFor(invocation: EndorsementAsked, command: string, meanwhile?: () => void): Promise<Endorsement> {
  const { flags, given } = invocation;
  const asksServices = SERVICE_FLAGS.some((name) => given.has(name));
  if (flags.key.length > 0) {
    if (given.has('identity-token'))
      throw new SealwardError('ERR_FLAG_CONFLICT', '--key and --identity-token contradict each other: a key has no identity', { hint: 'Give one of them.' });
    const [signer, ...companions] = await signersFor(invocation, flags.key, flags['password-file'], command);
    if (!asksServices) return { signer, companions };
    return { signer, companions, endorser: await (await import('./services.ts')).endorserOf(invocation) };
  }
  // Nobody has said where certificates come from: then it is a key that is missing.
  if (!asksServices && fetchedTrust(invocation.config)?.signingConfig === undefined) await signersFor(invocation, [], undefined, command);
  return { ...(await (await import('./services.ts')).keyless(invocation, meanwhile)), companions: [] };
}
