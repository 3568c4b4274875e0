/** `sealward replay`: makes a decision of the past again from its record and the stores that it names. */
import { formatDigest, LAYOUT, parseDigest, parseReference } from '../../../core/artifact/index.ts';
import type { EvidenceStore } from '../../../clients/evidence/index.ts';
import { parseDecisionLeaf } from '../../../clients/journal/index.ts';
import { folderSource, LogFault, TileLog } from '../../../clients/tiles/index.ts';
import { canonicalJson, decodeUtf8, type JsonObject, LIMITS, parseJsonObject, utf8 } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import type { Place } from '../../../core/policy/index.ts';
import { decodeEvidence, encodeDecision, type Evidence, JUDGE_VERSION, type Request, shortenRecord } from '../../../core/verify/index.ts';
import { judgeEvidence, judgeImage } from '../../../sdk/index.ts';
import { judgingRegistry } from '../evidence/registry.ts';
import { readBytes } from '../file.ts';
import type { Invocation, Run } from '../invocation.ts';
import { verifierIn } from '../log/asked.ts';
import { policyQuestion } from '../policy/question.ts';
import { asVerify } from '../policy/over-images.ts';
import { signatureRepository } from '../registry.ts';
import type { replay } from '../table/replay.ts';
import { visible, visibleJson } from '../visible.ts';

interface Recorded {
  readonly judge: number;
  readonly evidence: string;
  /** Where the evidence of that time is kept. */
  readonly known?: string;
  readonly policies: string;
  readonly trust: string;
  readonly request: {
    readonly repository: string;
    readonly tag?: string;
    readonly digest: string;
    readonly place: Place;
    readonly admittedBefore: boolean;
    readonly now: number;
    readonly labels?: unknown;
  };
  readonly decision: JsonObject;
}

export const run: Run<typeof replay> = async (given) => {
  const [path = ''] = given.arguments;
  if (!given.given.has('trust')) need(given, 'policy');
  const bytes = await recordBytes(given, path);
  const record = readRecord(bytes);
  const invocation = asVerify(given);
  const { request } = record;
  const question = { ...(await policyQuestion(invocation)), place: request.place, now: request.now };
  const name = `${request.repository}${request.tag === undefined ? '' : `:${request.tag}`}@${request.digest}`;
  const reference = parseReference(name);
  if (reference.registry !== LAYOUT) need(given, 'evidence');
  // The past is in the store; a registry could only say how things are now.
  const { registry, store, memory, finish } = judgingRegistry([{ reference }], { ...invocation, flags: { ...invocation.flags, offline: true } });
  const home = signatureRepository(invocation.config);
  const then = store && evidenceOf(record, store);
  const again = then
    ? {
        digest: parseDigest(request.digest),
        request: record.request as Request,
        ...(await judgeEvidence(then, record.request as Request, { ...question, memory })),
      }
    : await judgeImage({
        registry,
        reference,
        memory,
        admittedBefore: request.admittedBefore,
        ...(home ? { signatureRepository: home } : {}),
        ...question,
      });
  finish();
  const known = record.known === undefined ? {} : { known: record.known };
  const from = { evidence: again.evidence, ...known, policies: question.policies, trust: question.trust, request: again.request };
  const made = encodeDecision(again.decision, from);
  const recorded = canonicalJson(parseJsonObject(bytes, { what: 'the record', maxBytes: LIMITS.documentBytes }));
  const whole = parseJsonObject(made, { what: 'the decision', maxBytes: LIMITS.evidenceRecordBytes });
  const same = recorded === decodeUtf8(made, 'the decision') || recorded === canonicalJson(shortenRecord(whole));
  const differs = [
    ...(record.judge === JUDGE_VERSION ? [] : [`it was made by version ${record.judge} of the judge, and this is version ${JUDGE_VERSION}`]),
    ...(record.policies === question.policies.digest ? [] : [`the policies are others: ${question.policies.digest}, and it names ${record.policies}`]),
    ...(record.trust === question.trust.digest ? [] : [`the trust state is another: ${question.trust.digest}, and it names ${record.trust}`]),
    ...(record.evidence === again.evidence ? [] : [`the evidence is other: ${again.evidence}, and it names ${record.evidence}`]),
  ];
  if (!same && differs.length === 0)
    differs.push("the same policies, trust and evidence give another answer: what was known of the image's places or labels differs");
  const { outcome, message } = again.decision;
  if (invocation.form === 'json')
    invocation.terminal.print(visibleJson({ same, image: name, digest: formatDigest(again.digest), outcome, message, differs: same ? [] : differs }));
  else
    invocation.terminal.print(
      same
        ? `the same, byte for byte: ${visible(message)}`
        : [`not the same`, ...differs.map((why) => `  ${visible(why)}`), `  now it is ${outcome}: ${visible(message)}`].join('\n'),
    );
  return same ? 0 : 1;
};

