/**
 * Ed25519ph verification (RFC 8032 section 5.1 with the prehash SHA-512), which node:crypto does not offer. Plain BigInt
 * arithmetic over public values in 2 to 3 ms: rare enough that a dependency, and the asynchronous loading that would keep
 * it off the start-up path, cost more than they save. Held against an independent implementation in the tests.
 */
import { equalBytes, utf8 } from '../encoding/index.ts';
import { hash } from './hash.ts';

/** Extended coordinates (X, Y, Z, T) with x = X/Z, y = Y/Z, x*y = T/Z; RFC 8032 section 5.1.4. */
type Point = readonly [bigint, bigint, bigint, bigint];

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;
const SQRT_MINUS_ONE = 19681161376707505956807079304988542015446066515923890162744021073123829784752n;
const BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202n;
const BASE_Y = 46316835694926478169428394003475163141307993866256225615783033603165251855960n;
const BASE: Point = [BASE_X, BASE_Y, 1n, mod(BASE_X * BASE_Y)];
const IDENTITY: Point = [0n, 1n, 1n, 0n];

/** dom2(1, "") of RFC 8032 section 5.1: prehashed, with an empty context. */
const DOMAIN = new Uint8Array([...utf8('SigEd25519 no Ed25519 collisions'), 1, 0]);

/** `rawKey` has 32 bytes, `digest` is the SHA-512 of the message. */
export function verifyEd25519ph(rawKey: Uint8Array, digest: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64 || rawKey.length !== 32 || digest.length !== 64) return false;
  const r = signature.subarray(0, 32);
  const s = littleEndian(signature.subarray(32));
  // RFC 8032 section 5.1.7 step 1: without this bound one signature has several spellings.
  if (s >= L) return false;
  const a = decompress(rawKey);
  if (!a) return false;
  const k = littleEndian(hash('sha512', DOMAIN, r, rawKey, digest)) % L;
  // Step 3 in the form without the cofactor, as OpenSSL and Go compute it: R must be exactly [s]B - [k]A.
  const [x, y, z, t] = a;
  return equalBytes(compress(combine(s, BASE, k, [mod(-x), y, z, mod(-t)])), r);
}

function mod(value: bigint): bigint {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

/** [a]p + [b]q, both scalars in one pass (Shamir). */
function combine(a: bigint, p: Point, b: bigint, q: Point): Point {
  const table = [IDENTITY, p, q, add(p, q)];
  const aBits = a.toString(2).padStart(256, '0');
  const bBits = b.toString(2).padStart(256, '0');
  let sum = IDENTITY;
  for (let i = 0; i < 256; i++) {
    sum = double(sum);
    const at = (aBits[i] === '1' ? 1 : 0) + (bBits[i] === '1' ? 2 : 0);
    if (at !== 0) sum = add(sum, table[at] as Point);
  }
  return sum;
}

// RFC 8032 section 5.1.4; the addition is complete, it has no exceptional cases.
function add([x1, y1, z1, t1]: Point, [x2, y2, z2, t2]: Point): Point {
  const a = mod((y1 - x1) * (y2 - x2));
  const b = mod((y1 + x1) * (y2 + x2));
  const c = mod(t1 * 2n * D * t2);
  const d = mod(z1 * 2n * z2);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

function double([x1, y1, z1]: Point): Point {
  const a = mod(x1 * x1);
  const b = mod(y1 * y1);
  const c = mod(2n * z1 * z1);
  const h = a + b;
  const e = h - mod((x1 + y1) * (x1 + y1));
  const g = a - b;
  const f = c + g;
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

/** RFC 8032 section 5.1.3; undefined for what is no point, and for a second spelling of one. */
function decompress(bytes: Uint8Array): Point | undefined {
  const value = littleEndian(bytes);
  const y = value & (2n ** 255n - 1n);
  if (y >= P) return undefined;
  const u = mod(y * y - 1n);
  const v = mod(D * y * y + 1n);
  const v3 = mod(v * v * v);
  let x = mod(u * v3 * power(mod(u * v3 * mod(v3 * v)), (P - 5n) / 8n));
  const check = mod(v * x * x);
  if (check === mod(-u)) x = mod(x * SQRT_MINUS_ONE);
  else if (check !== u) return undefined;
  const odd = value >> 255n;
  if (x === 0n && odd === 1n) return undefined;
  if ((x & 1n) !== odd) x = P - x;
  return [x, y, 1n, mod(x * y)];
}

/** RFC 8032 section 5.1.2. */
function compress([x, y, z]: Point): Uint8Array {
  const inverse = power(z, P - 2n);
  let value = mod(y * inverse) | ((mod(x * inverse) & 1n) << 255n);
  const out = new Uint8Array(32);
  for (let i = 0; i < 32; i++, value >>= 8n) out[i] = Number(value & 0xffn);
  return out;
}

function power(base: bigint, exponent: bigint): bigint {
  let out = 1n;
  for (const bit of exponent.toString(2)) {
    out = mod(out * out);
    if (bit === '1') out = mod(out * base);
  }
  return out;
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
}
