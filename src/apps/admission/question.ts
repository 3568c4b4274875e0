/** What a review asks, with no object left in it: which images it would start that the object did not name before. */
import { isDeepStrictEqual } from 'node:util';
import { LIMITS, memberOf, stringOf } from '../../core/encoding/index.ts';
import { type ErrorCode, SealwardError } from '../../core/errors.ts';
import { imagesOf, isComparable, type NamedImage, newImages, type PodSpec, podSpecsOf } from './images.ts';
import { parseReview, type ReviewHead } from './review.ts';

/** Paths of pod specs in custom kinds, by `group/Kind`. */
export type CustomKinds = ReadonlyMap<string, readonly string[]>;

export interface ReadingRules {
  readonly custom: CustomKinds;
  /** Whether whoever asks has proven to be an API server. */
  readonly isServed: boolean;
}

export interface Question extends ReviewHead {
  /** All that the object names. */
  readonly images: readonly NamedImage[];
  /** Those of them that an update would start anew; of a new object all. */
  readonly changed: readonly NamedImage[];
  readonly pullsWith: PullsWith;
  /** Why it cannot be told what the object would start: then nobody may say yes. */
  readonly unreadable?: Unreadable;
}

/** With what the kubelet would pull: the secrets that the pod spec names, else those of its service account. */
export interface PullsWith {
  readonly secrets: readonly string[];
  readonly serviceAccount: string;
}

interface Unreadable {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
}

/** Subresources of a Pod or a workload that carry no pod spec: their rules were written too wide, and nothing starts by them. */
const IMAGELESS = new Set(['autoscaling/Scale', '/Binding', 'policy/Eviction']);

/** `group/Kind`, as in `apps/Deployment` and `/Pod`. */
export const kindOf = ({ group, kind }: Pick<ReviewHead, 'group' | 'kind'>): string => `${group}/${kind}`;

/** Throws what parseReview throws; what is wrong with the object itself is part of the question, so that it can be answered by its uid. */
export function readQuestion(bytes: Uint8Array, { custom, isServed }: ReadingRules): Question {
  const { head, object, oldObject } = parseReview(bytes, isServed);
  const kind = kindOf(head);
  if (!object || head.operation === 'DELETE' || head.operation === 'CONNECT' || IMAGELESS.has(kind)) return aboutNothing(head);
  try {
    const specs = podSpecsOf(kind, object, custom);
    const before = head.operation === 'UPDATE' && oldObject ? podSpecsOf(kind, oldObject, custom) : undefined;
    // Labels, status and finalizers of an object that nobody can read can still be changed: it was there before.
    if (before && sameSpecs(before, specs)) return aboutNothing(head);
    const images = imagesOf(kind, specs);
    return { ...head, images, changed: before ? newImages(readable(kind, before), images) : images, pullsWith: pullsWithOf(specs) };
  } catch (error) {
    if (!(error instanceof SealwardError)) throw error;
    return { ...aboutNothing(head), unreadable: { code: error.code, message: error.message, hint: error.hint } };
  }
}

const aboutNothing = (head: ReviewHead): Question => ({ ...head, images: [], changed: [], pullsWith: NO_SECRETS });

const NO_SECRETS: PullsWith = { secrets: [], serviceAccount: 'default' };
/** As Kubernetes names objects; what is not named so names nothing. */
const OBJECT_NAME = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;

function pullsWithOf([first]: readonly PodSpec[]): PullsWith {
  const spec = first?.[1];
  const named = memberOf(spec, 'imagePullSecrets');
  const account = stringOf(memberOf(spec, 'serviceAccountName')) ?? '';
  const secrets = (Array.isArray(named) ? named : []).flatMap((one) => stringOf(memberOf(one, 'name')) ?? []);
  return {
    secrets: secrets.filter((name) => OBJECT_NAME.test(name)).slice(0, LIMITS.pullSecrets),
    serviceAccount: OBJECT_NAME.test(account) ? account : NO_SECRETS.serviceAccount,
  };
}

function sameSpecs(before: readonly PodSpec[], after: readonly PodSpec[]): boolean {
  return [...before, ...after].every(([, spec]) => isComparable(spec)) && isDeepStrictEqual(before, after);
}

/** Of an old object that cannot be read nothing counts as known. */
function readable(kind: string, specs: readonly PodSpec[]): readonly NamedImage[] {
  try {
    return imagesOf(kind, specs);
  } catch (error) {
    if (error instanceof SealwardError) return [];
    throw error;
  }
}
