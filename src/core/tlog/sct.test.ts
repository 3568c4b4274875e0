/** Certificate timestamps: real ones of Fulcio's certificates, and made ones for what real ones do not show. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { requireVectors, vectorsPath } from '../../../test/vectors.ts';
import { type Certificate, EXTENSION, parseCertificate, parsePublicKey, sha256 } from '../crypto/index.ts';
import { concatBytes, decodeBase64, decodeHex, encodeDer, equalBytes, TAG, utf8 } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { type CertificateLog, parseSctList, precertificateTbs, type Sct, verifySct } from './index.ts';

function uint(value: bigint, length: number): Uint8Array {
  return decodeHex(value.toString(16).padStart(length * 2, '0'));
}
const vector = (bytes: Uint8Array, lengthBytes = 2): Uint8Array => concatBytes(uint(BigInt(bytes.length), lengthBytes), bytes);

function encodeSct(sct: Sct, version = 0): Uint8Array {
  const algorithms = Uint8Array.of(sct.hashAlgorithm, sct.signatureAlgorithm);
  return concatBytes(Uint8Array.of(version), sct.logId, uint(sct.timestamp, 8), vector(sct.extensions), algorithms, vector(sct.signature));
}
const encodeList = (scts: readonly Uint8Array[]): Uint8Array => encodeDer(TAG.octetString, vector(concatBytes(...scts.map((sct) => vector(sct)))));

const SCT: Sct = {
  logId: sha256(utf8('log')),
  timestamp: 1_700_000_000_123n,
  extensions: utf8('ext'),
  hashAlgorithm: 4,
  signatureAlgorithm: 3,
  signature: utf8('signature'),
};
const plain = (sct: Sct): unknown => ({ ...sct, logId: [...sct.logId], extensions: [...sct.extensions], signature: [...sct.signature] });
const refused = (bytes: Uint8Array, message: RegExp): void => {
  assert.throws(
    () => parseSctList(bytes),
    (error) => error instanceof SealwardError && error.code === 'ERR_LOG_FORMAT' && message.test(error.message),
    String(message),
  );
};

test('a list of timestamps reads back as it was written; versions to come are passed over', () => {
  const other = { ...SCT, timestamp: 5n, extensions: new Uint8Array(0) };
  assert.deepEqual(parseSctList(encodeList([encodeSct(SCT), encodeSct(other)])).map(plain), [SCT, other].map(plain));
  assert.deepEqual(parseSctList(encodeList([encodeSct(SCT, 1), encodeSct(other)])).map(plain), [plain(other)]);
});

test('lists whose lengths do not add up, or that are empty or endless, are refused', () => {
  const good = encodeSct(SCT);
  const raw = (list: Uint8Array): Uint8Array => encodeDer(TAG.octetString, list);
  refused(encodeList([]), /empty/);
  refused(raw(new Uint8Array(0)), /truncated/);
  refused(raw(vector(new Uint8Array(0))), /empty/);
  refused(raw(concatBytes(vector(vector(good)), Uint8Array.of(0))), /bytes after/);
  refused(encodeList([concatBytes(good, Uint8Array.of(0))]), /bytes after/);
  refused(encodeList([new Uint8Array(0)]), /truncated/);
  for (let length = 1; length < good.length; length++) refused(encodeList([good.subarray(0, length)]), /truncated/);
  refused(concatBytes(encodeList([good]), Uint8Array.of(0)), /bytes after/);
  refused(vector(vector(good)), /malformed/);
  assert.equal(parseSctList(encodeList(Array.from({ length: 32 }, () => good))).length, 32);
  refused(encodeList(Array.from({ length: 33 }, () => good)), /more than 32/);
});

test('law: a list damaged anywhere reads or is refused, and does nothing worse', () => {
  const bytes = encodeList([encodeSct(SCT), encodeSct(SCT)]);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), fc.boolean(), (at, change, cut) => {
      const damaged = cut ? bytes.subarray(0, at) : bytes.with(at, (bytes[at] as number) ^ change);
      try {
        parseSctList(damaged);
      } catch (error) {
        assert.ok(error instanceof SealwardError && error.code === 'ERR_LOG_FORMAT', String(error));
      }
    }),
    { numRuns: 1000 },
  );
});

interface Logged {
  readonly name: string;
  readonly leaf: Certificate;
  readonly issuer: Certificate | undefined;
  readonly scts: readonly Sct[];
  readonly logs: readonly CertificateLog[];
}

/** The parts that are read here; the strict readers stand in other rooms. */
interface Bundle {
  readonly verificationMaterial: {
    readonly certificate?: { readonly rawBytes: string };
    readonly x509CertificateChain?: { readonly certificates: readonly { readonly rawBytes: string }[] };
  };
}
interface Root {
  readonly ctlogs: readonly { readonly logId: { readonly keyId: string }; readonly publicKey: { readonly rawBytes: string; readonly keyDetails: string } }[];
  readonly certificateAuthorities: readonly { readonly certChain: { readonly certificates: readonly { readonly rawBytes: string }[] } }[];
}

