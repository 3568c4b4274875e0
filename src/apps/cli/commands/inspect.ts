import { fingerprintOf } from '../../../core/crypto/index.ts';
import { LIMITS } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { readBytes } from '../file.ts';
import { descriptionLines } from '../inspect/description.ts';
import { describeFile } from '../inspect/recognise.ts';
import type { Run } from '../invocation.ts';
import type { inspect } from '../table/look.ts';
import { visible, visibleJson } from '../visible.ts';

export const run: Run<typeof inspect> = async ({ arguments: files, terminal, form }) => {
  const all = files.map((file) => {
    const bytes = readBytes(file, LIMITS.attestationBytes);
    return { file, fileSha256: fingerprintOf(bytes), ...described(file, bytes) };
  });
  if (form === 'json') {
    terminal.print(visibleJson(all));
    return 0;
  }
  for (const [at, { file, ...description }] of all.entries()) {
    if (at > 0) terminal.print('');
    terminal.print(terminal.style('bold', visible(file)));
    terminal.print(descriptionLines(description, visible, '  ').join('\n'));
  }
  terminal.say(terminal.styleError('dim', 'This is what the file says. Nothing of it was verified.'));
  return 0;
};

function described(file: string, bytes: Uint8Array): ReturnType<typeof describeFile> {
  try {
    return describeFile(bytes);
  } catch (error) {
    if (!(error instanceof SealwardError)) throw error;
    throw new SealwardError(error.code, `${file}: ${error.message}`, { hint: error.hint, cause: error });
  }
}
