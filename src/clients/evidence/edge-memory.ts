/** Verdicts of cryptography, kept from one process to the next, one record for each document. */
import type { JsonObject, JsonValue } from '../../core/encoding/index.ts';
import type { EvidenceStore } from './store.ts';

export interface KeptEdges {
  get(evidence: string, anchor: string): JsonValue | undefined;
  set(evidence: string, anchor: string, verdict: JsonValue): void;
  /** Writes what is new. */
  flush(): void;
}

/** Of one document so many verdicts are kept; more would be another attack than a document. */
const VERDICTS = 2000;

export function keptEdges(store: EvidenceStore): KeptEdges {
  const documents = new Map<string, { verdicts: JsonObject; changed: boolean }>();
  const of = (evidence: string): { verdicts: JsonObject; changed: boolean } => {
    // `kind:digest#place/question`: the part before the # names the document.
    const name = evidence.slice(0, Math.max(0, evidence.indexOf('#')));
    const known = documents.get(name);
    if (known) return known;
    const read = { verdicts: { ...store.record('edges', name) }, changed: false };
    documents.set(name, read);
    return read;
  };
  return {
    get: (evidence, anchor) => {
      const { verdicts } = of(evidence);
      const name = `${evidence}\n${anchor}`;
      return Object.hasOwn(verdicts, name) ? verdicts[name] : undefined;
    },
    set: (evidence, anchor, verdict) => {
      const document = of(evidence);
      if (Object.keys(document.verdicts).length >= VERDICTS) return;
      document.verdicts[`${evidence}\n${anchor}`] = verdict;
      document.changed = true;
    },
    flush: () => {
      for (const [name, document] of documents) if (document.changed) document.changed = !store.write('edges', name, document.verdicts);
      documents.clear();
    },
  };
}
