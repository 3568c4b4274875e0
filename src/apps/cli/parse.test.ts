import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SealwardError } from '../../core/errors.ts';
import { parseDuration } from './duration.ts';
import { defineCommand } from './flag.ts';
import { editDistance, nearest } from './nearest.ts';
import { parseCommand, splitCommand } from './parse.ts';

const spec = defineCommand({
  name: 'try',
  group: 'about',
  summary: 'A command for this test',
  description: [],
  examples: [],
  arguments: [{ name: 'IMAGE', summary: 'what', minimum: 1, maximum: 3 }],
  flags: {
    key: { type: 'string', valueName: 'FILE', group: 'key', summary: '' },
    'certificate-identity': { type: 'string', valueName: 'NAME', group: 'signer', summary: '' },
    annotations: { type: 'strings', short: 'a', valueName: 'K=V', group: 'claims', summary: '' },
    'check-claims': { type: 'boolean', default: true, group: 'claims', summary: '' },
    offline: { type: 'boolean', group: 'trust', summary: '', deprecated: { note: 'it is always so.' } },
    'private-infrastructure': { type: 'boolean', group: 'trust', summary: '', deprecated: { note: 'use --ignore-log.', to: 'ignore-log' } },
    'ignore-log': { type: 'boolean', group: 'trust', summary: '' },
    'max-workers': { type: 'integer', valueName: 'N', minimum: 1, maximum: 64, default: 10, group: 'general', summary: '' },
    output: { type: 'choice', short: 'o', choices: ['json', 'text'], group: 'output', summary: '' },
    hidden: { type: 'boolean', hidden: true, group: 'general', summary: '' },
  },
});
const parse = (...argv: string[]) => parseCommand(spec, argv);

function usage(message: RegExp, hint = /./) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof SealwardError && error.code === 'ERR_USAGE', String(error));
    assert.match(error.message, message);
    assert.match(error.hint, hint);
    return true;
  };
}

test('values come in the type of their flag', () => {
  const {
    flags,
    arguments: images,
    given,
  } = parse('--key', 'k', '-a', 'x=1', '-a=y=2', '-az=3', '--max-workers=3', '-o', 'json', '-dt', '1m', 'one', '--', '--two');
  // The declared types are part of what is tested: this would not compile if a flag were unknown or of another type.
  const key: string | undefined = flags.key;
  const annotations: readonly string[] = flags.annotations;
  const workers: number = flags['max-workers'];
  const output: 'json' | 'text' | undefined = flags.output;
  assert.deepEqual([key, annotations, workers, output, flags.verbose, flags.timeout], ['k', ['x=1', 'y=2', 'z=3'], 3, 'json', true, 60_000]);
  assert.deepEqual(images, ['one', '--two']);
  assert.ok(given.has('key') && !given.has('certificate-identity'));
});

test('defaults stand where nothing is said', () => {
  const { flags } = parse('i');
  assert.deepEqual(
    [flags.key, flags.annotations, flags['max-workers'], flags['check-claims'], flags['ignore-log'], flags.timeout],
    [undefined, [], 10, true, false, 180_000],
  );
});

test('booleans are written in four ways', () => {
  assert.equal(parse('i', '--check-claims').flags['check-claims'], true);
  assert.equal(parse('i', '--check-claims=true').flags['check-claims'], true);
  assert.equal(parse('i', '--check-claims=false').flags['check-claims'], false);
  assert.equal(parse('i', '--no-check-claims').flags['check-claims'], false);
  assert.throws(() => parse('i', '--check-claims=yes'), usage(/either true or false, and not "yes"/));
  assert.throws(() => parse('i', '--no-check-claims=true'), usage(/takes no value/));
  assert.throws(() => parse('i', '--no-key'), usage(/unknown flag "--no-key"/));
  // `--flag false` is a true flag and an argument, as in cosign.
  assert.deepEqual(parse('--check-claims', 'false').arguments, ['false']);
});

