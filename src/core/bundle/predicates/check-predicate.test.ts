import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { changed, invalidCases, predicateFile, refusedCases, validCases } from '../../../../test/predicates.ts';
import { type JsonValue, parseJson, utf8 } from '../../encoding/index.ts';
import { SealwardError } from '../../errors.ts';
import { loadPredicates, PREDICATE_TYPES, predicateTypeOf } from '../index.ts';

const { checkPredicate, predicateFromSbom, predicateFromScan, readPredicate } = await loadPredicates();
const NOW = Date.UTC(2026, 2, 4, 10, 15, 0, 999);

test('what a type takes is signed as it stands', () => {
  for (const { file, types } of validCases) {
    const bytes = predicateFile(file);
    for (const type of types) {
      const read = readPredicate(type, bytes, NOW);
      assert.deepEqual(read, { predicateType: predicateTypeOf(type), predicate: JSON.parse(bytes.toString()) }, `${file} as ${type}`);
    }
  }
});

for (const { file, type, member, value, at, expected } of invalidCases) {
  const what = value === undefined ? 'nothing' : JSON.stringify(value);
  test(`${file} with ${what} at ${member.join('/')} is refused, and the place is named`, () => {
    const document = JSON.parse(predicateFile(file).toString()) as JsonValue;
    assert.throws(
      () => checkPredicate(type, changed(document, member, value)),
      (error) =>
        error instanceof SealwardError &&
        error.code === 'ERR_PREDICATE_INVALID' &&
        error.message.includes(`: ${at} must be ${expected}, and it is `) &&
        !error.message.includes('looks like a report'),
    );
  });
}

for (const { file, as, code, says } of refusedCases) {
  test(`${file} given as ${as} is called what it is`, () => {
    const bytes = predicateFile(file);
    const read = () => (as === 'scan' ? predicateFromScan(bytes) : as === 'sbom' ? predicateFromSbom(bytes) : readPredicate(as, bytes, NOW));
    assert.throws(read, (error) => {
      assert.ok(error instanceof SealwardError);
      assert.equal(error.code, code, error.message);
      assert.ok(error.message.includes(says), error.message);
      return true;
    });
  });
}

test('SBOMs find their type by their shape', () => {
  for (const [file, predicateType] of [
    ['valid/spdx-2.3.json', 'https://spdx.dev/Document'],
    ['valid/spdx-3.json', 'https://spdx.dev/Document/v3'],
    ['valid/cyclonedx-1.4.json', 'https://cyclonedx.org/bom'],
    ['valid/cyclonedx-1.6.json', 'https://cyclonedx.org/bom'],
  ] as const) {
    const bytes = predicateFile(file);
    assert.deepEqual(predicateFromSbom(bytes), { predicateType, predicate: JSON.parse(bytes.toString()) });
  }
});

test('a custom predicate is the text of the file and the second when it was wrapped, as cosign writes it', () => {
  const wrapped = readPredicate('custom', utf8('{"b":1, "a":"<x>&"}\n'), NOW);
  assert.deepEqual(wrapped, {
    predicateType: 'https://cosign.sigstore.dev/attestation/v1',
    predicate: { Data: '{"b":1, "a":"<x>&"}\n', Timestamp: '2026-03-04T10:15:00Z' },
  });
  assert.deepEqual(checkPredicate('custom', wrapped.predicate), wrapped);
  assert.deepEqual(readPredicate('custom', utf8(''), NOW).predicate['Data'], '');
  // cosign puts U+FFFD into the place of such bytes.
  assert.throws(() => readPredicate('custom', Uint8Array.of(0x61, 0xff), NOW), { code: 'ERR_PREDICATE_INVALID', message: /UTF-8/ });
  assert.throws(() => checkPredicate('custom', { Timestamp: '2026-03-04T10:15:00Z' }), { message: /: Data must be the content, and it is missing/ });
});

