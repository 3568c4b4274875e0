/** How the tests of signers hold a refusal: its code, its words, and no secret in either. */
import assert from 'node:assert/strict';
import type { ErrorCode } from '../../src/core/errors.ts';
import { SealwardError } from '../../src/core/errors.ts';

export function fails(code: ErrorCode, words = /./, secret?: string) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof SealwardError, String(error));
    assert.equal(error.code, code, error.message);
    const said = `${error.message} ${error.hint}`;
    assert.match(said, words);
    if (secret !== undefined) assert.ok(!said.includes(secret), 'the secret is in the message');
    return true;
  };
}
