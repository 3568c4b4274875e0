/** `sealward evidence export` and `import`: one file for a site that no registry reaches. */
import { createMemoryStore, keepArchive, namesOf, readArchive, type StoreProblem, writeArchive } from '../../../clients/evidence/index.ts';
import { LIMITS } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { readBytes, replaceFile } from '../file.ts';
import { visible, visibleJson } from '../visible.ts';
import { digestHeld, type EvidenceAsked, openFolder } from './asked.ts';

function archivePath({ arguments: [, path] }: EvidenceAsked): string {
  if (path === undefined) throw new SealwardError('ERR_USAGE', 'no archive is named', { hint: 'Name the file, as in `sealward evidence export site.tar`.' });
  return path;
}

export async function exportArchive(invocation: EvidenceAsked): Promise<number> {
  const { terminal, form } = invocation;
  const path = archivePath(invocation);
  const store = openFolder(invocation);
  const images = invocation.arguments.slice(2);
  const subjects = images.map((image) => digestHeld(store, image));
  // An index takes its images along.
  const wanted = namesOf(store, subjects);
  const records = [...store.records('answers'), ...store.records('tags')].filter(
    ({ key, body }) =>
      images.length === 0 || wanted.has(key.slice(key.lastIndexOf('@') + 1)) || (typeof body['digest'] === 'string' && wanted.has(body['digest'])),
  );
  // What a fallback tag stood for, and that a tag was not there, belongs to its digest as well.
  const tagsOfDigests = store.records('tags').filter(({ key }) => [...wanted].some((digest) => key.includes(`:${digest.replace(':', '-')}`)));
  const all = [...new Map([...records, ...tagsOfDigests].map((record) => [`${record.kind} ${record.key}`, record])).values()];
  const digests = namesOf(store, [...wanted, ...all.flatMap(({ key, body }) => [key.slice(key.lastIndexOf('@') + 1), body])]);
  if (all.length === 0) throw new SealwardError('ERR_EVIDENCE_MISSING', 'nothing is held that could be carried');
  const { trust } = invocation.flags;
  const bytes = writeArchive(
    store,
    { digests: [...digests], records: all },
    trust === undefined ? undefined : await (await import('../../../clients/trust/index.ts')).readCurrent(trust),
  );
  replaceFile(path, bytes);
  if (form === 'json') terminal.print(visibleJson({ archive: path, records: all.length, bytes: bytes.length }));
  else terminal.print(visible(`${path}: ${all.length} records, ${bytes.length} bytes`));
  return 0;
}

/** An archive, held against its own digests before anything of it is kept. */
export function openArchive(path: string, skipBroken: boolean, tell: (problem: StoreProblem) => void) {
  const content = readArchive(readBytes(path, LIMITS.evidenceArchiveBytes, 'the archive'));
  const store = createMemoryStore();
  const { problems } = keepArchive(store, content, Date.now());
  const [first] = problems;
  if (first && !skipBroken) {
    const more = problems.length > 1 ? `, and ${problems.length - 1} more` : '';
    throw new SealwardError('ERR_EVIDENCE_ARCHIVE', visible(`${path} is broken: ${first.path}: ${first.why}${more}`));
  }
  for (const problem of problems) tell(problem);
  return { content, store, problems };
}

export async function importArchive(invocation: EvidenceAsked): Promise<number> {
  const { terminal, form, flags } = invocation;
  const path = archivePath(invocation);
  const { content, problems } = openArchive(path, flags['skip-broken'], ({ path: part, why }) => terminal.warn(visible(`${part}: ${why}`)));
  const { kept, problems: left } = keepArchive(openFolder(invocation, true), { ...content, problems: [] }, Date.now());
  const lost = flags['skip-broken'] ? [] : left;
  if (form === 'json') terminal.print(visibleJson({ archive: path, kept, problems: [...problems, ...lost] }));
  else
    terminal.print(
      visible(
        `${path}: ${kept.records} records and ${kept.blobs} documents taken in${content.trust.size > 0 ? `, a trust repository travels with it (--trust-url ${path})` : ''}${problems.length > 0 ? `, ${problems.length} broken parts left out` : ''}`,
      ),
    );
  if (lost.length > 0) throw new SealwardError('ERR_EVIDENCE_STORE', visible(`not all of ${path} could be kept: ${lost[0]?.why ?? ''}`));
  return 0;
}
