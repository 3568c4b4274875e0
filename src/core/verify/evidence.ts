/**
 * Evidence about one digest: what was found, and for every place where a signature may hide, how asking it ended.
 * Evidence has no opinion, and everything in it is content-addressed.
 */
import { formatDigest, type Lookup, parseManifest } from '../artifact/index.ts';
import { type DocumentSource, readDocument, type SignedEntity } from '../bundle/index.ts';
import { fingerprintOf, type HashName } from '../crypto/index.ts';
import { canonicalJson } from '../encoding/index.ts';
import { type FindingCode, SealwardError } from '../errors.ts';

/** What the question is about. At least one digest is known; the bytes only where the artifact is at hand. */
export interface Subject {
  /** Lower-case hexadecimal by hash. */
  readonly digests: Readonly<Partial<Record<HashName, string>>>;
  readonly bytes?: Uint8Array;
  /** Indexes that list it, by proof of their bytes: see `indexThatLists`. What is signed of them covers it. */
  readonly indexes?: readonly ProvenIndex[];
}

export interface ProvenIndex {
  /** `sha256:hex` of the bytes. */
  readonly digest: string;
}

/** The index as part of a subject, when its bytes list the digest; undefined when they do not. Throws what `parseManifest` throws. */
export function indexThatLists(bytes: Uint8Array, digest: string): ProvenIndex | undefined {
  const index = parseManifest(bytes);
  const lists = index.kind === 'index' && index.manifests.some((child) => formatDigest(child.digest) === digest);
  return lists ? { digest: `sha256:${fingerprintOf(bytes)}` } : undefined;
}

export const PLACE_NAMES = ['referrers-api', 'fallback-tag', 'sig-tag', 'att-tag', 'file'] as const;
export type PlaceName = (typeof PLACE_NAMES)[number];

export interface Place {
  readonly name: PlaceName;
  /** For people: which address stands for the place. */
  readonly where: string;
  readonly state: Lookup<unknown>['state'];
  readonly cause?: SealwardError;
  /** Signatures that the place lists but that were not fetched, because there are more than the bound. */
  readonly left?: number;
  /** When it last answered, in milliseconds since 1970; absent where nobody noted it. */
  readonly askedAt?: number;
}

/** One blob that carries signatures, or would if it could be read. */
export interface EvidenceDocument {
  /** `sha256:hex` of the bytes. */
  readonly digest: string;
  readonly place: PlaceName;
  /** How it is to be read; only of documents that were. */
  readonly source?: DocumentSource;
  readonly entities: readonly SignedEntity[];
  /** Why nothing could be read from it. */
  readonly unreadable?: { readonly code: FindingCode; readonly detail: string };
}

/** What tells a document from every other: signatures of the first generation are several beside one payload, in their annotations. */
export function documentKey({ place, digest, source }: EvidenceDocument): string {
  return canonicalJson([place, digest, { ...source?.annotations }]);
}

export interface Evidence {
  readonly subject: Subject;
  readonly places: readonly Place[];
  readonly documents: readonly EvidenceDocument[];
}

/** Reads one blob; whatever is wrong with it is a finding about this one document and never stops the judgement of others. */
export function readEvidence(place: PlaceName, source: DocumentSource, bytes: Uint8Array): EvidenceDocument {
  const digest = `sha256:${fingerprintOf(bytes)}`;
  try {
    return { digest, place, source, entities: readDocument(source, bytes) };
  } catch (error) {
    if (!(error instanceof SealwardError) || error.family !== 'InputError') throw error;
    return {
      digest,
      place,
      entities: [],
      unreadable: { code: error.code === 'ERR_KEY_INVALID' ? 'ALGORITHM_REFUSED' : 'BUNDLE_MALFORMED', detail: error.message },
    };
  }
}
