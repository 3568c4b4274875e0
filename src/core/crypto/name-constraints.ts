/**
 * Name constraints (RFC 5280 section 4.2.1.10): which names an authority may certify. Mail addresses, DNS names, hosts of
 * URIs and addresses are judged; a constraint of a kind that is not is fatal to any certificate that has a name of that kind.
 */
import { derChildren, derError, derSequence, parseDer } from '../encoding/index.ts';
import type { Certificate } from './certificate.ts';
import type { AlternativeName } from './certificate-extensions.ts';
import { EXTENSION, readGeneralName } from './certificate-extensions.ts';

interface Constraints {
  readonly permitted: readonly Constraint[];
  readonly excluded: readonly Constraint[];
}
interface Constraint {
  readonly type: AlternativeName['type'];
  /** The base in lower case; of addresses, network and mask in bytes. */
  readonly base: string;
  readonly bytes: Uint8Array;
}

/** Whether every name of the certificate is one that the authority above it may certify. */
export function namesAreAllowed(certificate: Certificate, authority: Certificate): boolean {
  const extension = authority.extensions.find(({ oid }) => oid === EXTENSION.nameConstraints);
  if (!extension) return true;
  const { permitted, excluded } = readNameConstraints(extension.value);
  return namesOf(certificate).every((name) => {
    const constrained = [...permitted, ...excluded].some((constraint) => constraint.type === name.type);
    // Section 4.2.1.10: a URI whose host is missing or an address cannot be judged and is refused.
    if (constrained && name.type === 'uri' && !isHostName(hostOf(name.value.toLowerCase()))) return false;
    if (excluded.some((constraint) => constraint.type === name.type && (!canJudge(constraint) || matches(name, constraint)))) return false;
    const relevant = permitted.filter((constraint) => constraint.type === name.type);
    return relevant.length === 0 || relevant.some((constraint) => canJudge(constraint) && matches(name, constraint));
  });
}

/** A subject that is not empty is a directoryName too (section 6.1.3 step b). */
function namesOf(certificate: Certificate): AlternativeName[] {
  const names = [...certificate.subjectAlternativeNames];
  if (certificate.subject.length > 2) names.push({ type: 'directoryName', value: certificate.subjectText });
  return names;
}

function readNameConstraints(value: Uint8Array): Constraints {
  const out: { permitted: Constraint[]; excluded: Constraint[] } = { permitted: [], excluded: [] };
  for (const part of derSequence(parseDer(value), 'the name constraints')) {
    if (part.tag !== 0xa0 && part.tag !== 0xa1) throw derError('the name constraints have an unknown part');
    const list = part.tag === 0xa0 ? out.permitted : out.excluded;
    for (const subtree of derChildren(part)) {
      const [base, ...distances] = derSequence(subtree, 'a name constraint');
      // Section 4.2.1.10: minimum is 0, which DER leaves out, and maximum is absent.
      if (!base || distances.length > 0) throw derError('a name constraint has distances');
      list.push(readConstraint(base));
    }
  }
  return out;
}

function readConstraint(base: Parameters<typeof readGeneralName>[0]): Constraint {
  // Here an address carries its mask, which is not the form of a name (section 4.2.1.10).
  if (base.tag === 0x87) return { type: 'ip', base: '', bytes: base.value };
  const { type, value } = readGeneralName(base);
  return { type, base: value.toLowerCase(), bytes: base.value };
}

function canJudge({ type }: Constraint): boolean {
  return type === 'email' || type === 'dns' || type === 'uri' || type === 'ip';
}

function matches(name: AlternativeName, constraint: Constraint): boolean {
  // A dot at the end of a host name changes nothing about the host that is meant.
  const value = name.value.toLowerCase().replace(/\.$/, '');
  switch (constraint.type) {
    case 'email':
      return matchesMail(value, constraint.base);
    case 'dns':
      return isWithin(value, constraint.base.replace(/^\./, ''));
    case 'uri':
      return matchesHost(hostOf(value), constraint.base);
    default:
      return matchesAddress(name.value, constraint.bytes);
  }
}

/** One mailbox, all mailboxes of a host, or, with a leading dot, of all hosts below a domain. */
function matchesMail(address: string, base: string): boolean {
  if (base.includes('@')) return address === base;
  return matchesHost(address.slice(address.lastIndexOf('@') + 1), base);
}

/** A host is meant exactly, a leading dot means whatever lies below it. */
function matchesHost(host: string, base: string): boolean {
  if (base === '') return true;
  return base.startsWith('.') ? host.length > base.length && host.endsWith(base) : host === base;
}

/** DNS constraints cover the name itself and everything below. */
function isWithin(name: string, base: string): boolean {
  return base === '' || name === base || name.endsWith(`.${base}`);
}

function isHostName(host: string): boolean {
  return /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(host) && !/^[0-9.]+$/.test(host);
}

/** The host of a URI; one without an authority part has none. */
function hostOf(uri: string): string {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/.exec(uri)?.[1] ?? '';
  return authority
    .slice(authority.lastIndexOf('@') + 1)
    .replace(/:\d*$/, '')
    .replace(/\.$/, '');
}

function matchesAddress(text: string, networkAndMask: Uint8Array): boolean {
  const bytes = addressBytes(text);
  if (networkAndMask.length !== 2 * bytes.length) return false;
  return bytes.every((octet, i) => {
    const mask = networkAndMask[bytes.length + i] as number;
    return (octet & mask) === ((networkAndMask[i] as number) & mask);
  });
}

function addressBytes(text: string): number[] {
  if (text.includes('.')) return text.split('.').map(Number);
  return text.split(':').flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]);
}
