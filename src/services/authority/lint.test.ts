/** The profile is held by code that did not write the certificate: each rule, broken once. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  basicConstraintsExtension,
  type CertificateFields,
  encodeCertificate,
  encodeExtension,
  encodeTbsCertificate,
  EXTENSION,
  extendedKeyUsageExtension,
  keyIdentifier,
  keyUsageExtension,
  parseCertificate,
  subjectAlternativeNameExtension,
  subjectKeyIdExtension,
} from '../../core/crypto/index.ts';
import { encodeName, utf8 } from '../../core/encoding/index.ts';
import { createTestAuthority, createTestKey, TEST_NOW } from '../../testing/index.ts';
import { lint, type LintExpectations } from './lint.ts';
import { certificateFields, poisonExtension } from './profile.ts';

const made = createTestAuthority({ now: () => TEST_NOW });
const issuer = parseCertificate(made.intermediate.der);
const throwAway = createTestKey('ecdsa-p384');
const key = createTestKey().publicKey;
const name = { type: 'uri', value: 'https://ci.acme.test/release' } as const;
const expected: LintExpectations = { issuer, key, name: name.value, now: TEST_NOW, carries: 'poison' };
const good = certificateFields(issuer, key, { name, claims: { issuer: 'https://issuer.test' }, challenges: [] }, TEST_NOW);
const extensions = [...good.extensions, poisonExtension()];

function check(fields: Partial<CertificateFields>, more: Partial<LintExpectations> = {}): void {
  const tbs = encodeTbsCertificate({ ...good, extensions, ...fields }, throwAway.algorithm);
  lint(encodeCertificate(tbs, throwAway.algorithm, throwAway.sign(tbs)), { ...expected, ...more });
}
/** The extensions with the one at this place replaced, or with one more. */
const instead = (at: number, extension: Uint8Array): Uint8Array[] => extensions.map((one, i) => (i === at ? extension : one));
const also = (extension: Uint8Array): Uint8Array[] => [...extensions, extension];

describe('what is about to be signed', () => {
  it('passes when it keeps the profile', () => check({}));

  const faults: readonly [why: RegExp, fields: Partial<CertificateFields>, more?: Partial<LintExpectations>][] = [
    [/160 bits/, { serial: 1n }],
    [/160 bits/, { serial: 0x80n << 152n }],
    [/issuer is not the authority/, { issuer: encodeName('somebody else') }],
    [/subject is not empty/, { subject: encodeName('a name') }],
    [/ten minutes/, { notAfter: good.notAfter + 1000 }],
    [/ten minutes/, { notBefore: good.notBefore + 60_000, notAfter: good.notAfter + 60_000 }],
    [/ten minutes/, {}, { now: TEST_NOW + 3000 }],
    [/outlive/, {}, { issuer: Object.assign(Object.create(issuer) as typeof issuer, { notAfter: TEST_NOW }) }],
    [/not the one that was proven/, {}, { key: createTestKey().publicKey }],
    [/for more than signatures/, { extensions: instead(0, keyUsageExtension('digitalSignature', 'keyCertSign')) }],
    [/for more than signing code/, { extensions: instead(1, extendedKeyUsageExtension([EXTENSION.extendedKeyUsage])) }],
    [/key identifier is not that of its key/, { extensions: instead(2, subjectKeyIdExtension(keyIdentifier(throwAway.publicKey))) }],
    [/authority key identifier/, { extensions: [...extensions.slice(0, 3), ...extensions.slice(4)] }],
    [/another name/, { extensions: instead(4, subjectAlternativeNameExtension({ type: 'uri', value: 'https://evil.test' })) }],
    [/one critical name/, { extensions: [...extensions.slice(0, 4), ...extensions.slice(5)] }],
    [/is an authority/, { extensions: also(basicConstraintsExtension(true)) }],
    [/poison/, {}, { carries: 'timestamps' }],
    [/poison/, { extensions: good.extensions }],
    [/both places/, { extensions: [...extensions.slice(0, 5), ...extensions.slice(6)] }],
    [/does not belong/, { extensions: also(encodeExtension('1.2.3.4', utf8('x'))) }],
    [/stands twice/, { extensions: also(poisonExtension()) }],
    [/cannot be read/, { extensions: instead(6, encodeExtension('1.3.6.1.4.1.57264.1.8', utf8('not a UTF8String'))) }],
    [/stronger/, { spki: createTestKey('ecdsa-p521').publicKey.spki }],
  ];
  for (const [why, fields, more] of faults) {
    it(`is refused: ${why.source} ${JSON.stringify(Object.keys({ ...fields, ...more }))}`, () =>
      assert.throws(() => check(fields, more), { code: 'ERR_INVARIANT', message: why }));
  }
});
