/** What compiling and importing take and give, for whoever knows nothing of YAML: these types are part of the library. */
import type { JsonObject } from '../encoding/index.ts';
import type { ErrorCode } from '../errors.ts';
import type { KeyVersion } from '../trust/index.ts';
import type { ImagePolicy, PolicySet } from './policy.ts';

/** One thing that is wrong with a document. Lines and columns count from 1. */
export interface PolicyProblem {
  readonly source: string;
  readonly line: number;
  readonly column: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
}

export interface PolicySource {
  /** For messages: the name of the file, or where else it comes from. */
  readonly name: string;
  readonly text: string;
}

export interface CompileContext {
  /** The text of a file that a document names, or undefined when it is not there. */
  readonly readFile?: (path: string, source: string) => string | undefined;
  /** Files are not looked for yet: the document is checked before it is where they are. */
  readonly filesLater?: boolean;
  /** The keys of the trust state, for `trustKey`; without it such a key cannot be named. */
  readonly keys?: readonly KeyVersion[];
}

export type CompiledPolicies = { readonly ok: true; readonly policies: PolicySet } | { readonly ok: false; readonly problems: readonly PolicyProblem[] };

/** `mapped`: it means the same here. `different`: it is carried over, and `detail` says what is not the same. `not-mapped`: it is not, and why. */
export type ImportOutcome = 'mapped' | 'different' | 'not-mapped';

export interface ImportLine {
  readonly source: string;
  readonly line: number;
  /** Where in the document: `spec.authorities[0].key`. */
  readonly path: string;
  readonly outcome: ImportOutcome;
  readonly detail?: string;
}

export type ImportedPolicies =
  | {
      readonly ok: true /** In YAML, ready to be written into a file. */;
      readonly text: string;
      readonly documents: readonly JsonObject[];
      readonly report: readonly ImportLine[];
    }
  | { readonly ok: false; readonly problems: readonly PolicyProblem[] };

export interface PolicyCompiler {
  readonly compilePolicies: (sources: readonly PolicySource[], context?: CompileContext) => CompiledPolicies;
  readonly compileNamespaced: (source: PolicySource, namespace: string, context?: Omit<CompileContext, 'readFile'>) => CompiledPolicies;
  readonly withMore: (policies: PolicySet, more: PolicySet) => PolicySet;
  readonly withNamespaced: (policies: PolicySet, namespaced: readonly ImagePolicy[]) => PolicySet;
}

export interface PolicyImporter {
  readonly importPolicies: (sources: readonly PolicySource[]) => ImportedPolicies;
}
