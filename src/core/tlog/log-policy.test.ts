import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noteKey } from '../../../test/journals.ts';
import { LIMITS, utf8 } from '../encoding/index.ts';
import { encodeVerifierKey, meetsQuorum, NOTE_KEY_TYPE, type NoteKeyType, type NoteVerifier, parseLogPolicy } from './index.ts';

const verifier = (name: string, type: NoteKeyType): NoteVerifier => noteKey(name, type).verifier;
const LOG = encodeVerifierKey(verifier('log.example', NOTE_KEY_TYPE.ed25519), NOTE_KEY_TYPE.ed25519);
const WITNESSES = ['w1', 'w2', 'w3', 'y1', 'y2'].map((name) => encodeVerifierKey(verifier(name, NOTE_KEY_TYPE.cosignature), NOTE_KEY_TYPE.cosignature));
const [W1, W2, W3, Y1, Y2] = WITNESSES;

const TWO_LEVELS = `# who watches
log ${LOG}   https://log.example/
witness X1 ${W1} https://w1.example
witness X2 ${W2}
\twitness X3 ${W3}
group X 2 X1 X2 X3

witness Y1 ${Y1}
witness Y2 ${Y2}
group Y any Y1 Y2
group XY all X Y
quorum XY
`;

test('a policy of two levels is met by two of three and one of two', () => {
  const policy = parseLogPolicy(utf8(TWO_LEVELS));
  const of = (...names: string[]): NoteVerifier[] => names.map((name) => policy.witnesses.get(name)?.verifier as NoteVerifier);
  assert.equal(policy.logs[0]?.url, 'https://log.example/');
  for (const [names, met] of [
    [['X1', 'X3', 'Y2'], true],
    [['X1', 'X2', 'X3', 'Y1', 'Y2'], true],
    [['X1', 'X2', 'X3'], false],
    [['X1', 'Y1', 'Y2'], false],
    [['X1', 'X1', 'Y1'], false],
    [[], false],
  ] as const) {
    assert.equal(meetsQuorum(policy, of(...names)), met, names.join());
  }
  assert.equal(meetsQuorum(parseLogPolicy(utf8('quorum none')), []), true);
  assert.equal(meetsQuorum(parseLogPolicy(utf8(`witness a ${W1}\nquorum a\n`)), []), false);
});

for (const [why, text] of [
  [/names no quorum/, ''],
  [/names no quorum/, `log ${LOG}`],
  [/line 2 .*is not defined before it/, `witness a ${W1}\nquorum b`],
  [/is not defined before it/, `quorum a\nwitness a ${W1}`],
  [/is not defined before it/, `group g any g\nquorum g`],
  [/is a member of two groups/, `witness a ${W1}\ngroup g any a a\nquorum g`],
  [/is a member of two groups/, `witness a ${W1}\ngroup g any a\ngroup h any a\nquorum g`],
  [/there is a quorum already/, 'quorum none\nquorum none'],
  [/the name "none" is taken/, `witness none ${W1}\nquorum none`],
  [/the name "a" is taken/, `witness a ${W1}\nwitness a ${W2}\nquorum a`],
  [/this witness stands twice/, `witness a ${W1}\nwitness b ${W1}\nquorum a`],
  [/this log stands twice/, `log ${LOG}\nlog ${LOG}\nquorum none`],
  [/"2" of 1 members/, `witness a ${W1}\ngroup g 2 a\nquorum g`],
  [/"0" of 1 members/, `witness a ${W1}\ngroup g 0 a\nquorum g`],
  [/"01" of 1 members/, `witness a ${W1}\ngroup g 01 a\nquorum g`],
  [/of a type that logs have/, `witness a ${LOG}\nquorum a`],
  [/of a type that witnesses have/, `log ${W1}\nquorum none`],
  [/is no line of a log policy/, 'group g any\nquorum none'],
  [/is no line of a log policy/, 'mirror x\nquorum none'],
  [/control character/, 'quorum none\r\n'],
  [/verifier key/, 'log x\nquorum none'],
] as const) {
  test(`a policy is refused: ${text.replaceAll(/\S{60,}/g, '...')}`, () => {
    assert.throws(() => parseLogPolicy(utf8(text)), { code: 'ERR_LOG_FORMAT', message: why });
  });
}

test('as many members may be asked for as there are, and as few as one', () => {
  const names = ['a', 'b', 'c'];
  for (const [word, least] of [
    ['1', 1],
    ['2', 2],
    ['3', 3],
    ['any', 1],
    ['all', 3],
  ] as const) {
    const policy = parseLogPolicy(utf8(`witness a ${W1}\nwitness b ${W2}\nwitness c ${W3}\ngroup g ${word} ${names.join(' ')}\nquorum g\n`));
    const met = [0, 1, 2, 3].map((count) =>
      meetsQuorum(
        policy,
        names.slice(0, count).map((name) => policy.witnesses.get(name)?.verifier as NoteVerifier),
      ),
    );
    assert.deepEqual(
      met,
      [0, 1, 2, 3].map((count) => count >= least),
      word,
    );
  }
});

test('bounds: one byte more than LIMITS.logPolicyBytes', () => {
  const fill = (length: number): Uint8Array => utf8('quorum none\n'.padEnd(length, '\n'));
  parseLogPolicy(fill(LIMITS.logPolicyBytes));
  assert.throws(() => parseLogPolicy(fill(LIMITS.logPolicyBytes + 1)), { code: 'ERR_TOO_LARGE' });
});
