/** `sealward evidence prune` and `verify`. */
import { prune } from '../../../clients/evidence/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { parseSize } from '../config.ts';
import { visible, visibleJson } from '../visible.ts';
import { type EvidenceAsked, imagesOfPods, openFolder } from './asked.ts';

export async function pruneStore(invocation: EvidenceAsked): Promise<number> {
  const { terminal, form, flags } = invocation;
  const { 'max-size': size, 'from-cluster-list': pods } = flags;
  const maxBytes = parseSize(size ?? '');
  if (maxBytes === undefined) throw new SealwardError('ERR_USAGE', 'prune needs --max-size', { hint: 'Say how much to keep, as in --max-size 2GiB.' });
  const running = pods === undefined ? [] : imagesOfPods(pods).flatMap((image) => (image.includes('@') ? [image.slice(image.lastIndexOf('@') + 1)] : []));
  const pruned = prune(openFolder(invocation), { maxBytes, now: Date.now(), running });
  if (form === 'json') terminal.print(visibleJson(pruned));
  else terminal.print(`${pruned.digests} images and ${pruned.blobs} documents let go; ${pruned.bytes} bytes are held`);
  return 0;
}

/** Exits with 1 when anything is not what it claims to be, also when it was removed. */
export async function verifyStore(invocation: EvidenceAsked): Promise<number> {
  const { terminal, form, flags } = invocation;
  const store = openFolder(invocation);
  const found = store.check();
  const removed = flags['remove-broken'] ? store.removeBroken(found.problems) : 0;
  if (form === 'json') terminal.print(visibleJson({ ...found, removed }));
  else {
    for (const { path, why } of found.problems) terminal.print(visible(`${path}: ${why}`));
    terminal.print(
      `${found.blobs} documents and ${found.records} records are sound, ${found.problems.length} files are not${removed > 0 ? `; ${removed} removed` : ''}`,
    );
  }
  return found.problems.length > 0 ? 1 : 0;
}
