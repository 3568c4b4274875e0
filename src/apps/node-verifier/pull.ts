/**
 * The question of containerd's image-verifier plugin (io.containerd.image-verifier.v1.bindir): its flags, and the descriptor
 * on standard input. What differs from the contract is refused, because an answer to another question is none.
 */
import { digestFrom, formatDigest, parseDescriptor, parseReference, type Reference } from '../../core/artifact/index.ts';
import { LIMITS, parseJsonObject } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';

const DESCRIPTOR_TYPE = 'application/vnd.oci.descriptor.v1+json';
const FLAGS = ['name', 'digest', 'stdin-media-type'] as const;
type Flag = (typeof FLAGS)[number];

/** What is about to be pulled: always with its digest, which containerd has resolved. */
export interface Pull {
  readonly reference: Reference & { readonly digest: NonNullable<Reference['digest']> };
}

/**
 * @param argv as containerd gives it: `-name REF -digest DIGEST -stdin-media-type TYPE`; two dashes and `=` count, too.
 * @throws ERR_PULL_INVALID, ERR_REFERENCE_INVALID, ERR_TOO_LARGE.
 */
export function parsePull(argv: readonly string[], stdin: Uint8Array): Pull {
  const flags = readFlags(argv);
  const digest = digestFrom(flags.digest);
  if (!digest) throw refused(`-digest is ${JSON.stringify(flags.digest.slice(0, 200))}, which is no digest`);
  const type = flags['stdin-media-type'];
  if (type !== DESCRIPTOR_TYPE) throw refused(`-stdin-media-type is ${JSON.stringify(type.slice(0, 200))}, and only ${DESCRIPTOR_TYPE} is known`);
  const descriptor = parseDescriptor(parseJsonObject(stdin, { what: 'the descriptor', maxBytes: LIMITS.documentBytes }), 'the descriptor');
  if (formatDigest(descriptor.digest) !== flags.digest) throw refused('-digest and the descriptor on standard input name two digests');
  const reference = parseReference(flags.name);
  if (reference.digest && formatDigest(reference.digest) !== flags.digest) throw refused('-name and -digest name two digests');
  return { reference: { ...reference, digest } };
}

function readFlags(argv: readonly string[]): Readonly<Record<Flag, string>> {
  const given = new Map<Flag, string>();
  for (let at = 0; at < argv.length; at++) {
    const [, name = '', inline] = /^--?([a-z-]+)(?:=(.*))?$/su.exec(argv[at] ?? '') ?? [];
    const flag = FLAGS.find((one) => one === name);
    if (!flag) throw refused(`${JSON.stringify((argv[at] ?? '').slice(0, 200))} is no flag that is known`);
    const value = inline ?? argv[++at];
    if (value === undefined) throw refused(`-${flag} has no value`);
    if (given.has(flag)) throw refused(`-${flag} is given twice`);
    given.set(flag, value);
  }
  const missing = FLAGS.find((flag) => !given.has(flag));
  if (missing) throw refused(`-${missing} is missing`);
  return Object.fromEntries(given) as Record<Flag, string>;
}

function refused(why: string): SealwardError {
  return new SealwardError('ERR_PULL_INVALID', why);
}
