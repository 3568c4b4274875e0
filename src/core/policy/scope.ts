/** Whether a scope is about an image in a place, and if not, the first part of it that is not. */
import type { LabelTerm, Scope, TextPattern } from './policy.ts';

/** An image as it was asked for. */
export interface AskedImage {
  /** `registry/repository`, with the defaults of Docker written out. */
  readonly repository: string;
  readonly tag?: string;
  /** `sha256:hex` */
  readonly digest: string;
}

/** Where it is to run, as far as that is known: a node knows no namespace, somebody at a desk knows nothing. */
export interface Place {
  readonly cluster?: string;
  readonly environment?: string;
  readonly namespace?: string;
  readonly namespaceLabels?: Readonly<Record<string, string>>;
}

export type OutOfScope = 'image' | 'excluded' | 'cluster' | 'environment' | 'namespace' | 'namespace-labels';

/** `cluster-wide`: it says nothing of namespaces; `in-namespace`: it does, and is about this one; `namespace-unknown`: no one knows. */
export type Reach = 'cluster-wide' | 'in-namespace' | 'namespace-unknown';

/** The forms in which a pattern may mean an image: the repository, with the tag, with the digest. */
export function formsOf({ repository, tag, digest }: AskedImage): readonly string[] {
  return tag === undefined ? [repository, `${repository}@${digest}`] : [repository, `${repository}:${tag}`, `${repository}@${digest}`];
}

export function isAbout(scope: Scope, forms: readonly string[]): 'image' | 'excluded' | undefined {
  const some = (patterns: readonly TextPattern[]): boolean => patterns.some((pattern) => forms.some((form) => pattern.matches(form)));
  if (scope.images.length > 0 && !some(scope.images)) return 'image';
  return scope.exclude.length > 0 && some(scope.exclude) ? 'excluded' : undefined;
}

/**
 * What is not known never takes an image out of a scope: not to say where one is must not be a way around a policy. Only
 * for namespaces the answer is told apart, because a node has to satisfy one namespaced set.
 */
export function reachOf(scope: Scope, place: Place): Reach | Exclude<OutOfScope, 'image' | 'excluded'> {
  if (!named(scope.clusters, place.cluster)) return 'cluster';
  if (!named(scope.environments, place.environment)) return 'environment';
  if (scope.namespaces.length === 0 && scope.namespaceLabels.length === 0) return 'cluster-wide';
  const { namespace, namespaceLabels } = place;
  if (namespace === undefined) return 'namespace-unknown';
  if (!named(scope.namespaces, namespace)) return 'namespace';
  if (namespaceLabels && !scope.namespaceLabels.every((term) => holds(term, namespaceLabels))) return 'namespace-labels';
  return 'in-namespace';
}

function named(patterns: readonly TextPattern[], name: string | undefined): boolean {
  return patterns.length === 0 || name === undefined || patterns.some(({ matches }) => matches(name));
}

/** As Kubernetes has it: NotIn also holds where the label is missing. */
function holds({ key, operator, values }: LabelTerm, labels: Readonly<Record<string, string>>): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}