/** As it was known then, where it was kept. What of it is not there any more is an error that names it. */
function evidenceOf({ known, request }: Recorded, store: EvidenceStore): Evidence | undefined {
  // Of a record that was shortened the labels are not known any more.
  if (known === undefined || typeof request.labels === 'string') return undefined;
  const bytes = store.bytes(known);
  return bytes && decodeEvidence(bytes, (digest) => store.bytes(digest));
}

/** A file with a record, or a leaf of a decision log: as a file, or by its index in the folder of the log. */
async function recordBytes({ flags, given }: Invocation<(typeof replay)['flags']>, path: string): Promise<Uint8Array> {
  const { index, 'log-key': key } = flags;
  if (index === undefined && !given.has('log-key')) return recordIn(readBytes(path, LIMITS.documentBytes, 'the record'));
  if (index === undefined || key === undefined)
    throw new SealwardError('ERR_FLAG_CONFLICT', '--index and --log-key belong together', { hint: 'The first says which leaf, the second whose log it is.' });
  const log = new TileLog(folderSource(path), { logs: [{ verifier: verifierIn(key) }], witnesses: new Map(), quorum: { atLeast: 0, of: [] } });
  try {
    const { entry } = await log.prove(BigInt(index), await log.newest());
    if (!entry) throw new SealwardError('ERR_NOT_FOUND', `the log has leaf ${index}, and keeps its text no more`);
    return recordIn(entry);
  } catch (error) {
    if (!(error instanceof LogFault)) throw error;
    throw new SealwardError('ERR_STATE_INVALID', `the log cannot be believed: ${error.message}`, {
      cause: error,
      hint: 'See `sealward log verify --decisions`.',
    });
  }
}

/** In a leaf the record of the judge stands among what the agent wrote around it. */
function recordIn(bytes: Uint8Array): Uint8Array {
  const found = parseJsonObject(bytes, { what: 'the record', maxBytes: LIMITS.documentBytes });
  if (found['kind'] !== 'decision') return bytes;
  const leaf = parseDecisionLeaf(bytes);
  const record = leaf.kind === 'decision' ? leaf.decision['record'] : undefined;
  if (record === null || typeof record !== 'object' || Array.isArray(record))
    throw new SealwardError('ERR_JSON_INVALID', 'nothing was judged in this decision, so there is nothing to make again', {
      hint: 'Its answer stands in the leaf: `sealward log prove` gives it.',
    });
  return utf8(canonicalJson(record));
}

function need({ given }: Invocation, flag: string): void {
  if (!given.has(flag))
    throw new SealwardError('ERR_USAGE', `--${flag} is missing`, { hint: 'Name the policies of that time with --policy, and what was held with --evidence.' });
}

function readRecord(bytes: Uint8Array): Recorded {
  const record = parseJsonObject(bytes, { what: 'the record', maxBytes: LIMITS.documentBytes });
  const { version, judge, evidence, known, policies, trust, request, decision } = record;
  const trusted = trust !== null && typeof trust === 'object' && !Array.isArray(trust) ? trust.digest : undefined;
  const asked = request !== null && typeof request === 'object' && !Array.isArray(request) ? request : {};
  const isSound =
    version === 1 &&
    typeof judge === 'number' &&
    typeof evidence === 'string' &&
    (known === undefined || typeof known === 'string') &&
    typeof policies === 'string' &&
    typeof trusted === 'string' &&
    typeof asked.repository === 'string' &&
    typeof asked.digest === 'string' &&
    typeof asked.now === 'number' &&
    typeof asked.admittedBefore === 'boolean' &&
    asked.place !== null &&
    typeof asked.place === 'object' &&
    (asked.tag === undefined || typeof asked.tag === 'string') &&
    decision !== null &&
    typeof decision === 'object';
  if (!isSound)
    throw new SealwardError('ERR_JSON_INVALID', 'the file is no record of a decision', {
      hint: 'Records are written by `sealward verify --policy FILE --record FOLDER`, and stand in the decision log of the webhook (--index).',
    });
  const head = { judge, evidence, ...(known === undefined ? {} : { known }), policies, trust: trusted };
  return { ...head, request: asked as unknown as Recorded['request'], decision: decision as JsonObject };
}
