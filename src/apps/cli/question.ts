/** What the flags of a verify command ask: flags to a FlagRequirement. Contradictions are refused before anything is read. */
import { predicateTypeOf } from '../../core/bundle/index.ts';
import type { FulcioClaimName } from '../../core/crypto/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { compilePattern, exactly, type Matcher, type FlagRequirement, type SignerRequirement } from '../../core/verify/index.ts';
import type { Flags, FlagValues } from './flag.ts';
import type { annotationFlags, predicateFlags, signerFlags, trustFlags } from './table/trust-flags.ts';

export type SignerValues = FlagValues<typeof signerFlags>;
export type TrustValues = FlagValues<typeof trustFlags>;
/** Flags that only some of the commands have. */
type Optional<F extends Flags> = Partial<FlagValues<F>>;
export type QuestionValues = SignerValues & TrustValues & Optional<typeof annotationFlags> & Optional<typeof predicateFlags>;

const WORKFLOW: readonly (readonly [keyof SignerValues & `certificate-github-${string}`, FulcioClaimName])[] = [
  ['certificate-github-workflow-name', 'githubWorkflowName'],
  ['certificate-github-workflow-ref', 'githubWorkflowRef'],
  ['certificate-github-workflow-repository', 'githubWorkflowRepository'],
  ['certificate-github-workflow-sha', 'githubWorkflowSha'],
  ['certificate-github-workflow-trigger', 'githubWorkflowTrigger'],
];

const SAY_WHO = 'Give --key FILE, or --certificate-identity and --certificate-oidc-issuer.';

function conflict(message: string, hint = SAY_WHO): SealwardError {
  return new SealwardError('ERR_FLAG_CONFLICT', message, { hint });
}

export async function requirementOf(flags: QuestionValues, role: FlagRequirement['role']): Promise<FlagRequirement> {
  const signer = await signerOf(flags);
  if (flags['check-claims'] === false) {
    throw conflict('--check-claims=false is refused: a signature counts only for the digest that it was made for', 'Leave the flag out.');
  }
  const threshold = flags['tlog-threshold'];
  if (flags['insecure-ignore-tlog'] && threshold !== undefined)
    throw conflict('--tlog-threshold and --insecure-ignore-tlog contradict each other', 'Give one of them.');
  const logs = threshold ?? (flags['insecure-ignore-tlog'] ? 0 : 1);
  const annotations = parseAnnotations(flags.annotations ?? []);
  const types = (flags.type ?? []).map(predicateTypeOf);
  return {
    role,
    signer,
    logs,
    timestamps: flags['timestamp-threshold'] ?? (flags['use-signed-timestamps'] ? 1 : 0),
    certificateLog: signer.kind === 'certificate' && !flags['insecure-ignore-sct'],
    // Where no log has to date it, the certificate itself must still be valid today.
    undated: logs === 0 ? 'now' : 'refuse',
    ...(types.length > 0 ? { predicateTypes: types } : {}),
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
  };
}

async function signerOf(flags: SignerValues): Promise<SignerRequirement> {
  const identity = await matcherOf(flags, 'certificate-identity');
  const issuer = await matcherOf(flags, 'certificate-oidc-issuer');
  const claims = WORKFLOW.flatMap(([flag, claim]) => (flags[flag] === undefined ? [] : [{ claim, wanted: flags[flag] }]));
  if (flags.key.length > 0) {
    if (identity ?? issuer ?? claims[0])
      throw conflict('--key and the --certificate flags contradict each other: a key has no identity', 'Give either a key or an identity.');
    return { kind: 'key' };
  }
  if (!identity && !issuer && claims.length === 0) throw conflict('nothing says who must have signed');
  if (!identity) throw conflict('--certificate-identity or --certificate-identity-regexp is missing');
  if (!issuer) throw conflict('--certificate-oidc-issuer or --certificate-oidc-issuer-regexp is missing: a name is worth what vouches for it');
  return { kind: 'certificate', identity, issuer, ...(claims.length > 0 ? { claims } : {}) };
}

async function matcherOf(flags: SignerValues, name: 'certificate-identity' | 'certificate-oidc-issuer'): Promise<Matcher | undefined> {
  const exact = flags[name];
  const pattern = flags[`${name}-regexp`];
  if (exact !== undefined && pattern !== undefined) throw conflict(`--${name} and --${name}-regexp contradict each other`, 'Give one of them.');
  if (exact !== undefined) return exactly(exact);
  return pattern === undefined ? undefined : compilePattern(pattern);
}

/** `key=value`, several in one flag apart by commas, as cosign reads them. */
export function parseAnnotations(values: readonly string[]): Record<string, string> {
  const annotations: Record<string, string> = {};
  for (const part of values.flatMap((value) => value.split(','))) {
    const at = part.indexOf('=');
    if (at <= 0) {
      throw new SealwardError('ERR_USAGE', `an annotation is not KEY=VALUE: ${JSON.stringify(part.slice(0, 80))}`, {
        hint: 'Write -a key=value, once for each; a comma stands between two of them.',
      });
    }
    const key = part.slice(0, at);
    const value = part.slice(at + 1);
    if (key === '__proto__') throw new SealwardError('ERR_USAGE', 'an annotation cannot be called __proto__');
    if (Object.hasOwn(annotations, key) && annotations[key] !== value)
      throw new SealwardError('ERR_USAGE', `the annotation ${JSON.stringify(key.slice(0, 80))} is given twice, with different values`);
    annotations[key] = value;
  }
  return annotations;
}

/** One line for --explain: what was asked. */
export function describeRequirement(requirement: FlagRequirement, keyName: string | undefined): string {
  const { signer, logs, timestamps, predicateTypes, annotations } = requirement;
  const who =
    signer.kind === 'key' ? `the key ${keyName ?? ''}`.trim() : `${signer.identity?.wanted ?? 'anybody'}, vouched for by ${signer.issuer?.wanted ?? 'anybody'}`;
  const parts = [`${requirement.role === 'signature' ? 'a signature' : 'an attestation'} by ${who}`];
  if (predicateTypes) parts.push(`of the type ${predicateTypes.join(' or ')}`);
  parts.push(logs === 0 ? 'no log entry needed' : `an entry in ${logs === 1 ? 'a log' : `${logs} logs`}`);
  if (timestamps > 0) parts.push(timestamps === 1 ? 'a timestamp' : `${timestamps} timestamps`);
  for (const { claim, wanted } of signer.claims ?? []) parts.push(`${claim} ${wanted}`);
  for (const [key, value] of Object.entries(annotations ?? {})) parts.push(`the annotation ${key}=${value}`);
  if (requirement.repository?.rule === 'exact') parts.push(`signed for ${requirement.repository.name}`);
  return parts.join('; ');
}
