/**
 * Policies as the judge reads them: compiled, with nothing left to look up. Patterns are functions that take linear
 * time, authorities are resolved, shortcuts have become requirements, and each condition is named by a digest, under
 * which the appraiser keeps its value. All durations are milliseconds, all moments milliseconds since 1970.
 */
import type { FulcioClaimName, HashName } from '../crypto/index.ts';
import type { Anchors, Window } from '../trust/index.ts';

export type Mode = 'enforce' | 'warn' | 'audit';

/** A pattern over a whole string, anchored by construction. */
export interface TextPattern {
  /** As it was written, for people. */
  readonly text: string;
  /** What every value that matches starts with, where that is known: for finding patterns without trying them. */
  readonly prefix?: string;
  readonly matches: (value: string) => boolean;
}

/** One term of a label selector, as Kubernetes writes them. */
export interface LabelTerm {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values: readonly string[];
}

/** Which images in which places. Of an empty list everything matches; several lists must all match. */
export interface Scope {
  /** Over `registry/repository`, `registry/repository:tag` or `…@digest`, with Docker's defaults written out. */
  readonly images: readonly TextPattern[];
  readonly exclude: readonly TextPattern[];
  readonly namespaces: readonly TextPattern[];
  readonly namespaceLabels: readonly LabelTerm[];
  readonly clusters: readonly TextPattern[];
  readonly environments: readonly TextPattern[];
}

/** Whom the policy trusts. An authority that has no window of its own counts whenever its anchors do. */
export type Authority = {
  /** The name by which messages and requirements speak of it. */
  readonly name: string;
  readonly window?: Window;
} & (
  | {
      readonly kind: 'key';
      /** Ids of the key anchors that count: one, or every version of a key of the trust state. */
      readonly anchors: readonly string[];
      /** The name in the trust state, when it is a key of there: its states decide which versions count. */
      readonly key?: string;
    }
  | {
      readonly kind: 'keyless';
      /** One of these must match whole; none of the terms of one may fail. */
      readonly identities: readonly Identity[];
      /** Ids of certificate authorities; of an empty list every one of the trusted roots counts. */
      readonly anchors: readonly string[];
      /** Whether a certificate log must have seen the certificate. */
      readonly certificateLog: boolean;
    }
  | {
      readonly kind: 'certificate';
      /** Ids of the private certificate authorities. */
      readonly anchors: readonly string[];
      /** Over the directory name of the leaf, and over the names it may be called by. */
      readonly subject?: TextPattern;
      readonly names: readonly TextPattern[];
      /** Object identifiers that the leaf's extended key usage must contain. */
      readonly extendedKeyUsage: readonly string[];
    }
);

export interface Identity {
  readonly issuer: TextPattern;
  readonly subject?: TextPattern;
  readonly claims: readonly { readonly claim: FulcioClaimName; readonly pattern: TextPattern }[];
}

/** Who must have signed: a tree, nested once. `atLeast` counts distinct principals over all that its parts matched. */
export type Combination =
  | { readonly kind: 'authority'; readonly authority: Authority }
  /** allOf: `count` is the number of parts; anyOf: 1. No principal counts for two parts. */
  | { readonly kind: 'at-least'; readonly count: number; readonly of: readonly Combination[] };

export type Severity = 'unknown' | 'negligible' | 'low' | 'medium' | 'high' | 'critical';

/** SLSA Build levels (slsa.dev/spec/v1.0/levels). */
export type SlsaLevel = 1 | 2 | 3;

/** What an attestation must say. `id` is `sha256:hex` of kind and content: the key under which its value is kept. */
export type Condition = { readonly id: string /** For people: as it was written. */; readonly text: string } & (
  | { readonly kind: 'cel'; readonly expression: string }
  | {
      readonly kind: 'slsa';
      /** Builders that are trusted, each with the level that its users vouch for; of an empty list every one. */
      readonly builders: readonly { readonly id: TextPattern; readonly level?: SlsaLevel }[];
      readonly sourceRepository?: TextPattern;
      readonly ref?: TextPattern;
      readonly level?: SlsaLevel;
    }
  | {
      readonly kind: 'sbom';
      readonly formats: readonly ('spdx' | 'cyclonedx')[];
      /** SPDX ids; a component with another licence, or with one of `denied`, fails. */
      readonly licences?: { readonly allowed: readonly string[]; readonly denied: readonly string[]; readonly unknown: 'allow' | 'deny' };
      /** Package URLs without or with a version. */
      readonly components?: { readonly required: readonly TextPattern[]; readonly denied: readonly TextPattern[] };
    }
  | {
      readonly kind: 'scan';
      /** The worst that may be found. */
      readonly maximum: Severity | 'none';
      /** Findings without a fix are left out. */
      readonly fixableOnly: boolean;
      /** Whose VEX statements excuse a finding. */
      readonly vex: readonly Authority[];
      /** Vulnerabilities that are let through by name. */
      readonly ignored: readonly string[];
    }
  | { readonly kind: 'tests' /** Of the test result predicate: every one of these must have passed. */; readonly required: readonly string[] }
  | { readonly kind: 'approval'; readonly environment?: string }
);

