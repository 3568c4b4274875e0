import type * as Compiler from './compile.ts';

/** The compiler of policy documents, loaded when there are some: verifying by flags needs neither YAML nor CEL. */
export function loadPolicyCompiler(): Promise<Pick<typeof Compiler, 'compilePolicies' | 'compileNamespaced' | 'withNamespaced'>> {
  return import('./compile.ts');
}
