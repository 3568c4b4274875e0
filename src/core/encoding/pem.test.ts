import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { encodePem, LIMITS, parsePem, parsePemBlock } from './index.ts';
import { processorTime } from '../../../test/processor-time.ts';

const BLOCK = '-----BEGIN PUBLIC KEY-----\nAAECAw==\n-----END PUBLIC KEY-----\n';

describe('PEM', () => {
  it('reads what it writes, with either line end and text around', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 4 }), fc.boolean(), (blocks, windows) => {
        const text = blocks.map((bytes) => `subject=/CN=x\n${encodePem('CERTIFICATE', bytes)}`).join('\n');
        const read = parsePem(windows ? text.replaceAll('\n', '\r\n') : text, 'the file');
        assert.deepEqual(
          read.map((block) => [block.label, [...block.bytes]]),
          blocks.map((bytes) => ['CERTIFICATE', [...bytes]]),
        );
      }),
    );
  });

  const bad: [name: string, text: string, code: string][] = [
    ['a block without an end', '-----BEGIN PUBLIC KEY-----\nAAAA\n', 'ERR_PEM_INVALID'],
    ['another label at the end', BLOCK.replace('END PUBLIC', 'END PRIVATE'), 'ERR_PEM_INVALID'],
    ['a block inside a block', `-----BEGIN A-----\n${BLOCK}-----END A-----\n`, 'ERR_PEM_INVALID'],
    ['an end without a beginning', '-----END PUBLIC KEY-----\n', 'ERR_PEM_INVALID'],
    ['a beginning that is misspelt', BLOCK.replace('BEGIN PUBLIC', 'BEGIN public'), 'ERR_PEM_INVALID'],
    ['the headers of old key files', BLOCK.replace('AAEC', 'Proc-Type: 4,ENCRYPTED\n\nAAEC'), 'ERR_ENCODING_INVALID'],
    ['junk in the body', BLOCK.replace('AAEC', 'AA*EC'), 'ERR_ENCODING_INVALID'],
    ['wrong padding', BLOCK.replace('==', '='), 'ERR_ENCODING_INVALID'],
    ['stray bits', BLOCK.replace('Aw==', 'Ax=='), 'ERR_ENCODING_INVALID'],
  ];
  for (const [name, text, code] of bad) it(`refuses ${name}`, () => assert.throws(() => parsePem(text, 'the file'), { code }));

  it('takes exactly one block of the right label where one is expected', () => {
    assert.deepEqual([...parsePemBlock(BLOCK, ['PUBLIC KEY'], 'the key').bytes], [0, 1, 2, 3]);
    for (const text of ['', 'hello', BLOCK + BLOCK, encodePem('CERTIFICATE', new Uint8Array(1))]) {
      assert.throws(() => parsePemBlock(text, ['PUBLIC KEY'], 'the key'), { code: 'ERR_PEM_INVALID' });
    }
  });

  it('bounds the size, and reads a hundred thousand blocks in one pass', async () => {
    assert.throws(() => parsePem('x'.repeat(LIMITS.documentBytes + 1), 'the file'), { code: 'ERR_TOO_LARGE' });
    const blocks = '-----BEGIN A-----\n-----END A-----\n'.repeat(100_000);
    assert.ok((await processorTime(() => assert.equal(parsePem(blocks, 'the file').length, 100_000))) < 3000);
  });
});
