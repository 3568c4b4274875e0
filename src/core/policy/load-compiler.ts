import type * as Compiler from './compile.ts';
import type * as Importer from './import/import.ts';

/** The compiler of policy documents, loaded when there are some: verifying by flags needs neither YAML nor CEL. */
export function loadPolicyCompiler(): Promise<Pick<typeof Compiler, 'compilePolicies' | 'compileNamespaced' | 'withNamespaced'>> {
  return import('./compile.ts');
}

/** The importer of other tools' policies. */
export function loadPolicyImporter(): Promise<Pick<typeof Importer, 'importPolicies'>> {
  return import('./import/import.ts');
}
