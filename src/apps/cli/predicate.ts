/** The predicate that a command is given: its type, and its JSON. */
import { predicateTypeOf } from '../../core/bundle/index.ts';
import { type JsonValue, LIMITS, parseJson } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { readBytes } from './file.ts';
import { visible } from './visible.ts';

export interface GivenPredicate {
  readonly predicateType: string;
  readonly predicate: JsonValue;
}

/** Throws ERR_FLAG_CONFLICT when one of the two flags is missing, ERR_TOO_LARGE and ERR_JSON_INVALID for what the file holds. */
export function predicateOf(flags: { readonly type?: string | undefined; readonly predicate?: string | undefined }, now: number): GivenPredicate {
  if (flags.predicate === undefined)
    throw new SealwardError('ERR_FLAG_CONFLICT', 'nothing says what is attested', { hint: 'Give --predicate FILE and its --type.' });
  if (flags.type === undefined)
    throw new SealwardError('ERR_FLAG_CONFLICT', '--type is missing: a predicate is worth nothing when nobody knows what it says', {
      hint: 'Give --type, such as slsaprovenance1 or a URI.',
    });
  const bytes = readBytes(flags.predicate, LIMITS.attestationBytes / 2, 'the predicate');
  const type = predicateTypeOf(flags.type);
  // cosign keeps a predicate of its own type as text, with the time when it was made.
  if (flags.type === 'custom')
    return { predicateType: type, predicate: { Data: new TextDecoder().decode(bytes), Timestamp: `${new Date(now).toISOString().slice(0, 19)}Z` } };
  return { predicateType: type, predicate: parseJson(bytes, { what: `the predicate ${visible(flags.predicate)}`, maxBytes: LIMITS.attestationBytes }) };
}
