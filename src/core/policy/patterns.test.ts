import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { RE2JS } from 're2js';
import { repositoryRoot } from '../../../test/vectors.ts';
import { LIMITS } from '../encoding/index.ts';
import { imageGlob } from './image-glob.ts';
import type { TextPattern } from './policy.ts';
import { regexText } from './regex-text.ts';
import { exactText, textGlob } from './text-pattern.ts';

interface Case {
  readonly pattern?: string;
  readonly image?: string;
  readonly glob?: string;
  readonly exact?: string;
  readonly regex?: string;
  readonly text?: string;
  readonly matches: readonly string[];
  readonly not: readonly string[];
  readonly says: string;
}

function vectors(name: string): readonly Case[] {
  return JSON.parse(readFileSync(join(repositoryRoot, 'vectors', 'patterns', name), 'utf8')) as Case[];
}

function patternOf({ pattern, image, glob, exact, regex }: Case): TextPattern {
  const name = pattern ?? image;
  return name !== undefined ? imageGlob(name) : glob !== undefined ? textGlob(glob) : exact !== undefined ? exactText(exact) : regexText(regex as string);
}

test('each pattern of the vectors matches what it should, and nothing that it should not', () => {
  for (const one of [...vectors('images.json'), ...vectors('texts.json')]) {
    const pattern = patternOf(one);
    if (one.pattern !== undefined) assert.equal(pattern.text, one.text ?? one.pattern);
    for (const name of one.matches) assert.ok(pattern.matches(name), `${pattern.text} matches ${name}`);
    for (const name of one.not) assert.ok(!pattern.matches(name), `${pattern.text} does not match ${name}`);
  }
});

test('a pattern that cannot be read, or that can match nothing, is refused with what is wrong', () => {
  for (const one of vectors('invalid.json')) {
    assert.throws(
      () => patternOf(one),
      (error: { code?: string; message: string }) => error.code === 'ERR_PATTERN_INVALID' && error.message.includes(one.says),
      JSON.stringify(one),
    );
  }
});

test('patterns and values have a length at which they are taken, and one over it they are not', () => {
  const longest = 'a'.repeat(LIMITS.patternLength);
  assert.ok(textGlob(longest).matches(longest));
  assert.ok(regexText(`[${'a'.repeat(LIMITS.patternLength - 2)}]`).matches('a'));
  for (const make of [textGlob, (text: string) => regexText(`[${text.slice(2)}]`)]) assert.throws(() => make(`${longest}a`), { code: 'ERR_PATTERN_INVALID' });
  const value = 'a'.repeat(LIMITS.matchedLength);
  assert.ok(regexText('a*').matches(value));
  assert.ok(!regexText('a*').matches(`${value}a`));
  const literal = 'a'.repeat(LIMITS.regexInstructions);
  const instructions = RE2JS.compile(literal).programSize();
  const most = literal.slice(instructions - LIMITS.regexInstructions);
  assert.ok(regexText(most).matches(most));
  assert.throws(() => regexText(`${most}a`), { code: 'ERR_PATTERN_INVALID' });
});

test('patterns of the three kinds never share a text, so that a digest over texts tells them apart', () => {
  const texts = [textGlob('/a/'), regexText('a'), textGlob('"a"'), exactText('a'), textGlob('a'), textGlob('glob:/a/')].map(({ text }) => text);
  assert.equal(new Set(texts).size, texts.length);
});

/** What the words of the documentation say, in as few characters as possible, and in whatever time it takes. */
function oracle(glob: string, value: string): boolean {
  if (glob === '') return value === '';
  if (glob.startsWith('**')) return Array.from({ length: value.length + 1 }, (_, i) => value.slice(i)).some((rest) => oracle(glob.slice(2), rest));
  if (glob.startsWith('*')) return oracle(glob.slice(1), value) || (value !== '' && value[0] !== '/' && oracle(glob, value.slice(1)));
  return value !== '' && value[0] === glob[0] && oracle(glob.slice(1), value.slice(1));
}

test('a glob matches as its words say', () => {
  const parts = fc.array(fc.constantFrom('a', 'b', '/', '*', '**'), { maxLength: 7 }).map((all) => all.join('').replace(/\*{3,}/g, '**'));
  const values = fc.array(fc.constantFrom('a', 'b', '/'), { maxLength: 9 }).map((all) => all.join(''));
  fc.assert(
    fc.property(
      parts.filter((text) => text !== ''),
      values,
      (glob, value) => {
        assert.equal(textGlob(glob).matches(value), oracle(glob, value));
      },
    ),
    { numRuns: 2000 },
  );
});

test('patterns that hang other matchers give their answer (ReDoS of Connaisseur and picomatch)', () => {
  // With backtracking each of these takes longer than anybody waits; how long they take here is measured by bench/policy.ts.
  const many = 'a'.repeat(LIMITS.matchedLength - 1);
  const hostile: [pattern: TextPattern, yes: string, no: string][] = [
    [textGlob(`${'*a'.repeat(200)}*b`), `${many}b`, many],
    [textGlob(`${'**a'.repeat(150)}**b`), `${many}b`, many],
    [textGlob(`${'**/*a'.repeat(90)}**b`), `${'/a'.repeat(100)}b`, '/a'.repeat(100)],
    [regexText('(a+)+$'), many, `${many}!`],
    [regexText('(a|a)*b'), `${many}b`, many],
    [regexText('(.*a){45}b'), `${many}b`, many],
    [regexText('(x+x+)+y'), `${'x'.repeat(100)}y`, 'x'.repeat(100)],
    [regexText('a?'.repeat(100) + 'a'.repeat(50)), 'a'.repeat(150), 'a'.repeat(151)],
  ];
  for (const [pattern, yes, no] of hostile) {
    assert.ok(pattern.matches(yes), pattern.text.slice(0, 40));
    assert.ok(!pattern.matches(no), pattern.text.slice(0, 40));
  }
});
