/**
 * Every place of an object that names an image which would run. A place that is not known here is refused by its name: coverage
 * holes (init, then ephemeral containers, then image volumes) are how admission was passed by elsewhere.
 */
import { quoted } from '../../core/artifact/index.ts';
import { type JsonObject, type JsonValue, LIMITS } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';

export interface NamedImage {
  /** Where it stands, as `spec.containers[0].image`. */
  readonly path: string;
  /** As it is written there; not parsed. */
  readonly image: string;
}

/** Where the pod spec stands, by `group/Kind`: the nine kinds of the Pod Security admission. Of custom kinds, the configuration says. */
const POD_SPECS: Readonly<Record<string, readonly string[]>> = {
  '/Pod': ['spec'],
  '/ReplicationController': ['spec.template.spec'],
  '/PodTemplate': ['template.spec'],
  'apps/ReplicaSet': ['spec.template.spec'],
  'apps/Deployment': ['spec.template.spec'],
  'apps/StatefulSet': ['spec.template.spec'],
  'apps/DaemonSet': ['spec.template.spec'],
  'batch/Job': ['spec.template.spec'],
  'batch/CronJob': ['spec.jobTemplate.spec.template.spec'],
};

const IMAGE_PLACE = /^(?:(?:containers|initContainers|ephemeralContainers)\[\d+\]\.image|volumes\[\d+\]\.image\.reference)$/;
/** Maps whose keys people choose, and the one field of that name which is no container image (an RBD volume's). Whole paths, so that nothing hides below. */
const NO_IMAGE = new RegExp(
  `^(?:${[
    'nodeSelector',
    'overhead',
    String.raw`(?:containers|initContainers|ephemeralContainers)\[\d+\]\.resources\.(?:limits|requests)`,
    String.raw`volumes\[\d+\]\.(?:rbd\.image|csi\.volumeAttributes|flexVolume\.options)`,
    String.raw`volumes\[\d+\]\.ephemeral\.volumeClaimTemplate\.(?:metadata\.(?:labels|annotations)|spec\.selector\.matchLabels)`,
    String.raw`volumes\[\d+\]\.projected\.sources\[\d+\]\.clusterTrustBundle\.labelSelector\.matchLabels`,
    String.raw`topologySpreadConstraints\[\d+\]\.labelSelector\.matchLabels`,
    String.raw`affinity\.pod(?:Anti)?Affinity\.\w+\[\d+\](?:\.podAffinityTerm)?\.(?:label|namespace)Selector\.matchLabels`,
  ].join('|')})$`,
);

/**
 * @param kind `group/Kind`, as `apps/Deployment` or `/Pod`.
 * @param custom paths of pod specs in custom kinds, by `group/Kind`; a path that is not in the object names nothing there.
 * @throws ERR_IMAGES_UNREADABLE; ERR_TOO_LARGE past 256 images.
 */
export function imagesOf(kind: string, object: JsonObject, custom: ReadonlyMap<string, readonly string[]> = new Map()): readonly NamedImage[] {
  const isPod = kind === '/Pod';
  const found: NamedImage[] = [];
  for (const [path, spec] of podSpecsOf(kind, object, custom)) {
    if (spec === undefined || spec === null) continue;
    if (!isObject(spec)) throw unreadable(`${path} is no object`);
    collect(spec, path, isPod, found);
  }
  // A Pod runs at least one container: none found means that it was not understood.
  if (isPod && found.length === 0) throw unreadable('the Pod names no image');
  if (found.length > LIMITS.imagesPerPod) throw new SealwardError('ERR_TOO_LARGE', `the object names more than ${LIMITS.imagesPerPod} images`);
  return found;
}

/** Each place where a pod spec may stand, and what stands there. Throws ERR_IMAGES_UNREADABLE for a kind of which nobody said where that is. */
export function podSpecsOf(kind: string, object: JsonObject, custom: ReadonlyMap<string, readonly string[]> = new Map()): [string, JsonValue | undefined][] {
  const paths = Object.hasOwn(POD_SPECS, kind) ? POD_SPECS[kind] : custom.get(kind);
  if (!paths) throw unreadable(`nothing says where a ${quoted(kind)} names its images`);
  return paths.map((path) => [path, memberAt(object, path)]);
}

function memberAt(object: JsonObject, path: string): JsonValue | undefined {
  return path
    .split('.')
    .reduce<JsonValue | undefined>((value, member) => (isObject(value) && Object.hasOwn(value, member) ? value[member] : undefined), object);
}

/**
 * What an update would start anew: images that stood nowhere before, and tags that stand in more places than before, because
 * a tag may mean another image by now. Nothing of it: then the update is no question for a registry.
 */
export function newImages(before: readonly NamedImage[], after: readonly NamedImage[]): readonly NamedImage[] {
  const [old, now] = [countsOf(before), countsOf(after)];
  return after.filter(({ image }) => {
    const known = old.get(image) ?? 0;
    return known === 0 || (!image.includes('@') && (now.get(image) ?? 0) > known);
  });
}

function countsOf(images: readonly NamedImage[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { image } of images) counts.set(image, (counts.get(image) ?? 0) + 1);
  return counts;
}

function collect(spec: JsonObject, root: string, isPod: boolean, found: NamedImage[]): void {
  // A container without an image is in no walk over the images, so it is looked for by itself. A template may leave it open; a Pod may not.
  for (const list of ['containers', 'initContainers', 'ephemeralContainers']) {
    const containers = spec[list] ?? [];
    if (!Array.isArray(containers)) throw unreadable(`${root}.${list} is no list`);
    containers.forEach((container, i) => {
      if (!isObject(container)) throw unreadable(`${root}.${list}[${i}] is no object`);
      if (isPod && (container['image'] ?? '') === '') throw unreadable(`${root}.${list}[${i}] names no image`);
    });
  }
  const walk = (value: JsonValue, path: string): void => {
    if (NO_IMAGE.test(path)) return;
    if (Array.isArray(value)) value.forEach((item, i) => walk(item, `${path}[${i}]`));
    else if (isObject(value)) for (const [member, inner] of Object.entries(value)) visit(member, inner, path === '' ? member : `${path}.${member}`);
  };
  const visit = (member: string, inner: JsonValue, path: string): void => {
    const full = `${root}.${path}`;
    if (IMAGE_PLACE.test(path)) {
      if (typeof inner !== 'string' && inner !== null) throw unreadable(`${quoted(full)} is no text`);
      if (inner) found.push({ path: full, image: inner });
      else if (isPod) throw unreadable(`${quoted(full)} is empty`);
    } else if ((member === 'image' || (member === 'reference' && path.endsWith('image.reference'))) && typeof inner === 'string' && !NO_IMAGE.test(path)) {
      throw unreadable(`${quoted(full)} is an image field that is not known`);
    } else walk(inner, path);
  };
  walk(spec, '');
}

const isObject = (value: JsonValue | undefined): value is JsonObject => value !== null && typeof value === 'object' && !Array.isArray(value);

function unreadable(why: string): SealwardError {
  return new SealwardError('ERR_IMAGES_UNREADABLE', why);
}
