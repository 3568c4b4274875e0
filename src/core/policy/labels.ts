/** Label selectors as Kubernetes writes them, to the terms that must all hold. */
import type { LabelTerm } from './policy.ts';

/** A name of 63 characters, optionally behind a DNS name and a slash (Kubernetes, "Labels and Selectors"). */
export const LABEL_KEY = /^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
export const LABEL_VALUE = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;

/** The first term that no labels can meet together with the others, or undefined. */
export function contradiction(terms: readonly LabelTerm[]): LabelTerm | undefined {
  for (const all of Map.groupBy(terms, (term) => term.key).values()) {
    const last = all.at(-1) as LabelTerm;
    const demanded = all.some(({ operator }) => operator === 'In' || operator === 'Exists');
    if (demanded && all.some(({ operator }) => operator === 'DoesNotExist')) return last;
    const lists = all.filter(({ operator }) => operator === 'In').map(({ values }) => values);
    const left = lists[0]?.filter(
      (value) => lists.every((list) => list.includes(value)) && !all.some((term) => term.operator === 'NotIn' && term.values.includes(value)),
    );
    if (left?.length === 0) return last;
  }
  return undefined;
}