/** How a requirement stands to evidence that is not fresh: ask again past this, and inconclusive when nobody answers. */
export interface Latest {
  readonly maxLag: number;
}

export type Requirement = {
  /** Unique in its policy: `signatures`, or the name of the attestation. */
  readonly name: string;
} & (
  | { readonly kind: 'signatures'; readonly combination: Combination; readonly latest?: Latest }
  | {
      readonly kind: 'attestation';
      /** Any of these; the matching one is named in the answer. */
      readonly predicateTypes: readonly string[];
      readonly from: readonly Authority[];
      /** How many distinct principals must attest so that every condition holds. */
      readonly atLeast: number;
      readonly conditions: readonly Condition[];
      /** Since the statement was made by the time that others prove, or, for scans, since the scan ended. */
      readonly maxAge?: number;
      readonly latest?: Latest;
    }
  /** No image in the scope may run, whoever signed it; for names that were given up, and for what an import cannot carry over. */
  | { readonly kind: 'refusal'; readonly reason: string }
  /** Names, tags and labels of the image itself. */
  | {
      readonly kind: 'image';
      readonly repositories: readonly TextPattern[];
      readonly tags: readonly TextPattern[];
      readonly labels: readonly { readonly key: string; readonly value?: TextPattern }[];
    }
);

/** How strictly signatures and attestations are taken. */
export interface Strictness {
  /** Ids of the algorithm table; of an empty list all that the judge knows. */
  readonly algorithms: readonly string[];
  readonly minimumBits: { readonly rsa?: number; readonly ecdsa?: number };
  readonly hashes: readonly HashName[];
  /** `require`: a classical and a post-quantum signature, of the same authority, both there. */
  readonly postQuantum: 'off' | 'prefer' | 'require';
  /** How a signature must be dated, counted per independent operator. */
  readonly dated: { readonly logs: number; readonly timestamps: number /** Of both together. */; readonly any: number };
  readonly maxAge?: number;
  readonly minAge?: number;
  /** What a signed claim about the repository must say. `mirrors`: what is asked for, to the name that the claim may have. */
  readonly repositoryClaim: {
    readonly rule: 'unless-claimed' | 'exact' | 'prefix' | 'any';
    readonly prefix?: string;
    readonly mirrors: readonly { readonly from: string; readonly to: string }[];
    /** Whether a tag in a claim must be the tag that was asked for. */
    readonly tag: boolean;
  };
  /** Annotations that must stand in what was signed. */
  readonly annotations: readonly { readonly key: string; readonly value: TextPattern }[];
  /** Signatures of suspended keys from before the suspension. */
  readonly suspended: 'hold' | 'warn';
  /** Signatures of compromised keys that somebody independent dated, and a log witnessed, before. */
  readonly compromised: 'deny' | 'accept-witnessed';
}

export interface ImagePolicy {
  readonly name: string;
  /** Of a namespaced policy that nobody signed, its namespace: it only ever adds requirements. */
  readonly namespace?: string;
  /** Where it was written: file and line. */
  readonly source: string;
  /** `sha256:hex` of its canonical form. */
  readonly digest: string;
  readonly scope: Scope;
  readonly mode: Mode;
  readonly modes: readonly { readonly environment: string; readonly mode: Mode }[];
  readonly onInconclusive: 'deny' | 'allow-admitted-before';
  readonly requirements: readonly Requirement[];
  readonly strictness: Strictness;
  /** Whether tags in templates are pinned too, not only in pods. */
  readonly pinTemplates: boolean;
  readonly owner?: string;
  readonly contact?: string;
  readonly runbook?: string;
  readonly message?: string;
}

/** What lets an image through although a policy is not satisfied; visible in every decision that uses it. */
export interface ImageException {
  readonly name: string;
  readonly source: string;
  readonly scope: Scope;
  /** `sha256:hex`; an empty list means every digest that the scope's patterns match. */
  readonly digests: readonly string[];
  /** Names of the policies that it lifts; of an empty list all. */
  readonly policies: readonly string[];
  readonly reason: string;
  readonly ticket?: string;
  readonly approvedBy: readonly string[];
  /** Both ends are required: an exception without an end is a hole. */
  readonly window: { readonly from: number; readonly to: number };
}

/** What happens to an image that no policy matches. */
export interface DefaultRule {
  readonly action: 'deny' | 'warn' | 'allow';
  /** Whether somebody wrote it, or it is what holds when nobody says anything. */
  readonly stated: boolean;
}

export interface PolicySet {
  /** `sha256:hex` over all of it; the order of files and documents does not change it. */
  readonly digest: string;
  readonly policies: readonly ImagePolicy[];
  readonly exceptions: readonly ImageException[];
  readonly defaultRule: DefaultRule;
  /** Anchors that stand in the policies themselves: keys in PEM, private certificate authorities. */
  readonly anchors: Anchors;
}
