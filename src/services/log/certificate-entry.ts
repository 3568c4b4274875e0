/** Entries of a certificate log (C2SP static-ct-api): what the log keeps, what it hashes, and the index in its promise. */
import type { Certificate } from '../../core/crypto/index.ts';
import { sha256 } from '../../core/crypto/index.ts';
import { concatBytes } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { leafHash } from '../../core/tlog/index.ts';
import type { LogForm } from './log-form.ts';
import type { NewEntry } from './log-store.ts';

export interface PrecertificateEntry {
  /** Milliseconds since 1970. */
  readonly timestamp: bigint;
  /** The certificate as it will be, without its timestamps and without poison. */
  readonly tbs: Uint8Array;
  /** The same with poison, signed. */
  readonly der: Uint8Array;
  /** The issuer and those above it. */
  readonly chain: readonly Certificate[];
}

const PRECERT_ENTRY = 1;
/** MerkleTreeLeaf of version 1 with a TimestampedEntry (RFC 6962 section 3.4). */
const LEAF_HEAD = Uint8Array.of(0, 0);
const HASH_BYTES = 32;

/** "SCT Extension": leaf_index(0), a vector of five octets; the index is part of what the log signs. */
export function leafIndexExtension(index: bigint): Uint8Array {
  return concatBytes(Uint8Array.of(0, 0, 5), uint(index, 5));
}

/** TileLeaf, and the hash of the leaf that it stands for. */
export function certificateEntry({ timestamp, tbs, der, chain }: PrecertificateEntry, index: bigint): NewEntry {
  const issuer = chain[0] as Certificate;
  const dated = concatBytes(uint(timestamp, 8), uint(BigInt(PRECERT_ENTRY), 2), sha256(issuer.spki), vector(tbs, 3), vector(leafIndexExtension(index), 2));
  const fingerprints = concatBytes(...chain.map(({ raw }) => sha256(raw)));
  const body = concatBytes(dated, vector(der, 3), vector(fingerprints, 2));
  return { body, leaf: leafHash(concatBytes(LEAF_HEAD, dated)) };
}

/** The leaf out of what is kept, for the second hash of the log and for whoever watches it. Throws ERR_LOG_FORMAT. */
export function certificateLeafOf(body: Uint8Array): Uint8Array {
  return leafHash(concatBytes(LEAF_HEAD, body.subarray(0, timestampedLength(body, 0))));
}

function timestampedLength(body: Uint8Array, start: number): number {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const need = (end: number): number => {
    if (end > body.length) throw new SealwardError('ERR_LOG_FORMAT', 'an entry of the certificate log is truncated');
    return end;
  };
  need(start + 10);
  if (view.getUint16(start + 8) !== PRECERT_ENTRY) throw new SealwardError('ERR_LOG_FORMAT', 'an entry of the certificate log is of no precertificate');
  let at = need(start + 10 + HASH_BYTES + 3);
  at = need(at + (view.getUint8(at - 3) << 16) + view.getUint16(at - 2) + 2);
  return need(at + view.getUint16(at - 2)) - start;
}

/** Leaves stand one after the other; their own lengths part them. */
export const CERTIFICATE_ENTRIES: LogForm = {
  leafOf: certificateLeafOf,
  bundleName: 'data',
  bundle: (bodies) => concatBytes(...bodies),
  signs: 'tree-head',
};

function uint(value: bigint, octets: number): Uint8Array {
  return Uint8Array.from({ length: octets }, (_, i) => Number((value >> BigInt(8 * (octets - 1 - i))) & 0xffn));
}

function vector(bytes: Uint8Array, octets: number): Uint8Array {
  return concatBytes(uint(BigInt(bytes.length), octets), bytes);
}
