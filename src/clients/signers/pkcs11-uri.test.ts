import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SealwardError } from '../../core/errors.ts';
import { parsePkcs11Uri } from './pkcs11-uri.ts';

test('each attribute that says which key is read; those that only describe are passed over', () => {
  const uri =
    'pkcs11:token=My%20token;serial=DECC0401648;manufacturer=Snake%20Oil;model=T1;slot-id=7;slot-description=left;object=release;type=private;id=%69%95%3E?module-path=/usr/lib/m.so&pin-source=file:/etc/pin';
  assert.deepEqual(parsePkcs11Uri(uri), {
    token: 'My token',
    serial: 'DECC0401648',
    manufacturer: 'Snake Oil',
    model: 'T1',
    slotId: 7,
    object: 'release',
    id: Uint8Array.of(0x69, 0x95, 0x3e),
    modulePath: '/usr/lib/m.so',
    pinSource: '/etc/pin',
  });
  assert.deepEqual(parsePkcs11Uri('pkcs11:object=caf%C3%A9?module-name=softhsm2&pin-source=pin.txt'), {
    object: 'café',
    moduleName: 'softhsm2',
    pinSource: 'pin.txt',
  });
  assert.deepEqual(parsePkcs11Uri('pkcs11:id=%00%ff'), { id: Uint8Array.of(0, 255) });
});

const refused: readonly (readonly [string, RegExp])[] = [
  ['token=a', /neither object nor id/],
  ['object=a;object=b', /object twice/],
  ['object=a;colour=red', /not known: "colour"/],
  ['object=a?colour=red', /not known: "colour"/],
  ['object=a?object=b', /not known: "object"/],
  ['object', /not known/],
  ['object=', /empty or endless object/],
  ['object=%4', /percent sign in object/],
  ['object=%zz', /percent sign in object/],
  ['object=a?module-path=/a?module-path=/b', /question mark/],
  ['object=a?module-path=module.so', /not absolute/],
  ['object=a?module-name=../evil', /no name of a module/],
  ['object=a;slot-id=-1', /no number/],
  ['object=a;type=cert', /type "cert"/],
  ['object=a?pin-source=|cat%20/etc/pin', /not a file/],
  ['object=a?pin-source=%7Ccat', /not a file/],
  ['object=a?pin-source=https://example.com/pin', /not a file/],
  ['object=a?pin-value=1', /holds the PIN itself/],
  ['object=a;pin-value=1', /holds the PIN itself/],
  ['object=a?pin-value', /holds the PIN itself/],
];
for (const [uri, words] of refused) {
  test(`refused: pkcs11:${uri}`, () => {
    assert.throws(
      () => parsePkcs11Uri(`pkcs11:${uri}`),
      (error: unknown) => error instanceof SealwardError && error.code === 'ERR_KEY_REFERENCE' && words.test(error.message),
    );
  });
}

test('any ID and any label come back as they were', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), fc.string({ minLength: 1, maxLength: 32, unit: 'grapheme' }), (id, label) => {
      const hex = Array.from(id, (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
      assert.deepEqual(parsePkcs11Uri(`pkcs11:object=${encodeURIComponent(label)};id=${hex}`), { object: label, id });
    }),
  );
});

test('whatever the text is, it is read or refused', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        parsePkcs11Uri(`pkcs11:${text}`);
      } catch (error) {
        assert.ok(error instanceof SealwardError, String(error));
      }
    }),
  );
});
