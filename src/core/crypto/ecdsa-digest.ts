/**
 * ECDSA verification when only the digest of the message is known, which node:crypto does not offer. R = u2 * (Q + (z/r) * G)
 * with u2 = r/s, and only the x coordinate of R is needed (FIPS 186-5 section 6.4.2). Both multiplications are OpenSSL's:
 * (z/r) * G is the public key of an ECDH with that private key, and x(R) is a shared secret. Only one addition is left to us.
 * Every value is public, so nothing here has to run in constant time.
 */
import { createECDH } from 'node:crypto';
import { FIELD_BYTES, parseEcdsaSignature } from './ecdsa-signature.ts';
import type { EcCurve, PublicKey } from './public-key.ts';

interface Curve {
  readonly name: string;
  readonly p: bigint;
  readonly n: bigint;
  /** Bits of n: how much of the digest counts. */
  readonly orderBits: number;
}

// SP 800-186 section 3.2.1; a = -3 on all three.
const CURVES: Readonly<Record<EcCurve, Curve>> = {
  'P-256': {
    name: 'prime256v1',
    p: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    n: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
    orderBits: 256,
  },
  'P-384': {
    name: 'secp384r1',
    p: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    n: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
    orderBits: 384,
  },
  'P-521': {
    name: 'secp521r1',
    p: 2n ** 521n - 1n,
    n: 0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
    orderBits: 521,
  },
};

/** The key's point is known to lie on its curve; the signature is DER. */
export function verifyEcdsaDigest(key: PublicKey, digest: Uint8Array, signature: Uint8Array): boolean {
  const curveName = key.curve as EcCurve;
  const parsed = parseEcdsaSignature(signature);
  if (!parsed) return false;
  const { r, s } = parsed;
  const curve = CURVES[curveName];
  const { n } = curve;
  // FIPS 186-5 section 6.4.2 step 1
  if (r < 1n || r >= n || s < 1n || s >= n) return false;
  const z = leftmostBits(digest, curve.orderBits) % n;
  // One inversion serves both quotients.
  const inverse = invert((r * s) % n, n);
  const zOverR = (((z * s) % n) * inverse) % n;
  const u2 = (((r * r) % n) * inverse) % n;
  const sum = addMultipleOfBase(curveName, curve, key.raw, zOverR);
  if (!sum) return false;
  const ecdh = createECDH(curve.name);
  ecdh.setPrivateKey(toBytes(u2, FIELD_BYTES[curveName]));
  return fromBytes(ecdh.computeSecret(sum)) % n === r;
}

/** Q + k * G as an uncompressed point; undefined for the point at infinity, from which no signature follows. */
function addMultipleOfBase(curveName: EcCurve, curve: Curve, point: Uint8Array, k: bigint): Uint8Array | undefined {
  // z = 0: the sum is Q itself, and OpenSSL would refuse 0 as a private key.
  if (k === 0n) return point;
  const size = FIELD_BYTES[curveName];
  const { p } = curve;
  const ecdh = createECDH(curve.name);
  ecdh.setPrivateKey(toBytes(k, size));
  const other = ecdh.getPublicKey();
  const [x1, y1] = [fromBytes(point.subarray(1, 1 + size)), fromBytes(point.subarray(1 + size))];
  const [x2, y2] = [fromBytes(other.subarray(1, 1 + size)), fromBytes(other.subarray(1 + size))];
  let slope: bigint;
  if (x1 !== x2) slope = (y2 - y1) * invert(modulo(x2 - x1, p), p);
  else if (y1 !== y2) return undefined;
  // No point of these prime-order curves has y = 0, so the tangent exists.
  else slope = 3n * (x1 * x1 - 1n) * invert((2n * y1) % p, p);
  slope = modulo(slope, p);
  const x3 = modulo(slope * slope - x1 - x2, p);
  const y3 = modulo(slope * (x1 - x3) - y1, p);
  const sum = new Uint8Array(1 + 2 * size);
  sum[0] = 0x04;
  sum.set(toBytes(x3, size), 1);
  sum.set(toBytes(y3, size), 1 + size);
  return sum;
}

/** FIPS 186-5 section 6.4.2 step 2: the leftmost bits of the digest, all of them when it is shorter than the order. */
function leftmostBits(digest: Uint8Array, bits: number): bigint {
  const value = fromBytes(digest);
  const excess = digest.length * 8 - bits;
  return excess > 0 ? value >> BigInt(excess) : value;
}

function modulo(value: bigint, m: bigint): bigint {
  const rest = value % m;
  return rest < 0n ? rest + m : rest;
}

/** The inverse of a value that is not 0, modulo a prime. */
function invert(value: bigint, m: bigint): bigint {
  let [a, b] = [value, m];
  let [u, v] = [1n, 0n];
  while (b !== 0n) {
    const q = a / b;
    [a, b] = [b, a - q * b];
    [u, v] = [v, u - q * v];
  }
  return modulo(u, m);
}

function fromBytes(bytes: Uint8Array): bigint {
  return BigInt(`0x00${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')}`);
}

function toBytes(value: bigint, size: number): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * size, '0'), 'hex');
}
