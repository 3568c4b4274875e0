import type { PolicyCompiler, PolicyImporter } from './compiled.ts';
import type { PolicyTargets } from './compile-to/compiled-to.ts';
import type { LinearRegex } from './linear-regex.ts';

/** The compiler of policy documents, loaded when there are some: verifying by flags needs neither YAML nor CEL. */
export function loadPolicyCompiler(): Promise<PolicyCompiler> {
  return import('./compile.ts');
}

/** The importer of other tools' policies. */
export function loadPolicyImporter(): Promise<PolicyImporter> {
  return import('./import/import.ts');
}

/** The compilers into the forms of other tools. */
export function loadPolicyTargets(): Promise<PolicyTargets> {
  return import('./compile-to/targets.ts');
}

/** The engine of regular expressions, for patterns that are given as flags. */
export async function loadLinearRegex(): Promise<(pattern: string) => LinearRegex> {
  return (await import('./linear-regex.ts')).linearRegex;
}