test('a type is a short name or a URI, and a mistyped one is refused', () => {
  for (const [name, uri] of Object.entries(PREDICATE_TYPES)) assert.equal(predicateTypeOf(name), uri);
  assert.equal(predicateTypeOf('urn:example:x'), 'urn:example:x');
  for (const name of ['', 'slsaprovenance2', 'toString', '__proto__', 'spdx json', 'https:', 'https://a b', 'https://a\u0007'])
    assert.throws(() => predicateTypeOf(name), { code: 'ERR_USAGE', message: /neither a URI nor a known name/, hint: /slsaprovenance1.*custom/ });
});

test('one byte over the bound is refused before anything is parsed, and what grows over it when it is stored, too', () => {
  const over = new Uint8Array(32 * 1024 * 1024 + 1).fill(0x20);
  for (const read of [
    () => readPredicate('cyclonedx', over, 0),
    () => readPredicate('custom', over, 0),
    () => predicateFromScan(over),
    () => predicateFromSbom(over),
  ])
    assert.throws(read, { code: 'ERR_TOO_LARGE', message: /larger than 33554432 bytes/ });
  // Blanks count only while they are read.
  const sbom = predicateFile('valid/cyclonedx-1.6.json');
  const wide = new Uint8Array(32 * 1024 * 1024).fill(0x20);
  wide.set(sbom, 0);
  assert.equal(predicateFromSbom(wide).predicateType, 'https://cyclonedx.org/bom');
  // A quotation mark takes two bytes in the statement, and four thirds of them in base64.
  assert.throws(() => readPredicate('custom', new Uint8Array(13 * 1024 * 1024).fill(0x22), 0), { code: 'ERR_TOO_LARGE' });
  assert.equal((readPredicate('custom', new Uint8Array(11 * 1024 * 1024).fill(0x22), 0).predicate['Data'] as string).length, 11 * 1024 * 1024);
});

test('components nested deeper than a parser takes are refused', () => {
  let components: JsonValue = [];
  for (let depth = 0; depth < 100_000; depth++) components = [{ type: 'library', name: 'x', components }];
  assert.throws(() => checkPredicate('cyclonedx', { bomFormat: 'CycloneDX', specVersion: '1.6', components }), { code: 'ERR_PREDICATE_INVALID' });
});

const TYPES = [...Object.keys(PREDICATE_TYPES), 'https://spdx.dev/Document/v3', 'https://example.com/x'];

test('any JSON is a predicate or is refused with a code', () => {
  fc.assert(
    fc.property(fc.constantFrom(...TYPES), fc.jsonValue(), (type, value) => {
      try {
        assert.equal(checkPredicate(type, value as JsonValue).predicateType, predicateTypeOf(type));
      } catch (error) {
        assert.ok(error instanceof SealwardError && error.code === 'ERR_PREDICATE_INVALID', String(error));
      }
    }),
  );
});

test('any change of a document that is taken leaves one that is taken, or is refused with a code', () => {
  const documents = validCases.map(({ file, types }) => ({ type: types[0], value: JSON.parse(predicateFile(file).toString()) as JsonValue }));
  fc.assert(
    fc.property(fc.constantFrom(...documents), fc.infiniteStream(fc.nat()), fc.option(fc.jsonValue()), ({ type, value }, choices, put) => {
      const changedValue = changed(value, somewhere(value, choices), put === null ? undefined : (put as JsonValue));
      try {
        checkPredicate(type, changedValue);
        readPredicate(type, utf8(JSON.stringify(parseJson(utf8(JSON.stringify(changedValue)), { what: 'x' }))), 0);
      } catch (error) {
        assert.ok(error instanceof SealwardError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

function somewhere(value: JsonValue, choices: Iterator<number>): string[] {
  const path: string[] = [];
  let at = value;
  while (at !== null && typeof at === 'object' && Object.keys(at).length > 0) {
    const keys = Object.keys(at);
    const choice = choices.next().value as number;
    if (path.length > 0 && choice % 4 === 0) break;
    const key = keys[choice % keys.length] as string;
    path.push(key);
    at = (at as Record<string, JsonValue>)[key] as JsonValue;
  }
  return path;
}
