/** Who calls is proven before a byte of the body is read: whoever could ask freely could learn what is trusted, and make us ask registries. */
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';

/** `network`: only the network keeps strangers away. */
export type CallerProof =
  | { readonly kind: 'mtls' /** Common names or DNS names, one of which the client's certificate must have. */; readonly names: readonly string[] }
  | { readonly kind: 'path-secret' /** Those that count now: while it is rotated, two. */; readonly secrets: () => readonly string[] }
  | { readonly kind: 'network' };

/** @param path of the request, without its query. @returns it without what proved the caller, as in `/validate`; undefined for a caller that is not proven. */
export function provenPath(proof: CallerProof, request: IncomingMessage, path: string): string | undefined {
  switch (proof.kind) {
    case 'network':
      return path;
    case 'mtls':
      return isNamed(request.socket as TLSSocket, proof.names) ? path : undefined;
    case 'path-secret': {
      const end = path.lastIndexOf('/');
      const given = Buffer.from(path.slice(1, Math.max(end, 1)), 'latin1');
      // Each is compared whole, so that time tells nothing of any but its length, which everybody knows.
      const matches = bytesOf(proof.secrets()).map((secret) => given.length === secret.length && timingSafeEqual(given, secret));
      return matches.includes(true) ? path.slice(end) : undefined;
    }
  }
}

const BYTES = new WeakMap<readonly string[], readonly Buffer[]>();

function bytesOf(secrets: readonly string[]): readonly Buffer[] {
  const known = BYTES.get(secrets) ?? secrets.map((secret) => Buffer.from(secret, 'latin1'));
  BYTES.set(secrets, known);
  return known;
}

/** A connection proves itself once; it cannot change its certificate. */
const NAMED = new WeakMap<TLSSocket, boolean>();

function isNamed(socket: TLSSocket, names: readonly string[]): boolean {
  // `authorized` covers the chain, the dates and the purpose of a client.
  if (!socket.authorized) return false;
  const known = NAMED.get(socket);
  if (known !== undefined) return known;
  const { subject, subjectaltname = '' } = socket.getPeerCertificate();
  // A name that holds a comma is quoted by Node, so it cannot pretend to be two.
  const alternatives = subjectaltname.split(', ').flatMap((name) => (name.startsWith('DNS:') ? [name.slice(4)] : []));
  const common: unknown = subject.CN;
  const named = [...(typeof common === 'string' ? [common] : []), ...alternatives].some((name) => names.includes(name));
  NAMED.set(socket, named);
  return named;
}
