import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeMoment, parseMoment } from './index.ts';

test('every moment comes back as it was', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }), (date) => {
      assert.equal(parseMoment(encodeMoment(date.getTime())), date.getTime());
    }),
  );
});

test('zones and fractions are read, and what is below a millisecond is cut', () => {
  const noon = Date.UTC(2026, 0, 31, 12);
  for (const text of ['2026-01-31T12:00:00Z', '2026-01-31T13:00:00+01:00', '2026-01-31T06:30:00-05:30', '2026-01-31T12:00:00.000999999Z'])
    assert.equal(parseMoment(text), noon, text);
  assert.equal(parseMoment('2026-01-31T12:00:00.57Z'), noon + 570);
  assert.equal(parseMoment('2024-02-29T00:00:00Z'), Date.UTC(2024, 1, 29));
});

test('what the calendar or the clock does not have is no moment', () => {
  for (const text of [
    '2026-02-29T00:00:00Z',
    '2026-02-31T00:00:00+01:00',
    '2026-04-31T00:00:00.5Z',
    '2026-13-01T00:00:00Z',
    '2026-00-10T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-31T24:00:00Z',
    '2026-01-31T12:60:00Z',
    '2026-01-31T12:00:60Z',
    '2026-01-31T12:00:00+24:00',
    '2026-01-31T12:00:00',
    '2026-01-31 12:00:00Z',
    '2026-01-31',
    ' 2026-01-31T12:00:00Z',
    '2026-01-31T12:00:00.0000000001Z',
    '',
  ])
    assert.equal(parseMoment(text), undefined, text);
});
