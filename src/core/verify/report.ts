/** A decision as JSON, for programs: the same members in every surface of Sealward. Absent means that nothing is known. */
import { entityRole } from '../bundle/index.ts';
import type { JsonObject, JsonValue } from '../encoding/index.ts';
import { FINDINGS } from '../errors.ts';
import type { Candidate, Decision } from './decision.ts';
import type { Place } from './evidence.ts';
import { claimedRepository, signedAnnotations } from './match.ts';
import { advice, sentence } from './sentence.ts';

/** @param what names the artifact in the sentence; members of `about` are put in front. */
export function report(decision: Decision, what: string, about: JsonObject): JsonObject {
  const hint = advice(decision);
  return {
    ...about,
    outcome: decision.outcome,
    code: decision.code,
    sentence: sentence(decision, what),
    ...(hint === undefined ? {} : { hint }),
    signatures: decision.candidates.map(reportCandidate),
    places: decision.places.map(reportPlace),
  };
}

function reportCandidate({ facts, counts, passed, failed, time, identity }: Candidate): JsonObject {
  const { entity, document, about, signers, entries, times, findings, broken } = facts;
  const { claim } = entity;
  const repository = claimedRepository(entity);
  const annotations = signedAnnotations(entity, about);
  return defined({
    counts,
    kind: entityRole(entity),
    format: entity.format,
    evidence: document.digest,
    place: document.place,
    digest: about,
    predicateType: claim.kind === 'statement' ? claim.statement.predicateType : undefined,
    signers: signers.map(({ key, algorithm, anchor, certificate }) =>
      defined({
        algorithm: algorithm.id,
        key: key.fingerprint,
        keyName: anchor?.name,
        identity: certificate ? (identity ?? certificate.leaf.subjectAlternativeNames[0]?.value) : undefined,
        claims: certificate ? { ...certificate.claims } : undefined,
        authorities: certificate?.issuers.map((issuer) => issuer.anchor.name),
        certificateLogs: certificate?.loggedBy.map((log) => log.anchor.name),
      }),
    ),
    signedFor: repository,
    annotations: Object.keys(annotations).length > 0 ? { ...annotations } : undefined,
    log: entries.map(({ anchor, index, included }) => ({ name: anchor.name, index: index.toString(), included })),
    dated: times.map(({ anchor, from, to }) => ({ by: anchor.name, from: new Date(from).toISOString(), to: new Date(to).toISOString() })),
    time: time && { from: new Date(time.from).toISOString(), to: new Date(time.to).toISOString() },
    passed: [...passed],
    failed: failed && { check: failed.check, code: failed.finding.code, detail: failed.finding.detail, hint: FINDINGS[failed.finding.code].hint },
    findings: [...broken, ...findings].map(({ code, detail }) => ({ code, detail })),
  });
}

function reportPlace({ name, where, state, cause, left }: Place): JsonObject {
  return defined({ name, where, state, cause: cause && { code: cause.code, message: cause.message }, left });
}

function defined(members: Record<string, JsonValue | undefined>): JsonObject {
  return Object.fromEntries(Object.entries(members).filter((member): member is [string, JsonValue] => member[1] !== undefined));
}
