import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Io, Terminal, writeOut } from './terminal.ts';
import { visible, visibleJson } from './visible.ts';

function fake(tty: boolean): { terminal: Terminal; written: () => string } {
  let text = '';
  const stderr = Object.assign(
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString();
        done();
      },
    }),
    { isTTY: tty },
  );
  const io: Io = { stdin: process.stdin, stdout: stderr, stderr, environment: {}, signal: new AbortController().signal };
  return { terminal: new Terminal(io, { noColor: true, forceColor: false }), written: () => text };
}

test('progress shows after a second, on a terminal, and is gone before anything else is said', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { terminal, written } = fake(true);
  terminal.progress('one');
  t.mock.timers.tick(999);
  assert.equal(written(), '');
  terminal.progress('two');
  t.mock.timers.tick(1);
  assert.equal(written(), '\r\u001b[Ktwo');
  terminal.progress('three');
  terminal.say('a word');
  assert.equal(written(), '\r\u001b[Ktwo\r\u001b[Kthree\r\u001b[Ka word\n');
  terminal.endProgress();
  t.mock.timers.tick(5000);
  assert.ok(written().endsWith('a word\n'));
});

test('what is quick shows no progress, and neither does a pipe', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  for (const tty of [true, false]) {
    const { terminal, written } = fake(tty);
    terminal.progress('one');
    if (tty) terminal.endProgress();
    t.mock.timers.tick(5000);
    assert.equal(written(), '');
  }
});

test('a reader that went away is no failure, a full disk is', async () => {
  const failing = (code: string): Writable =>
    new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error(code), { code })) }).on('error', () => undefined);
  await writeOut(failing('EPIPE'), 'x');
  await assert.rejects(writeOut(failing('ENOSPC'), 'x'), { code: 'ERR_FILE_UNREADABLE' });
});

test('nothing that is printed steers the terminal or turns the text', () => {
  assert.equal(visible('a\u001b[2Jb\u202ec\u0000\n\t\u009b\ud800 ü 漢 🔑'), 'a\\u{1b}[2Jb\\u{202e}c\\u{0}\\n\\t\\u{9b}\\u{d800} ü 漢 🔑');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      assert.doesNotMatch(visible(text), /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/);
      const json = visibleJson({ [text]: [text] });
      assert.deepEqual(JSON.parse(json), { [text]: [text] });
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      assert.doesNotMatch(json.replaceAll('\n', ''), /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/);
    }),
  );
});
