/** What the actions of `sealward evidence` get, and the folder that they work in. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { FolderStore } from '../../../clients/evidence/index.ts';
import { formatRepository, parseReference } from '../../../core/artifact/index.ts';
import { LIMITS, type JsonValue, memberOf, parseJson, decodeUtf8 } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { cacheFolder } from '../config.ts';
import { noFile, readBytes } from '../file.ts';
import type { Invocation } from '../invocation.ts';
import type { evidence } from '../table/evidence.ts';
import { visible } from '../visible.ts';

export type EvidenceAsked = Invocation<(typeof evidence)['flags']>;

/**
 * The folder that --evidence names, or the one below the user's cache.
 * @param writes whether something is put there: then it is made, and otherwise a name that is no folder is a slip of the pen.
 */
export function openFolder({ flags, config, terminal }: EvidenceAsked, writes = false): FolderStore {
  const cache = cacheFolder(config.environment);
  const folder = flags.evidence ?? (cache === undefined ? undefined : join(cache, 'evidence'));
  if (folder === undefined) throw new SealwardError('ERR_USAGE', 'there is no home folder to keep evidence in', { hint: 'Name a folder with --evidence.' });
  if (!writes && flags.evidence !== undefined && !existsSync(folder)) throw noFile(folder);
  return new FolderStore(folder, { onProblem: ({ path, why }) => terminal.warn(visible(`evidence ${path}: ${why}`)) });
}

/** One image a line; empty lines and those that begin with # are left out. */
export function imagesOfFile(path: string): string[] {
  return decodeUtf8(readBytes(path, LIMITS.documentBytes, 'the list of images'), 'the list of images')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** What pods name and what they run, of `kubectl get pods -A -o json`: references, each once. */
export function imagesOfPods(path: string): string[] {
  const what = 'the list of pods';
  const list = parseJson(readBytes(path, LIMITS.clusterListBytes, what), { what, maxBytes: LIMITS.clusterListBytes });
  const items = memberOf(list, 'items');
  if (!Array.isArray(items))
    throw new SealwardError('ERR_JSON_INVALID', 'the list of pods has no items', { hint: 'Give the output of `kubectl get pods -A -o json`.' });
  const found = new Set<string>();
  for (const pod of items) {
    for (const kind of ['containers', 'initContainers', 'ephemeralContainers'])
      for (const one of listOf(memberOf(pod, 'spec'), kind)) add(found, memberOf(one, 'image'));
    for (const volume of listOf(memberOf(pod, 'spec'), 'volumes')) add(found, memberOf(memberOf(volume, 'image'), 'reference'));
    for (const kind of ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'])
      for (const one of listOf(memberOf(pod, 'status'), kind)) {
        const running = memberOf(one, 'imageID');
        // Docker writes docker-pullable://NAME@DIGEST, containerd NAME@DIGEST; a bare digest names no repository.
        if (typeof running === 'string' && running.includes('@sha256:')) add(found, running.replace(/^[a-z-]+:\/\//, ''));
      }
  }
  return [...found];
}

function add(found: Set<string>, image: JsonValue | undefined): void {
  if (typeof image === 'string' && image !== '') found.add(image);
}

function listOf(value: JsonValue | undefined, name: string): readonly JsonValue[] {
  const list = memberOf(value, name);
  return Array.isArray(list) ? list : [];
}

/** Which records an image names: all of its repository's with that digest, or what its tag stood for. */
export function digestHeld(store: FolderStore, image: string): string {
  if (/^sha\d+:[0-9a-f]+$/.test(image)) return image;
  const reference = parseReference(image);
  if (reference.digest) return `${reference.digest.algorithm}:${reference.digest.hex}`;
  const held = store.record('tags', `${formatRepository(reference)}:${reference.tag ?? 'latest'}`)?.digest;
  if (typeof held === 'string') return held;
  throw new SealwardError('ERR_EVIDENCE_MISSING', `nothing is held about ${visible(image)}`);
}
