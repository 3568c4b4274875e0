/** Policies as they compile, in a form that is short to write down: problems with place and hint, or the compiled parts as JSON. */
import type { KeyVersion } from '../src/core/trust/index.ts';
import { type CompileContext, type CompiledPolicies, type ImagePolicy, loadPolicyCompiler } from '../src/core/policy/index.ts';
import { policyFile } from './policies.ts';

const { compilePolicies, compileNamespaced } = await loadPolicyCompiler();

const version = (name: string, number: number, anchor: string, role: KeyVersion['role'] = 'artifact'): KeyVersion => ({
  name,
  version: number,
  anchor: anchor.repeat(32),
  role,
  state: 'active',
  window: { from: 0 },
});
/** Keys of a trust state: two versions of `release`, which are out of order, and one for something else. */
export const TRUST_KEYS: readonly KeyVersion[] = [
  version('release', 3, '45'),
  version('release', 4, '44'),
  version('images', 1, '46'),
  version('policies', 1, '47', 'log'),
];

const CONTEXT: CompileContext = {
  keys: TRUST_KEYS,
  readFile: (path) => (['release.pub', 'authority.pem'].includes(path) ? policyFile(path) : undefined),
};

/** A policy of the name `one`; its spec begins in line 5, and each line of it in column 3. */
export const policyOf = (spec: string, name = 'one'): string =>
  `apiVersion: sealward.dev/v1alpha1\nkind: ImagePolicy\nmetadata: { name: ${name} }\nspec:\n${spec.replace(/^/gm, '  ')}\n`;
export const documentOf = (kind: string, spec: string): string => `apiVersion: sealward.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: x }\nspec: ${spec}\n`;
export const BY_KEY = `authorities: [{ name: a, key: { fingerprint: "${'11'.repeat(32)}" } }]\nsignatures: a`;

/** As `line:column message (hint)`, with the code where it is not ERR_POLICY_INVALID. */
export function told(result: CompiledPolicies): string[] {
  if (result.ok) return [];
  return result.problems.map(
    ({ line, column, code, message, hint }) =>
      `${line}:${column} ${code === 'ERR_POLICY_INVALID' ? '' : `${code} `}${message}${hint === undefined ? '' : ` (${hint})`}`,
  );
}

export function problemsOf(text: string, context: CompileContext = CONTEXT): string[] {
  return told(compilePolicies([{ name: 'p', text }], context));
}

export function namespacedProblemsOf(text: string, namespace = 'shop'): string[] {
  return told(compileNamespaced({ name: 'p', text }, namespace, { keys: TRUST_KEYS }));
}

/** The only policy, as JSON: patterns by their text, conditions without their id, no digest. */
export function compiledForm(text: string, context: CompileContext = CONTEXT): Omit<ImagePolicy, 'digest'> {
  const result = compilePolicies([{ name: 'p', text }], context);
  if (!result.ok) throw new Error(told(result).join('\n'));
  const [only] = result.policies.policies;
  const written = JSON.stringify(only, (member, one: unknown) => {
    // A member that is there without a value would be one to whoever asks whether it is there.
    if (one === undefined) throw new Error(`${member} is there without a value`);
    return member === 'digest' || (member === 'id' && typeof one === 'string' && one.startsWith('sha256:')) ? undefined : one;
  });
  return JSON.parse(written) as ImagePolicy;
}
