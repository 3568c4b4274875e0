/** What would change, in words, between what is in force and what shall hold. */
import type { Work } from '../../../clients/trust/index.ts';
import { equalBytes } from '../../../core/encoding/index.ts';
import {
  DENIALS_FILE,
  effectiveKey,
  KEYS_FILE,
  type KeyVersion,
  type ListedDenial,
  type ListedKey,
  parseTrustedRoot,
  PRINCIPALS_FILE,
  type SignerKeys,
  SIGNING_ROLES,
  TRUSTED_ROOT_FILE,
} from '../../../core/trust/index.ts';
import { isoTime } from '../signer-words.ts';
import { denialsOf, keysOf } from './content.ts';

export function differences(work: Work): string[] {
  const { published, plan } = work;
  const before = { keys: published?.keys ?? [], denials: published?.denials ?? [] };
  const after = { keys: keysOf(work), denials: denialsOf(work) };
  return [
    ...signerChanges(work),
    ...keyChanges(before, after),
    ...denialChanges(before.denials, after.denials),
    ...fileChanges(published?.files ?? new Map(), plan.files),
  ];
}

interface Said {
  readonly keys: readonly ListedKey[];
  readonly denials: readonly ListedDenial[];
}

function keyChanges(before: Said, after: Said): string[] {
  const held = new Map(before.keys.map((key) => [`${key.name}/${key.version}`, effectiveKey(key, before.denials)]));
  return after.keys.flatMap((key) => {
    const name = `${key.name}/${key.version}`;
    const [was, is] = [held.get(name), effectiveKey(key, after.denials)];
    if (!was) return [`the key ${name} is added: ${describeKeyState(is)}, ${is.role}, SHA-256 ${is.anchor.slice(0, 16)}...`];
    return describeKeyState(was) === describeKeyState(is) ? [] : [`the key ${name} was ${describeKeyState(was)} and becomes ${describeKeyState(is)}`];
  });
}

export function describeKeyState(key: KeyVersion): string {
  const since: Record<KeyVersion['state'], string> = {
    'pre-active': ` (from ${isoTime(key.window.from)})`,
    active: ` since ${isoTime(key.window.from)}${key.window.to === undefined ? '' : `, until ${isoTime(key.window.to)}`}`,
    suspended: ` since ${isoTime(key.suspendedAt ?? 0)}`,
    retired: ` at ${isoTime(key.retiredAt ?? 0)}${key.acceptUndatedUntil === undefined ? '' : `, undated signatures until ${isoTime(key.acceptUndatedUntil)}`}`,
    superseded: ` from ${isoTime(key.invalidFrom ?? 0)}`,
    compromised: ` from ${isoTime(key.invalidFrom ?? 0)}`,
    'revoked-all': '',
  };
  return `${key.state}${since[key.state]}${key.destroyedAt === undefined ? '' : `, destroyed at ${isoTime(key.destroyedAt)}`}`;
}

function denialChanges(before: readonly ListedDenial[], after: readonly ListedDenial[]): string[] {
  const known = new Set(before.map(({ id }) => id));
  const gone = before
    .filter(({ id }) => !after.some((one) => one.id === id))
    .map((one) => `the denial ${one.id} is gone, which no client takes: ${describeDenial(one)}`);
  return [...after.filter(({ id }) => !known.has(id)).map((one) => `denied: ${describeDenial(one)}`), ...gone];
}

export function describeDenial(denial: ListedDenial): string {
  const what = (): string => {
    switch (denial.kind) {
      case 'key':
        return `the key ${denial.key}`;
      case 'certificate':
        return `the certificate ${denial.certificate}`;
      case 'identity':
        return `${denial.subject} (${denial.issuer}) from ${isoTime(denial.window.from)}${denial.window.to === undefined ? '' : ` to ${isoTime(denial.window.to)}`}`;
      case 'digest':
        return `the image ${denial.digest}`;
      case 'signature':
        return `the signature ${denial.document}`;
      case 'log':
        return `the log ${denial.anchor}${denial.fromIndex === undefined ? '' : ` from entry ${denial.fromIndex}`}`;
      case 'run':
        return `the run ${denial.run}`;
      case 'suspension':
        return `the key ${denial.name}/${denial.version} is suspended from ${isoTime(denial.at)}`;
      case 'revocation':
        return `the key ${denial.name}/${denial.version} is revoked since its activation`;
    }
  };
  return `${what()}: ${denial.reason}`;
}

/** Keys and denials are told one by one; of other files which are new, gone or written anew. */
export function fileChanges(before: ReadonlyMap<string, Uint8Array>, after: ReadonlyMap<string, Uint8Array>): string[] {
  const lines: string[] = [];
  for (const path of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const [was, is] = [before.get(path), after.get(path)];
    if (path === KEYS_FILE || path === DENIALS_FILE || (was && is && equalBytes(was, is))) continue;
    if (path === TRUSTED_ROOT_FILE) lines.push(...anchorChanges(was, is));
    else lines.push(`${path} ${was ? (is ? 'is written anew' : 'is taken away') : 'is added'}${path === PRINCIPALS_FILE ? ': who counts as one' : ''}`);
  }
  return lines;
}

function anchorChanges(before: Uint8Array | undefined, after: Uint8Array | undefined): string[] {
  const named = (bytes: Uint8Array | undefined): Map<string, string> => {
    if (!bytes) return new Map();
    const { authorities, logs, certificateLogs, timestampAuthorities } = parseTrustedRoot(bytes);
    return new Map(
      [...authorities, ...logs, ...certificateLogs, ...timestampAuthorities].map((one) => [
        `${one.kind} ${one.id} ${one.window.from} ${one.window.to ?? ''}`,
        `the ${one.kind} ${one.name} (${one.id.slice(0, 16)}...)`,
      ]),
    );
  };
  const [was, is] = [named(before), named(after)];
  return [
    ...[...is].filter(([id]) => !was.has(id)).map(([, name]) => `${name} is trusted`),
    ...[...was].filter(([id]) => !is.has(id)).map(([, name]) => `${name} is no longer trusted as it was`),
  ];
}

function signerChanges({ published, plan }: Work): string[] {
  if (!published) return ['nothing is published yet'];
  const { root, targets } = published.metadata;
  return SIGNING_ROLES.flatMap((role) => {
    const top = role === 'root' || role === 'timestamp' || role === 'snapshot' || role === 'targets';
    const held = top ? root.roles[role] : targets.get('targets')?.delegations.find(({ name }) => name === role);
    const beside = top ? (root.postQuantum[role]?.keys ?? []) : [];
    const was = new Set([...(held?.keys ?? []), ...beside].flatMap(({ usable }) => (usable ? [usable.key.fingerprint] : [])));
    const { keys, threshold } = plan.signers[role];
    const name = ({ holder, key }: SignerKeys['keys'][number]): string => holder ?? `${key.fingerprint.slice(0, 16)}...`;
    const added = keys.filter(({ key }) => !was.has(key.fingerprint)).map((one) => `${name(one)} may sign for ${role}`);
    const gone = [...(held?.keys ?? []), ...beside]
      .filter(({ usable }) => usable && !keys.some(({ key }) => key.fingerprint === usable.key.fingerprint))
      .map(({ holder, id }) => `${holder ?? `${id.slice(0, 16)}...`} no longer signs for ${role}`);
    return [...added, ...gone, ...(held && held.threshold !== threshold ? [`${role} takes ${threshold} signatures, and took ${held.threshold}`] : [])];
  });
}
