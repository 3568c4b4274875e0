/** What a command shall attest to: a predicate as it stands, or one made of a scan report, an SBOM or the CI's environment. */
import { statSync } from 'node:fs';
import { loadPredicates, type Predicate, predicateTypeOf } from '../../core/bundle/index.ts';
import { LIMITS } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { Config } from './config.ts';
import { readBytes } from './file.ts';
import type { FlagValues } from './flag.ts';
import type { predicateFlags } from './table/attest.ts';
import type { Terminal } from './terminal.ts';
import { visible } from './visible.ts';

export interface PredicateInvocation {
  readonly flags: FlagValues<typeof predicateFlags>;
  readonly config: Pick<Config, 'environment'>;
  readonly terminal: Pick<Terminal, 'say'>;
}

const SOURCES = ['predicate', 'scan', 'sbom', 'from-ci'] as const;

/**
 * Throws ERR_FLAG_CONFLICT unless exactly one flag says what is attested; ERR_TOO_LARGE, ERR_JSON_INVALID,
 * ERR_PREDICATE_INVALID or ERR_CI_ENVIRONMENT for what it leads to. Nothing is signed or published by then.
 * @param now milliseconds since 1970
 */
export async function predicateOf({ flags, config, terminal }: PredicateInvocation, now: number): Promise<Predicate> {
  const [source, second] = SOURCES.filter((name) => flags[name] !== undefined && flags[name] !== false);
  if (source === undefined) {
    throw new SealwardError('ERR_FLAG_CONFLICT', 'nothing says what is attested', {
      hint: 'Give --predicate FILE and its --type, --scan REPORT, --sbom FILE, or --from-ci.',
    });
  }
  if (second)
    throw new SealwardError('ERR_FLAG_CONFLICT', `--${source} and --${second} contradict each other`, { hint: 'Attest to one of them after the other.' });
  const type = flags.type === undefined ? undefined : predicateTypeOf(flags.type);
  const predicates = await loadPredicates();
  const read = (path: string, what: string): Uint8Array => readBytes(path, LIMITS.attestationBytes, what);

  if (flags.predicate !== undefined) {
    if (flags.type === undefined) {
      throw new SealwardError('ERR_FLAG_CONFLICT', '--type is missing: a predicate is worth nothing when nobody knows what it says', {
        hint: 'Give --type, such as slsaprovenance1 or a URI.',
      });
    }
    return predicates.readPredicate(flags.type, read(flags.predicate, 'the predicate'), now);
  }
  let made: Predicate;
  if (flags.scan !== undefined) {
    const report = read(flags.scan, 'the report');
    const invocation = predicates.scanInvocationFromCi(config.environment);
    const scannedAt = fileTime(flags.scan) ?? now;
    const { predicate, dated } = predicates.predicateFromScan(report, { scannedAt, ...(invocation ? { invocation } : {}) });
    if (!dated) terminal.say(`The report does not say when the scan ran; the time of ${visible(flags.scan)} is stated: ${new Date(scannedAt).toISOString()}.`);
    made = predicate;
  } else if (flags.sbom !== undefined) made = predicates.predicateFromSbom(read(flags.sbom, 'the SBOM'));
  else made = predicates.provenanceFromCi(config.environment, now);
  if (type !== undefined && type !== made.predicateType)
    throw new SealwardError('ERR_FLAG_CONFLICT', `--${source} makes a predicate of the type ${made.predicateType}, and --type says another`, {
      hint: 'Leave --type out.',
    });
  return made;
}

/** When a file was last written; undefined for stdin, pipes and what is not there. */
function fileTime(path: string): number | undefined {
  const found = path === '-' ? undefined : statSync(path, { throwIfNoEntry: false });
  return found?.isFile() ? found.mtimeMs : undefined;
}
