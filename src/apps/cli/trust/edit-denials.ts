/** `sealward trust deny ...` and `trust principal ...`. */
import type { Work } from '../../../clients/trust/index.ts';
import { parseCertificatesPem, parsePublicKeyPem } from '../../../core/crypto/index.ts';
import { decodeUtf8, LIMITS } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import {
  DENIALS_FILE,
  encodeDenials,
  encodePrincipals,
  type ListedDenial,
  parseDenials,
  parsePrincipals,
  PRINCIPALS_FILE,
  type Principal,
} from '../../../core/trust/index.ts';
import { readBytes } from '../file.ts';
import { denialsOf } from './content.ts';
import { type Asked, edit, momentOf, reasonOf, thisMoment, usage, wordOf } from './desk.ts';
import { freshId } from './edit-keys.ts';

const KINDS = ['key', 'certificate', 'identity', 'digest', 'signature', 'log', 'run'] as const;

export async function deny(invocation: Asked): Promise<number> {
  const kind = wordOf(invocation, 1, KINDS.join(', '));
  const known = KINDS.find((one) => one === kind);
  if (!known) throw usage(`\`sealward trust deny\` knows no ${JSON.stringify(kind.slice(0, 40))}`, `It denies ${KINDS.join(', ')}.`);
  return edit(invocation, (work) => {
    const denials = denialsOf(work);
    const denied = deniedBy(invocation, known);
    const denial = { id: freshId(denials, kind), addedAt: thisMoment(), reason: reasonOf(invocation), ...denied } as ListedDenial;
    const bytes = encodeDenials([...denials, denial]);
    parseDenials(bytes, DENIALS_FILE);
    return new Map([[DENIALS_FILE, bytes]]);
  });
}

function deniedBy(invocation: Asked, kind: (typeof KINDS)[number]): object {
  const { flags } = invocation;
  if (kind === 'identity') {
    const [subject, ...more] = flags.subject;
    if (more.length > 0) throw new SealwardError('ERR_FLAG_CONFLICT', 'one identity is denied at a time', { hint: 'Give --subject once.' });
    if (flags.issuer === undefined || subject === undefined) throw new SealwardError('ERR_FLAG_CONFLICT', 'an identity is denied by --issuer and --subject');
    const to = momentOf(invocation, 'until');
    // Without a beginning: whatever it signed, ever.
    return { kind, issuer: flags.issuer, subject, window: { from: momentOf(invocation, 'from') ?? 0, ...(to === undefined ? {} : { to }) } };
  }
  const value = wordOf(invocation, 2, 'what to deny');
  switch (kind) {
    case 'key':
      return { kind, key: isHex(value) ? value : parsePublicKeyPem(textOf(value)).fingerprint };
    case 'certificate':
      return { kind, certificate: isHex(value) ? value : (parseCertificatesPem(textOf(value))[0]?.fingerprint ?? '') };
    case 'digest':
      return { kind, digest: value };
    case 'signature':
      return { kind, document: value };
    case 'log':
      return { kind, anchor: value, ...(flags['from-index'] === undefined ? {} : { fromIndex: flags['from-index'] }) };
    case 'run':
      return { kind, run: value };
  }
}

const isHex = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

function textOf(path: string): string {
  return decodeUtf8(readBytes(path, LIMITS.documentBytes), path);
}

function principalsOf({ plan }: Work): Principal[] {
  const bytes = plan.files.get(PRINCIPALS_FILE);
  return bytes ? parsePrincipals(bytes, `content/${PRINCIPALS_FILE}`) : [];
}

/** Sets a principal as a whole; with nothing under it, it goes. */
export async function principal(invocation: Asked): Promise<number> {
  const { flags } = invocation;
  const name = wordOf(invocation, 1, 'the name of a principal');
  if (flags.subject.length > 0 !== (flags.issuer !== undefined)) throw new SealwardError('ERR_FLAG_CONFLICT', '--subject and --issuer belong together');
  return edit(invocation, (work) => {
    const others = principalsOf(work).filter((one) => one.name !== name);
    const identities = flags.subject.map((subject) => ({ issuer: flags.issuer ?? '', subject }));
    const next = flags['key-name'].length + identities.length === 0 ? others : [...others, { name, keys: [...flags['key-name']], identities }];
    const bytes = encodePrincipals(next);
    parsePrincipals(bytes, PRINCIPALS_FILE);
    return new Map([[PRINCIPALS_FILE, bytes]]);
  });
}
