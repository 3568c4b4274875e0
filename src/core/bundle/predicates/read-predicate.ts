/** Predicates from the bytes of a file, within the bounds of an attestation. */
import { decodeUtf8, type JsonValue, LIMITS, parseJson, utf8 } from '../../encoding/index.ts';
import { SealwardError } from '../../errors.ts';
import { COSIGN_CUSTOM, predicateTypeOf } from '../predicate-types.ts';
import { checkPredicate, type Predicate } from './check-predicate.ts';
import { formatTime } from './time.ts';

/** Bytes of a file as cosign's own custom predicate holds them: a text, and when it was wrapped. */
export function wrapCustom(bytes: Uint8Array, now: number): Predicate {
  tooLarge(bytes.length);
  let Data: string;
  try {
    Data = decodeUtf8(bytes, 'the file');
  } catch (cause) {
    // cosign replaces such bytes by U+FFFD, so that something else is signed than was given.
    throw new SealwardError('ERR_PREDICATE_INVALID', 'the file is not UTF-8 text, and a custom predicate can hold nothing else', {
      hint: 'Encode the file, for example in base64, or attest to it as a file of its own with `sealward sign-blob`.',
      cause,
    });
  }
  return fitting({ predicateType: COSIGN_CUSTOM, predicate: { Data, Timestamp: formatTime(now) } });
}

/**
 * The predicate that the bytes of a file are, for a type as a user names it; `custom` wraps them.
 * @param now milliseconds since 1970, for what is wrapped.
 * Throws ERR_TOO_LARGE, ERR_JSON_INVALID, ERR_USAGE (the type) or ERR_PREDICATE_INVALID.
 */
export function readPredicate(type: string, bytes: Uint8Array, now: number): Predicate {
  const predicateType = predicateTypeOf(type);
  if (predicateType === COSIGN_CUSTOM) return wrapCustom(bytes, now);
  return fitting(checkPredicate(type, readDocument(bytes, 'the predicate')));
}

/** Strict JSON within the bounds of an attestation; well-known files that are not JSON get a sentence of their own. */
export function readDocument(bytes: Uint8Array, what: string): JsonValue {
  tooLarge(bytes.length);
  try {
    return parseJson(bytes, { what, maxBytes: LIMITS.attestationBytes });
  } catch (error) {
    const start = new TextDecoder()
      .decode(bytes.subarray(0, 512))
      .replace(/^\ufeff/, '')
      .trimStart();
    const other = NOT_JSON.find(({ starts }) => starts.test(start));
    if (!other) throw error;
    throw new SealwardError('ERR_PREDICATE_INVALID', `${what} is ${other.what}, and a predicate is JSON`, { hint: other.hint, cause: error });
  }
}

const NOT_JSON: readonly { readonly starts: RegExp; readonly what: string; readonly hint: string }[] = [
  {
    starts: /^(?:#[^\n]*\n\s*)*SPDXVersion:/,
    what: 'an SPDX document in the tag-value form',
    hint: 'Export it as JSON: `syft convert FILE -o spdx-json`, or `trivy image --format spdx-json IMAGE`.',
  },
  {
    starts: /^<\?xml[^]*<bom\b|^<bom\b/,
    what: 'a CycloneDX SBOM in XML',
    hint: 'Export it as JSON: `cyclonedx convert --output-format json`, or `syft convert FILE -o cyclonedx-json`.',
  },
  { starts: /^<\?xml|^<rdf:RDF\b/, what: 'XML', hint: 'Export it as JSON.' },
  { starts: /^(?:spdxVersion|SPDXID|bomFormat|apiVersion|---)\b/, what: 'YAML', hint: 'Export it as JSON.' },
];

function tooLarge(length: number): void {
  if (length <= LIMITS.attestationBytes) return;
  throw new SealwardError('ERR_TOO_LARGE', `the predicate is larger than ${LIMITS.attestationBytes} bytes`, {
    hint: 'Leave out what nobody will look at (files of packages, descriptions), or attest to the file itself with `sealward attest-blob`.',
  });
}

/** An attestation is bounded as it is stored, where every three bytes take four; the statement around it is small. */
const ENCODED_BYTES = (LIMITS.attestationBytes / 4) * 3 - 256 * 1024;

export function fitting(predicate: Predicate): Predicate {
  // Most are far below the bound, and three bytes for each unit of a string is the most that UTF-8 takes.
  const text = JSON.stringify(predicate.predicate);
  if (text.length * 3 > ENCODED_BYTES && utf8(text).length > ENCODED_BYTES) tooLarge(Number.POSITIVE_INFINITY);
  return predicate;
}
