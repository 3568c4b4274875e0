import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatTime, parseTime } from './time.ts';

test('times of RFC 3339 are read, whatever their offset and fraction', () => {
  for (const [text, time] of [
    ['1970-01-01T00:00:00Z', 0],
    ['1970-01-01t01:00:00.5+01:00', 500],
    ['1969-12-31T23:30:00-00:30', 0],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
    ['2026-03-04T10:20:07.123456789Z', Date.UTC(2026, 2, 4, 10, 20, 7, 123)],
    ['2016-12-31T23:59:60Z', Date.UTC(2016, 11, 31, 23, 59, 59)],
    ['0001-01-01T00:00:00Z', -62_135_596_800_000],
  ] as const)
    assert.equal(parseTime(text), time, text);
});

test('what is not one is not read', () => {
  for (const text of [
    '',
    '2026-03-04',
    '2026-03-04 10:20:07Z',
    '2026-03-04T10:20:07',
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2026-01-01T00:00:61Z',
    '2026-01-01T00:00:00.Z',
    '2026-01-01T00:00:00+0100',
    ' 2026-01-01T00:00:00Z',
    `2026-01-01T00:00:00.${'0'.repeat(100)}Z`,
  ])
    assert.equal(parseTime(text), undefined, text);
});

test('every second is read back as it was written', () => {
  fc.assert(
    fc.property(fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }), (second) => {
      assert.equal(parseTime(formatTime(second * 1000)), second * 1000);
      assert.equal(parseTime(new Date(second * 1000 + 7).toISOString()), second * 1000 + 7);
    }),
  );
});
