/** What compiling policies into the form of another tool takes and gives. */
import type { KeyAnchor, TrustState } from '../../trust/index.ts';
import type { ImportLine } from '../compiled.ts';
import type { PolicySet } from '../policy.ts';

export interface CompileTarget {
  /** Where the result is to hold, as far as that is known; what is not known takes nothing out of a policy. */
  readonly cluster?: string;
  readonly environment?: string;
  readonly namespace?: string;
  /** Milliseconds since 1970: what holds then goes into the result, which knows no time. */
  readonly now: number;
}

export interface CompiledTo {
  readonly files: readonly { readonly name: string; readonly text: string }[];
  /** What became of each part: `different` is said and never weaker without it; of `not-mapped` the images are rejected. */
  readonly report: readonly ImportLine[];
}

export interface PolicyTargets {
  readonly compileContainersPolicy: (policies: PolicySet, trust: TrustState, target: CompileTarget) => CompiledTo;
  readonly compileAdmissionPolicy: (exempt: readonly string[], enforce: boolean) => CompiledTo;
}

export type Note = (outcome: ImportLine['outcome'], path: string, detail?: string) => void;

/** By the id of the anchor. */
export type Keys = ReadonlyMap<string, KeyAnchor>;
