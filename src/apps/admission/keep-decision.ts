/**
 * Each decision as a leaf of the agent's own log: what was asked, by whom, what was said, and the judge's own record, from
 * which `sealward replay` makes it again. Identical allowances share a leaf; denials and overrides never do.
 */
import type { DecisionLog, DecisionToRecord, RecordedDecision, RecordedOutcome } from '../../clients/journal/index.ts';
import { canonicalJson, decodeUtf8, LIMITS, parseJsonObject } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { encodeDecision, shortenRecord } from '../../core/verify/index.ts';
import type { InForce, JudgedName } from '../../sdk/agent/index.ts';
import { kindOf, type Question } from './question.ts';
import type { ImageAnswer } from './verdict.ts';

/** A leaf has 65,535 bytes, and what stands around the record may have 26,000 when every character of it is escaped. */
const WHOLE_BYTES = 36 * 1024;

/** Indexes of the leaves, in the order of the images; `lost` where the log could not follow and says so itself. Waits for the disk only where one is new. */
export function keepDecisions(
  log: Pick<DecisionLog, 'record' | 'repeat'>,
  question: Question,
  answers: readonly ImageAnswer[],
  inForce: InForce | undefined,
): readonly string[] | Promise<readonly string[]> {
  const recorded = answers.map((answer) => {
    const key = keyOf(answer);
    return (key === undefined ? undefined : log.repeat(key)) ?? log.record(leafOf(question, answer, inForce));
  });
  return recorded.every(isDone) ? recorded.map(nameOf) : named(recorded);
}

const isDone = (recorded: RecordedDecision | Promise<RecordedDecision>): recorded is RecordedDecision => !(recorded instanceof Promise);

async function named(recorded: readonly (RecordedDecision | Promise<RecordedDecision>)[]): Promise<readonly string[]> {
  return (await Promise.all(recorded.map(async (one) => one))).map(nameOf);
}

const nameOf = ({ index }: RecordedDecision): string => index?.toString() ?? 'lost';

/** An answer that is given again is the same one. */
const SAME_AS = new WeakMap<JudgedName, string>();

/** What makes two allowances one; undefined for whatever else is decided. */
function keyOf(answer: ImageAnswer): string | undefined {
  const { judgement, denial } = answer;
  const known = denial ? undefined : SAME_AS.get(judgement);
  if (known !== undefined) return known;
  const { name, decision, request, evidence, inForce } = judgement;
  if (!decision || !request || evidence === undefined || !inForce || outcomeOf(answer) !== 'allow') return undefined;
  const { policies, trust } = inForce;
  const parts = [name, request.digest, evidence, policies.digest, trust.digest, request.place.namespace ?? '', request.admittedBefore, decision.code];
  const key = parts.join('\n');
  SAME_AS.set(judgement, key);
  return key;
}

/** The body is made only when it is written: most allowances are repeats. */
export function leafOf(question: Question, answer: ImageAnswer, inForce: InForce | undefined): DecisionToRecord {
  const key = keyOf(answer);
  return {
    outcome: outcomeOf(answer),
    get body() {
      return bodyOf(question, answer, answer.judgement.inForce ?? inForce);
    },
    ...(key === undefined ? {} : { sameAs: key }),
  };
}

function outcomeOf({ judgement, denial }: ImageAnswer): RecordedOutcome {
  const { action, code, outcome, error } = judgement;
  if (error) return 'error';
  if (denial) return 'deny';
  if (action === 'warn') return 'warn';
  // Let in although a policy is not satisfied, by an exception or because nobody answered.
  return code === 'EXCEPTED' || outcome !== 'verified' ? 'override' : 'allow';
}

function bodyOf(question: Question, { image, judgement, denial }: ImageAnswer, inForce: InForce | undefined): string {
  const { uid, operation, namespace, name, user, subresource } = question;
  const { decision, request, evidence, known, code, message } = judgement;
  const review = {
    uid: cut(uid),
    operation,
    kind: cut(kindOf(question), 256),
    subresource: cut(subresource, 64),
    namespace: cut(namespace, 64),
    name: cut(name, 256),
    user: cut(user),
  };
  const answer = { allowed: denial === undefined, code: denial?.code ?? code, message: cut(denial?.message ?? message) };
  const head = { answer, image: cut(image), review, version: 1 };
  if (!decision || !request || evidence === undefined || !inForce) return canonicalJson(head);
  const whole = encodeDecision(decision, { evidence, ...(known === undefined ? {} : { known }), policies: inForce.policies, trust: inForce.trust, request });
  const record =
    whole.length <= WHOLE_BYTES
      ? decodeUtf8(whole, 'the record')
      : canonicalJson(shortenRecord(parseJsonObject(whole, { what: 'the record', maxBytes: LIMITS.evidenceRecordBytes })));
  // The members of RFC 8785 stand in the order of their names; the record is canonical already.
  return `{"answer":${canonicalJson(answer)},"image":${canonicalJson(head.image)},"record":${record},"review":${canonicalJson(review)},"version":1}`;
}

/** Names come from strangers, and a leaf has 65,535 bytes. */
function cut(text: string, longest = 1024): string {
  return text.length > longest ? `${text.slice(0, longest).toWellFormed()}…` : text.toWellFormed();
}

/** What is said when a decision must be kept and cannot be. */
export function unkept(cause: unknown): SealwardError {
  const why = cause instanceof SealwardError ? cause.message : 'the decision log failed';
  return new SealwardError('ERR_DECISION_UNKEPT', `the decision cannot be recorded, so nothing is let in: ${why}`, { cause });
}
