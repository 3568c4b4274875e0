/**
 * A decision written down: what it was made from, by digest, and what it came to. Canonical JSON (RFC 8785), so that the
 * same decision is the same bytes; whoever holds evidence, policies and trust of these digests can make it again.
 */
import { sha256 } from '../crypto/index.ts';
import { canonicalJson, encodeHex, type JsonObject, utf8 } from '../encoding/index.ts';
import type { PolicySet } from '../policy/index.ts';
import type { TrustState } from '../trust/index.ts';
import { JUDGE_VERSION } from './decide.ts';
import type { Decision } from './decision.ts';
import type { Request } from './request.ts';

export interface RecordedFrom {
  /** `sha256:hex`, see `digestOfEvidence`. */
  readonly evidence: string;
  /** `sha256:hex` of the evidence as it was known (`encodeEvidence`), where that was kept: from it the decision can be made again at any time. */
  readonly known?: string;
  readonly policies: Pick<PolicySet, 'digest'>;
  readonly trust: Pick<TrustState, 'digest' | 'versions'>;
  readonly request: Request;
}

export function encodeDecision(decision: Decision, { evidence, known, policies, trust, request }: RecordedFrom): Uint8Array {
  const { action, outcome, code, until, exceptions, byDefault, message, hint, policies: judged } = decision;
  return utf8(
    canonicalJson({
      version: 1,
      judge: JUDGE_VERSION,
      evidence,
      ...(known === undefined ? {} : { known }),
      policies: policies.digest,
      trust: { digest: trust.digest, versions: { ...trust.versions } },
      request: request as unknown as JsonObject,
      decision: {
        action,
        outcome,
        code,
        // No number in JSON says "never".
        until: Number.isFinite(until) ? until : null,
        exceptions: [...exceptions],
        byDefault,
        message,
        hint,
        policies: judged as unknown as JsonObject[],
      },
    }),
  );
}

/**
 * A record that fits where the whole one is too large: what came out stays in words, the reasons and the labels become
 * digests. Whoever makes the decision again and shortens it, too, gets the same bytes.
 */
export function shortenRecord(record: JsonObject): JsonObject {
  const { decision, request } = record as { readonly decision: JsonObject; readonly request: JsonObject };
  const { labels, ...asked } = request;
  const { action, outcome, code, until } = decision as Record<string, string | number | null>;
  return {
    ...record,
    decision: { action: action ?? null, outcome: outcome ?? null, code: code ?? null, until: until ?? null, digest: digestOfJson(decision) },
    request: labels === undefined ? asked : { ...asked, labels: digestOfJson(labels) },
  };
}

function digestOfJson(value: JsonObject[string]): string {
  return `sha256:${encodeHex(sha256(utf8(canonicalJson(value ?? null))))}`;
}
