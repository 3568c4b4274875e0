/**
 * Anchors: what somebody decided to trust, each named by the digest of its public part. An anchor carries the window
 * in which it is trusted; whether a fact about it counts is decided against that window, not proven with it.
 */
import type { Certificate, PublicKey } from '../crypto/index.ts';

/** Both ends inclusive (sigstore common.proto, TimeRange: "a closed interval"), in milliseconds since 1970. */
export interface Window {
  readonly from: number;
  readonly to?: number;
}

interface AnchorBase {
  /** Lower-case hexadecimal SHA-256 of the public part: of the SPKI, or of the certificates one after the other. */
  readonly id: string;
  /** For people: a URL, a file name, a common name. */
  readonly name: string;
  /** Who runs it, where that is stated: two anchors of one operator count once. */
  readonly operator?: string;
  readonly window: Window;
}

export interface KeyAnchor extends AnchorBase {
  readonly kind: 'key';
  readonly key: PublicKey;
}

export interface CertificateAuthorityAnchor extends AnchorBase {
  readonly kind: 'certificate-authority';
  /** From the issuer of leaves to the top; the last one is where chains end. */
  readonly certificates: readonly Certificate[];
}

export interface LogAnchor extends AnchorBase {
  readonly kind: 'log';
  readonly key: PublicKey;
  /** The 32 bytes by which entries name the log. */
  readonly logId: Uint8Array;
  readonly baseUrl: string;
}

export interface CertificateLogAnchor extends AnchorBase {
  readonly kind: 'certificate-log';
  readonly key: PublicKey;
  readonly logId: Uint8Array;
}

export interface TimestampAuthorityAnchor extends AnchorBase {
  readonly kind: 'timestamp-authority';
  /** The authority's certificates, signer first where it is known. */
  readonly certificates: readonly Certificate[];
}

export type Anchor = KeyAnchor | CertificateAuthorityAnchor | LogAnchor | CertificateLogAnchor | TimestampAuthorityAnchor;

/** All anchors of one judgement, by kind. */
export interface Anchors {
  readonly keys: readonly KeyAnchor[];
  readonly authorities: readonly CertificateAuthorityAnchor[];
  readonly logs: readonly LogAnchor[];
  readonly certificateLogs: readonly CertificateLogAnchor[];
  readonly timestampAuthorities: readonly TimestampAuthorityAnchor[];
}

export const NO_ANCHORS: Anchors = { keys: [], authorities: [], logs: [], certificateLogs: [], timestampAuthorities: [] };

/** Trusted at any time: for keys and certificates that were given by hand, without a window. */
export const ALWAYS: Window = { from: Number.NEGATIVE_INFINITY };

export function joinAnchors(...all: readonly Partial<Anchors>[]): Anchors {
  return {
    keys: all.flatMap((some) => some.keys ?? []),
    authorities: all.flatMap((some) => some.authorities ?? []),
    logs: all.flatMap((some) => some.logs ?? []),
    certificateLogs: all.flatMap((some) => some.certificateLogs ?? []),
    timestampAuthorities: all.flatMap((some) => some.timestampAuthorities ?? []),
  };
}

/** Whether a moment, in milliseconds since 1970, lies in the window; both ends belong to it. */
export function inWindow({ from, to }: Window, moment: number): boolean {
  return from <= moment && (to === undefined || moment <= to);
}
