/** The inventory for machines: which digests run where, by which policy, signed by whom, and until when that holds. */
import type { JsonObject } from '../../core/encoding/index.ts';
import type { Held } from './inventory.ts';

/** `version` changes when members change their meaning. Pods are counted, and the first of them named. */
const MOST_PODS = 50;

export function inventoryJson(held: readonly Held[], now: number): JsonObject {
  const byDigest = Map.groupBy(held, ({ judged, name }) => judged?.digest ?? name);
  return {
    version: 1,
    at: new Date(now).toISOString(),
    digests: [...byDigest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([digest, some]) => digestJson(digest, some)),
  };
}

function digestJson(digest: string, held: readonly Held[]): JsonObject {
  return {
    ...(/^sha\d+:/.test(digest) ? { digest } : { digest: null }),
    runs: held.map(({ namespace, name, pods, judged, judgedAt }) => ({
      namespace,
      image: name,
      pods: pods.size,
      podNames: [...pods.values()]
        .map((pod) => pod.name)
        .sort()
        .slice(0, MOST_PODS),
      nodes: [...new Set([...pods.values()].map(({ node }) => node).filter((node) => node !== ''))].sort(),
      ...(judged
        ? {
            outcome: judged.outcome,
            action: judged.action,
            code: judged.code,
            message: judged.message,
            hint: judged.hint,
            judgedAt: new Date(judgedAt).toISOString(),
            until: judged.decision && Number.isFinite(judged.decision.until) ? new Date(judged.decision.until).toISOString() : null,
            policies: (judged.decision?.policies ?? []).map(({ policy, digest: text, mode, outcome, code, requirements }) => ({
              policy,
              digest: text,
              mode,
              outcome,
              code,
              signedBy: [
                ...new Set(
                  requirements.flatMap(({ candidates }) =>
                    candidates.filter(({ counts }) => counts).map(({ signer, authority }) => `${authority ?? ''}: ${signer}`),
                  ),
                ),
              ].sort(),
            })),
            trust: judged.inForce?.trust.digest ?? null,
          }
        : { outcome: null }),
    })),
  };
}
