/** Who says what must have been signed by whom: policies, or flags. What one of them says has no effect beside the other, and is refused. */
import { SealwardError } from '../../../core/errors.ts';
import { namesOf } from '../flag.ts';
import { policyFlags } from '../table/policy-flags.ts';
import { annotationFlags, signerFlags } from '../table/trust-flags.ts';

const SIGNERS: readonly string[] = namesOf(signerFlags);
const BY_FLAGS: readonly string[] = [
  ...SIGNERS,
  ...namesOf(annotationFlags),
  'insecure-ignore-tlog',
  'insecure-ignore-sct',
  'use-signed-timestamps',
  'tlog-threshold',
  'timestamp-threshold',
  'signature',
  'payload',
  'certificate',
];
const BY_POLICY: readonly string[] = [...namesOf(policyFlags), 'record'];
/** Parts of a trusted root, which a trust state has in itself. */
const ANCHORS: readonly string[] = ['trusted-root', 'certificate-chain', 'ca-roots', 'ca-intermediates', 'timestamp-certificate-chain'];

/**
 * Whether policies judge: those of --policy, or, where nothing says who must have signed, those of the trust state that
 * --trust-url names. Throws ERR_FLAG_CONFLICT for the first flag that would be without effect.
 */
export function asksPolicies(given: ReadonlySet<string>): boolean {
  const named = given.has('policy');
  const byPolicy = named || (given.has('trust-url') && !SIGNERS.some((flag) => given.has(flag)));
  const odd = [...given].find((flag) => (byPolicy ? BY_FLAGS : BY_POLICY).includes(flag));
  if (odd !== undefined)
    throw byPolicy
      ? new SealwardError(
          'ERR_FLAG_CONFLICT',
          named
            ? `--policy says what must have been signed by whom, and so does --${odd}`
            : `--${odd} is for judging by flags, and nothing says who must have signed`,
          { hint: named ? 'Give one of them.' : 'Leave it out to be judged by the policies of the trust state, or give --key or --certificate-identity.' },
        )
      : new SealwardError('ERR_FLAG_CONFLICT', `--${odd} is for judging by policies, and there are none`, {
          hint: given.has('trust-url')
            ? 'Leave out who must have signed, and the policies of the trust state judge; or name policies with --policy.'
            : 'Name the policies with --policy, or the trust state that has some with --trust-url; or leave it out.',
        });
  if (byPolicy) oneTrust(given, 'trust-url');
  return byPolicy;
}

/** With a trust state there is no other root. @param state the flag that names it. */
export function oneTrust(given: ReadonlySet<string>, state: string): void {
  const odd = given.has(state) ? ANCHORS.find((flag) => given.has(flag)) : undefined;
  if (odd !== undefined) throw new SealwardError('ERR_FLAG_CONFLICT', `--${state} and --${odd} contradict each other`, { hint: 'Give one of them.' });
}
