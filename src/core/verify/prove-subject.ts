/** Which of the digests asked about a signature is about. */
import { digestFrom } from '../artifact/index.ts';
import type { SignedEntity, Statement } from '../bundle/index.ts';
import { type HashName, hash } from '../crypto/index.ts';
import { encodeHex } from '../encoding/index.ts';
import type { Subject } from './evidence.ts';
import type { Finding } from './facts.ts';

const HASHES: readonly HashName[] = ['sha256', 'sha384', 'sha512'];

/** The digest matched, as `hash:hex`, or undefined with the finding that says what the signature is about instead. */
export function proveSubject(entity: SignedEntity, subject: Subject, findings: Finding[], broken: Finding[]): string | undefined {
  const { claim } = entity;
  switch (claim.kind) {
    case 'artifact':
      return artifactSubject(entity, subject, findings, broken);
    case 'simple-signing': {
      const digest = digestFrom(claim.digest);
      if (digest && (digestOf(subject, digest.algorithm) === digest.hex || isIndexOf(subject, claim.digest))) return claim.digest;
      findings.push({ code: 'DIGEST_MISMATCH', detail: `it was made for ${claim.digest.slice(0, 140)}` });
      return undefined;
    }
    case 'statement': {
      const matched = matchStatement(claim.statement, subject);
      if (matched === undefined) findings.push({ code: 'DIGEST_MISMATCH', detail: `it was made for ${describeSubjects(claim.statement)}` });
      return matched;
    }
    case 'unknown':
      findings.push({ code: 'FORMAT_UNSUPPORTED', detail: `its payload is of the type ${JSON.stringify(claim.payloadType.slice(0, 100))}` });
      return undefined;
  }
}

/** A blob's signature carries no claim: it is about whatever it verifies over. The digest written beside it must still be true. */
function artifactSubject(entity: SignedEntity, subject: Subject, findings: Finding[], broken: Finding[]): string | undefined {
  const stated = entity.message.kind === 'artifact' ? entity.message.stated : undefined;
  if (stated) {
    const hex = encodeHex(stated.digest);
    const known = digestOf(subject, stated.hash);
    if (known === hex) return `${stated.hash}:${hex}`;
    if (known !== undefined) broken.push({ code: 'DIGEST_MISMATCH', detail: `it was made for ${stated.hash}:${hex.slice(0, 128)}` });
    else findings.push({ code: 'DIGEST_MISMATCH', detail: `it states a ${stated.hash} digest, and the artifact's is not known` });
    return undefined;
  }
  const known = HASHES.find((hash) => subject.digests[hash] !== undefined);
  return known && `${known}:${subject.digests[known]}`;
}

function matchStatement(statement: Statement, subject: Subject): string | undefined {
  for (const { digest } of statement.subjects) {
    // One digest that differs makes it another artifact, whatever the others say.
    const known = HASHES.filter((name) => digest[name] !== undefined && digestOf(subject, name) !== undefined);
    const first = known[0];
    if (first && known.every((name) => digest[name] === digestOf(subject, name))) return `${first}:${digest[first]}`;
  }
  const covering = statement.subjects.find(({ digest }) => digest['sha256'] !== undefined && isIndexOf(subject, `sha256:${digest['sha256']}`));
  return covering && `sha256:${covering.digest['sha256']}`;
}

function isIndexOf({ indexes = [] }: Subject, digest: string): boolean {
  return indexes.some((index) => index.digest === digest);
}

/** In hexadecimal; where only the artifact itself is known under another hash, computed from it. */
function digestOf({ digests, bytes }: Subject, name: HashName): string | undefined {
  return digests[name] ?? (bytes && encodeHex(hash(name, bytes)));
}

function describeSubjects({ subjects }: Statement): string {
  const [first] = subjects;
  const [hash, hex] = Object.entries(first?.digest ?? {})[0] ?? ['', ''];
  const more = subjects.length > 1 ? ` and ${subjects.length - 1} more` : '';
  return `${hash.slice(0, 20)}:${hex.slice(0, 128)}${more}`;
}
