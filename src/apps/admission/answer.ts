/** The answer to a review (admission.k8s.io/v1), within the limits of the API server: what breaks them is lost there, or fails the call. */
import { encodeBase64, utf8 } from '../../core/encoding/index.ts';
import type { PinOperation } from './pin.ts';

/** 403: it was judged and is refused. 503: it cannot be judged now. 500: our own fault. */
export type DenialStatus = 403 | 500 | 503;

export type Verdict = {
  /** Names and values by which the audit log of the cluster finds the decision again; keys without a slash. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
} & (
  | { readonly allowed: true; readonly patch: readonly PinOperation[] }
  | { readonly allowed: false; readonly status: DenialStatus; readonly message: string }
);

const REASONS: Readonly<Record<DenialStatus, string>> = { 403: 'Forbidden', 500: 'InternalError', 503: 'ServiceUnavailable' };
/** In characters. A message is shown whole by kubectl; warnings are dropped by the server when they are long. */
const LONGEST_MESSAGE = 2048;
const MOST_WARNINGS = 5;
const LONGEST_WARNING = 120;
/** In bytes, keys and values of all annotations. */
const ANNOTATION_BYTES = 1024;
/** Most of what is said, and quickly known: words with single blanks between them. */
const PLAIN = /^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/;
/** How many times as many characters are looked at as may be said: runs of those that cannot be printed become one blank. */
const LOOKED_AT = 8;
const ANNOTATION_KEY = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/** A verdict that is given again is the same value, and its text differs only by whom it answers. */
const TEXTS = new WeakMap<Verdict, string>();

export function encodeAnswer(uid: string, verdict: Verdict): string {
  const known = TEXTS.get(verdict);
  const text = known ?? encodeVerdict(verdict);
  if (known === undefined) TEXTS.set(verdict, text);
  return `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":${JSON.stringify(uid)},${text}}`;
}

/** The members of a response but its uid, and its end. */
function encodeVerdict(verdict: Verdict): string {
  const warnings = [...new Set(verdict.warnings.map((text) => printable(text, LONGEST_WARNING)))].filter((text) => text !== '');
  const annotations = fitting(verdict.annotations);
  const response = {
    allowed: verdict.allowed,
    ...(verdict.allowed ? patchOf(verdict.patch) : { status: statusOf(verdict.status, verdict.message) }),
    ...(warnings.length > 0 ? { warnings: shortened(warnings) } : {}),
    ...(Object.keys(annotations).length > 0 ? { auditAnnotations: annotations } : {}),
  };
  return JSON.stringify(response).slice(1);
}

/** Both or neither: one without the other fails the call. */
function patchOf(patch: readonly PinOperation[]): object {
  return patch.length === 0 ? {} : { patch: encodeBase64(utf8(JSON.stringify(patch))), patchType: 'JSONPatch' };
}

function statusOf(code: DenialStatus, message: string): object {
  return { metadata: {}, status: 'Failure', message: printable(message, LONGEST_MESSAGE), reason: REASONS[code], code };
}

function shortened(warnings: readonly string[]): readonly string[] {
  if (warnings.length <= MOST_WARNINGS) return warnings;
  const shown = warnings.slice(0, MOST_WARNINGS - 1);
  return [...shown, `and ${warnings.length - shown.length} more warnings, which the log of sealward holds`];
}

function fitting(annotations: Readonly<Record<string, string>>): Record<string, string> {
  const fit: Record<string, string> = {};
  let left = ANNOTATION_BYTES;
  for (const [key, value] of Object.entries(annotations)) {
    const text = printable(value, 512);
    const bytes = Buffer.byteLength(key) + Buffer.byteLength(text);
    if (!ANNOTATION_KEY.test(key) || bytes > left) continue;
    left -= bytes;
    fit[key] = text;
  }
  return fit;
}

/** Names come from strangers: control characters, line breaks and what turns text around become blanks. Lengths are in characters. */
export function printable(text: string, longest: number): string {
  if (text.length <= longest && PLAIN.test(text)) return text;
  // What is that long is cut in any case, and looking at all of it would take the time of others.
  const clean = text
    .slice(0, LOOKED_AT * longest)
    .toWellFormed()
    .replace(/[\p{C}\p{Zl}\p{Zp}\p{Zs}]+/gu, ' ')
    .trim();
  // Code points, as the API server counts them.
  const characters = Array.from(clean.slice(0, 2 * longest + 2));
  return characters.length > longest ? `${characters.slice(0, longest - 1).join('')}…` : clean;
}
