/** What runs: the images of a Pod, each with the digest that the container runtime says it started. */
import { digestFrom, formatDigest, formatReference, parseReference } from '../core/artifact/index.ts';
import { type JsonObject, type JsonValue, memberOf, stringOf } from '../core/encoding/index.ts';
import { SealwardError } from '../core/errors.ts';

export interface RunningImage {
  /** Name of the container, or of the volume. */
  readonly container: string;
  /** As the Pod names it. */
  readonly image: string;
  /** With the digest that runs, as it is judged; the image as it is named where nobody knows a digest. */
  readonly name: string;
  /** `sha256:hex` of a manifest; undefined where the runtime says none, such as before it started the container. */
  readonly digest?: string;
}

const LISTS = [
  ['containers', 'containerStatuses'],
  ['initContainers', 'initContainerStatuses'],
  ['ephemeralContainers', 'ephemeralContainerStatuses'],
] as const;

/** @param pod a Pod of core/v1, as the API server sends it; what is not in that shape is left out. */
export function runningImages(pod: JsonObject): RunningImage[] {
  const found: RunningImage[] = [];
  for (const [list, statuses] of LISTS) {
    const ids = new Map(listOf(memberOf(pod['status'], statuses)).map((status) => [stringOf(memberOf(status, 'name')), stringOf(memberOf(status, 'imageID'))]));
    for (const container of listOf(memberOf(pod['spec'], list))) {
      const name = stringOf(memberOf(container, 'name')) ?? '';
      const image = stringOf(memberOf(container, 'image'));
      if (image !== undefined && image !== '') found.push(running(name, image, ids.get(name)));
    }
  }
  for (const volume of listOf(memberOf(pod['spec'], 'volumes'))) {
    const image = stringOf(memberOf(memberOf(volume, 'image'), 'reference'));
    if (image !== undefined && image !== '') found.push(running(stringOf(memberOf(volume, 'name')) ?? '', image, undefined));
  }
  return found;
}

function running(container: string, image: string, imageId: string | undefined): RunningImage {
  try {
    const reference = parseReference(image);
    // What is named by digest is started by it. Else the runtime says what the tag stood for: `HOST/NAME@sha256:…`, with
    // Docker's `docker-pullable://` before it. A bare `sha256:…` is the digest of a configuration, which nobody signs.
    const digest = reference.digest ?? digestFrom(/@(sha\d+:[0-9a-f]+)$/.exec(imageId ?? '')?.[1] ?? '');
    return digest ? { container, image, name: formatReference({ ...reference, digest }), digest: formatDigest(digest) } : { container, image, name: image };
  } catch (error) {
    if (error instanceof SealwardError && error.family === 'InputError') return { container, image, name: image };
    throw error;
  }
}

function listOf(value: JsonValue | undefined): JsonValue[] {
  return Array.isArray(value) ? value : [];
}
