export type { Appraiser } from './appraise/appraise.ts';
export type { Appraisal, Excuse, ScanFinding } from './appraise/appraisal.ts';
/** @public */
export { APPRAISER_VERSION } from './appraise/appraisal.ts';
export { authoritiesOf, inCombination } from './authorities.ts';
export { excuse } from './appraise/excuse.ts';
export { VEX_CONDITION_ID } from './appraise/excuse.ts';
export type { CompileContext, CompiledPolicies, ImportedPolicies, ImportLine, ImportOutcome, PolicyProblem, PolicySource } from './compiled.ts';
export { compileBeside, compileTrusted } from './compile-trusted.ts';
export { addNamespaced } from './namespaced.ts';
export type { NamespacedPolicies } from './namespaced.ts';
export { loadAppraiser } from './load-appraiser.ts';
export type { CompiledTo, CompileTarget } from './compile-to/compiled-to.ts';
export { loadLinearRegex, loadPolicyCompiler, loadPolicyImporter, loadPolicyTargets } from './load-compiler.ts';
export type * from './policy.ts';
/** @public */
export { imageGlob } from './image-glob.ts';
/** @public */
export { exactText, textGlob } from './text-pattern.ts';
export { exceptionsFor } from './exceptions.ts';
export { selectPolicies, whyNotSelected } from './select.ts';
export type { SelectedPolicy } from './select.ts';
export type { AskedImage, OutOfScope, Place, Reach } from './scope.ts';
export { lintPolicies } from './lint.ts';
export type { Lint, LintRule } from './lint.ts';