test('a deprecated flag is taken, mapped and mentioned once', () => {
  const { flags, warnings } = parse('i', '--private-infrastructure', '--private-infrastructure', '--offline=true');
  assert.equal(flags['ignore-log'], true);
  assert.deepEqual(warnings, ['--private-infrastructure is deprecated: use --ignore-log.', '--offline is deprecated: it is always so.']);
});

test('what cannot be understood is refused, with the nearest thing that can', () => {
  assert.throws(() => parse('i', '--kye', 'k'), usage(/unknown flag "--kye"/, /--key\b/));
  assert.throws(() => parse('i', '--cert-identity', 'x'), usage(/unknown flag/, /--certificate-identity\b/));
  assert.throws(
    () => parse('i', '--hiden'),
    (error: unknown) => error instanceof SealwardError && !error.hint.includes('--hidden'),
  );
  assert.throws(() => parse('i', '-x'), usage(/unknown flag "-x"/));
  assert.throws(() => parse('i', '--__proto__', 'x'), usage(/unknown flag/));
  assert.throws(() => parse('i', '--constructor'), usage(/unknown flag/));
});

test('values that are missing, empty, doubtful or of the wrong type are refused', () => {
  assert.throws(() => parse('i', '--key'), usage(/--key needs a value/, /--key=FILE/));
  assert.throws(() => parse('i', '--key', '--offline'), usage(/looks like a flag/));
  assert.equal(parse('i', '--key=--offline').flags.key, '--offline');
  assert.equal(parse('i', '--key', '-').flags.key, '-');
  assert.throws(() => parse('i', '--key='), usage(/--key is empty/, /unset variable/));
  assert.throws(() => parse('i', '--certificate-identity', ''), usage(/is empty/));
  assert.throws(() => parse('i', '--max-workers', '0'), usage(/from 1 to 64, and not "0"/));
  assert.throws(() => parse('i', '--max-workers', '1e1'), usage(/from 1 to 64/));
  assert.throws(() => parse('i', '-o', 'yaml'), usage(/one of json, text, and not "yaml"/));
  assert.throws(() => parse('i', '-t', '3'), usage(/-t is not a duration/));
});

test('one flag has one value', () => {
  assert.throws(() => parse('i', '--key', 'a', '--key', 'b'), usage(/--key is given twice/));
  assert.equal(parse('i', '--key', 'a', '--key', 'a').flags.key, 'a');
  assert.throws(() => parse('i', '--ignore-log=false', '--private-infrastructure'), usage(/--ignore-log is given twice/));
});

test('arguments are counted, and none may be empty', () => {
  assert.throws(() => parse(), usage(/needs IMAGE/));
  assert.throws(() => parse('a', 'b', 'c', 'd'), usage(/at most 3 arguments, and "d" is one too many/));
  assert.throws(() => parse('a', ''), usage(/argument 2 .* is empty/, /unset variable/));
  assert.equal(parse('--help').flags.help, true, 'help needs no argument');
});

test('an action takes its own flags, and others are refused', () => {
  const acting = defineCommand({
    ...spec,
    arguments: [{ name: 'ACTION', summary: 'what', minimum: 1, maximum: 2 }],
    actions: { list: ['output'], gather: ['max-workers', 'output'], drop: ['ignore-log'] },
  });
  const act = (...argv: string[]) => parseCommand(acting, argv);
  for (const argv of [
    ['list', '-o', 'json', '-d'],
    ['gather', '--max-workers', '2'],
    ['--output-file', 'f', 'list'],
    ['lsit', '--key', 'k'],
  ])
    assert.ok(act(...argv));
  const conflict = (message: RegExp, hint: RegExp) => (error: unknown) =>
    error instanceof SealwardError && error.code === 'ERR_FLAG_CONFLICT' && message.test(error.message) && hint.test(error.hint);
  assert.throws(() => act('--max-workers', '2', 'list'), conflict(/^--max-workers is not for `sealward try list`$/, /^It is for gather\./));
  assert.throws(() => act('gather', '--private-infrastructure'), conflict(/^--ignore-log is not for/, /^It is for drop\./));
});

