/**
 * The files of a TUF repository over HTTP, as every client of TUF asks for them. They are read anew each time: whoever
 * publishes puts files into the folder, and the server needs no word of it.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServiceAnswer, ServiceRoute } from '../../core/contract/index.ts';
import { LIMITS } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';

/** Names of metadata and of targets below their folder; none starts with a dot, so that nothing hidden and nothing above is reached. */
const NAME = /^(?:[A-Za-z0-9][A-Za-z0-9._-]*\/){0,4}[A-Za-z0-9][A-Za-z0-9._-]*$/;
/** What never changes once it has its name: versions, and targets under their digest. */
const FOR_EVER = /^(?:\d+\.[a-z0-9-]+\.json|targets\/(?:.*\/)?[0-9a-f]{64,128}\.[^/]+)$/;

/** @param folder the repository; @param prefix the path under which it is served, such as `/trust`. */
export function trustRoutes(folder: string, prefix: string): ServiceRoute[] {
  return [{ method: 'GET', path: `${prefix}/*`, maxBytes: 0, answer: ({ params }) => serveFile(folder, params['*'] ?? '') }];
}

async function serveFile(folder: string, name: string): Promise<ServiceAnswer> {
  if (!NAME.test(name)) throw absent(name);
  let body: Uint8Array;
  try {
    body = new Uint8Array(await readFile(join(folder, name)));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'EISDIR' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') throw absent(name);
    throw new SealwardError('ERR_SERVICE_UNAVAILABLE', 'a file of the trust repository cannot be read', { cause });
  }
  if (body.length > LIMITS.documentBytes) throw new SealwardError('ERR_SERVICE_UNAVAILABLE', 'a file of the trust repository is larger than any client reads');
  const age = FOR_EVER.test(name) ? 'max-age=31536000, immutable' : 'no-cache';
  return { status: 200, headers: { 'content-type': 'application/json', 'cache-control': age }, body };
}

function absent(name: string): SealwardError {
  return new SealwardError('ERR_NOT_FOUND', `the trust repository has no ${JSON.stringify(name.slice(0, 100))}`);
}