/** Every certificate of the conformance cases, with its issuer and the certificate logs of its trusted root. */
function readLogged(): Logged[] {
  return readdirSync(vectorsPath('sigstore-conformance')).flatMap((name) => {
    const at = (file: string): string => vectorsPath('sigstore-conformance', name, file);
    if (!existsSync(at('bundle.sigstore.json')) || name === 'bundle-malformed-json_fail') return [];
    const { certificate, x509CertificateChain } = (JSON.parse(readFileSync(at('bundle.sigstore.json'), 'utf8')) as Bundle).verificationMaterial;
    const raw = certificate?.rawBytes ?? x509CertificateChain?.certificates[0]?.rawBytes;
    if (raw === undefined) return [];
    const root = JSON.parse(
      readFileSync(existsSync(at('trusted_root.json')) ? at('trusted_root.json') : vectorsPath('trusted_root.public-good.json'), 'utf8'),
    ) as Root;
    const leaf = parseCertificate(decodeBase64(raw));
    const authorities = root.certificateAuthorities.flatMap(({ certChain }) =>
      certChain.certificates.map(({ rawBytes }) => parseCertificate(decodeBase64(rawBytes))),
    );
    const logs = root.ctlogs
      .filter(({ publicKey }) => publicKey.keyDetails.startsWith('PKIX'))
      .map(({ logId, publicKey }) => ({ logId: decodeBase64(logId.keyId), key: parsePublicKey(decodeBase64(publicKey.rawBytes)) }));
    const extension = leaf.extensions.find(({ oid }) => oid === EXTENSION.certificateTimestamps);
    assert.ok(extension, name);
    return [{ name, leaf, issuer: authorities.find(({ subject }) => equalBytes(subject, leaf.issuer)), scts: parseSctList(extension.value), logs }];
  });
}

test('every certificate of the vectors was logged as its timestamp says, except where its case says otherwise', (t) => {
  if (!requireVectors(t, 'sigstore-conformance')) return;
  const withExtensions = new Set<string>();
  const logged = readLogged();
  assert.equal(logged.length, 64);
  for (const { name, leaf, issuer, scts, logs } of logged) {
    const [sct] = scts as [Sct];
    const log = logs.find(({ logId }) => equalBytes(logId, sct.logId));
    if (name === 'invalid-ct-key_fail' || name === 'bundle-from-wrong-instance_fail') {
      assert.equal(log, undefined, name);
      // The root's log under the name of the one that signed is told by its key.
      for (const { key } of logs) if (issuer) assert.equal(verifySct(sct, leaf, issuer, { logId: sct.logId, key }).ok, false, name);
      continue;
    }
    assert.ok(log && issuer, name);
    assert.deepEqual(verifySct(sct, leaf, issuer, log), { ok: true, time: sct.timestamp }, name);
    if (sct.extensions.length > 0) withExtensions.add(name);
  }
  assert.ok(withExtensions.has('bundle-with-sct-with-extensions'));
});