test('an action of two words has flags of its own, and no use for more words than it takes', () => {
  const acting = defineCommand({
    ...spec,
    arguments: [{ name: 'ACTION', summary: 'what', minimum: 1, maximum: 9 }],
    actions: { key: ['output'], 'key add': ['max-workers'] },
    words: { key: 3, 'key add': 2 },
  });
  const act = (...argv: string[]) => parseCommand(acting, argv);
  assert.ok(act('key', 'add', '--max-workers', '2'));
  assert.ok(act('key', 'drop', 'x', '-o', 'json'));
  assert.ok(act('other', 'a', 'b', 'c'));
  assert.throws(() => act('key', 'drop', '--max-workers', '2'), /--max-workers is not for `sealward try key`/);
  assert.throws(() => act('key', 'add', '-o', 'json'), /--output is not for `sealward try key add`/);
  assert.throws(() => act('key', 'add', 'x'), usage(/`sealward try key add` has no use for "x"/));
  assert.throws(() => act('key', 'drop', 'x', 'y'), usage(/`sealward try key` has no use for "y"/));
});

test('a flag that says nothing without another is refused alone', () => {
  const needing = defineCommand({
    ...spec,
    flags: { ...spec.flags, root: { type: 'string', valueName: 'F', group: 'trust', summary: 'r', needs: ['key', 'output'] } },
  });
  assert.throws(
    () => parseCommand(needing, ['a', '--root', 'r']),
    (error: unknown) =>
      error instanceof SealwardError && error.code === 'ERR_FLAG_CONFLICT' && /^--root says nothing without --key or --output$/.test(error.message),
  );
  assert.equal(parseCommand(needing, ['a', '--root', 'r', '--key', 'k']).flags.root, 'r');
});

test('the flags of every command may stand before its name', () => {
  assert.deepEqual(splitCommand(['-d', '--timeout', '3s', 'try', 'x']), { name: 'try', rest: ['-d', '--timeout', '3s', 'x'] });
  assert.deepEqual(splitCommand(['--timeout=3s', 'try']), { name: 'try', rest: ['--timeout=3s'] });
  assert.deepEqual(splitCommand(['--help']), { name: undefined, rest: ['--help'] });
});

test('durations are those of Go', () => {
  for (const [text, expected] of [
    ['3m0s', 180_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['250ms', 250],
    ['1us', 1],
    ['1µs', 1],
    ['2s5ms', 2005],
  ] as const) {
    assert.equal(parseDuration(text, 'it'), expected, text);
  }
  for (const text of ['', '3', 's', '3x', '-3s', '3 s', '3s ', '1h-3m', '0s', '600h5', '9999h', '1.2.3s', '३s']) {
    assert.throws(() => parseDuration(text, 'it'), SealwardError, text);
  }
});

test('the edit distance is a metric on small words', () => {
  const word = fc.string({ maxLength: 6 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b);
      assert.equal(distance, editDistance(b, a));
      assert.equal(distance === 0, a === b);
      assert.ok(distance <= Math.max(a.length, b.length) && distance >= Math.abs(a.length - b.length));
    }),
  );
  assert.equal(editDistance('verfiy', 'verify'), 1);
});

test('the nearest word is near, or there is none', () => {
  const names = ['verify', 'verify-blob', 'sign', 'tree', 'inspect'];
  assert.equal(nearest('verfy', names), 'verify');
  assert.equal(nearest('sing', names), 'sign');
  assert.equal(nearest('VERIFY', names), 'verify');
  assert.equal(nearest('kubernetes', names), undefined);
  assert.equal(nearest('', names), undefined);
});

test('no argv makes the parser fail in any other way than a usage error', () => {
  const words = fc.oneof(
    fc.constantFrom('--key', '-a', '--key=x', '-o', 'json', '--check-claims=false', '--no-offline', '--', '-', '-dt', '3m', '--='),
    fc.string({ maxLength: 8 }),
  );
  fc.assert(
    fc.property(fc.array(words, { maxLength: 6 }), (argv) => {
      try {
        parse(...splitCommand(['try', ...argv]).rest);
      } catch (error) {
        assert.ok(error instanceof SealwardError && error.code === 'ERR_USAGE', String(error));
      }
    }),
  );
});
