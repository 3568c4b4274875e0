import type { PolicyCompiler, PolicyImporter } from './compiled.ts';

/** The compiler of policy documents, loaded when there are some: verifying by flags needs neither YAML nor CEL. */
export function loadPolicyCompiler(): Promise<PolicyCompiler> {
  return import('./compile.ts');
}

/** The importer of other tools' policies. */
export function loadPolicyImporter(): Promise<PolicyImporter> {
  return import('./import/import.ts');
}