test('a timestamp holds for its certificate, issuer, log, time and extensions only', (t) => {
  if (!requireVectors(t, 'sigstore-conformance')) return;
  const all = readLogged();
  const find = (wanted: string): Logged & { readonly issuer: Certificate } =>
    all.find(({ name }) => name === wanted) as Logged & { readonly issuer: Certificate };
  const other = find('happy-path-v0.1');
  for (const name of ['happy-path-v0.3', 'bundle-with-sct-with-extensions', 'rekor2-happy-path']) {
    const { leaf, issuer, scts, logs } = find(name);
    const [sct] = scts as [Sct];
    const log = logs.find(({ logId }) => equalBytes(logId, sct.logId)) as CertificateLog;
    const refuses = (what: string, changed: Partial<Sct>, by: Certificate = leaf, from: Certificate = issuer, to: CertificateLog = log): void => {
      const answer = verifySct({ ...sct, ...changed }, by, from, to);
      assert.equal(answer.ok ? 'ok' : answer.reason, 'SCT_INVALID', `${name}: ${what}`);
    };
    refuses('time', { timestamp: sct.timestamp + 1n });
    refuses('extensions added', { extensions: concatBytes(sct.extensions, Uint8Array.of(0)) });
    if (sct.extensions.length > 0) refuses('extensions dropped', { extensions: new Uint8Array(0) });
    refuses('log', { logId: sha256(sct.logId) });
    refuses('hash', { hashAlgorithm: 5 });
    refuses('no hash', { hashAlgorithm: 0 });
    refuses('RSA', { signatureAlgorithm: 1 });
    refuses('anonymous', { signatureAlgorithm: 0 });
    refuses('certificate', {}, other.leaf);
    refuses('issuer', {}, leaf, leaf);
    refuses('key', {}, leaf, issuer, { logId: sct.logId, key: parsePublicKey(leaf.spki) });
    for (let at = 0; at < sct.signature.length; at++)
      refuses(`signature byte ${at}`, { signature: new Uint8Array(sct.signature).with(at, (sct.signature[at] as number) ^ 1) });
  }
});

test('a precertificate is the certificate without its timestamps, and nothing else is missing', (t) => {
  if (!requireVectors(t, 'sigstore-conformance')) return;
  for (const { leaf, name } of readLogged()) {
    const tbs = precertificateTbs(leaf);
    const list = leaf.extensions.find(({ oid }) => oid === EXTENSION.certificateTimestamps) as Certificate['extensions'][number];
    // The lengths of the three structures around it take at most two bytes less each.
    const lost = leaf.tbs.length - tbs.length - list.raw.length;
    assert.ok(lost >= 0 && lost <= 6, `${name}: ${lost}`);
    assert.equal(Buffer.from(tbs).includes(Buffer.from(list.raw)), false);
    for (const extension of leaf.extensions) if (extension !== list) assert.ok(Buffer.from(tbs).includes(Buffer.from(extension.raw)), name);
  }
});

/** A log of our own that signs for a real certificate, with the message put together here once more. */
function signFor(
  leaf: Certificate,
  issuer: Certificate,
  pair: { publicKey: KeyObject; privateKey: KeyObject },
  signatureAlgorithm: number,
): { sct: Sct; log: CertificateLog } {
  const key = parsePublicKey(pair.publicKey.export({ format: 'der', type: 'spki' }));
  const logId = decodeHex(key.fingerprint);
  const extensions = utf8('anything');
  const head = concatBytes(Uint8Array.of(0, 0), uint(1234n, 8), uint(1n, 2), sha256(issuer.spki));
  const message = concatBytes(head, vector(precertificateTbs(leaf), 3), vector(extensions));
  const signature = new Uint8Array(sign('sha256', message, pair.privateKey));
  return { sct: { logId, timestamp: 1234n, extensions, hashAlgorithm: 4, signatureAlgorithm, signature }, log: { logId, key } };
}

test('the RSA of old logs verifies; other curves and a stated algorithm that is not the key do not', (t) => {
  if (!requireVectors(t, 'sigstore-conformance')) return;
  const { leaf, issuer } = readLogged().find(({ name }) => name === 'happy-path-v0.3') as Logged & { readonly issuer: Certificate };
  const accepts = ({ sct, log }: { sct: Sct; log: CertificateLog }): boolean => verifySct(sct, leaf, issuer, log).ok;
  const [ec, rsa] = [generateKeyPairSync('ec', { namedCurve: 'P-256' }), generateKeyPairSync('rsa', { modulusLength: 2048 })];
  assert.equal(accepts(signFor(leaf, issuer, ec, 3)), true);
  assert.equal(accepts(signFor(leaf, issuer, rsa, 1)), true);
  assert.equal(accepts(signFor(leaf, issuer, ec, 1)), false);
  assert.equal(accepts(signFor(leaf, issuer, rsa, 3)), false);
  assert.equal(accepts(signFor(leaf, issuer, generateKeyPairSync('ec', { namedCurve: 'P-384' }), 3)), false);
});
