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

/** Whether two pod specs may be compared: whatever was taken out of them before they were parsed could not be seen, and nesting without end has none. */
export function isComparable(spec: JsonValue | undefined): boolean {
  let level: JsonValue[] = spec !== null && typeof spec === 'object' ? [spec] : [];
  for (let at = 0; level.length > 0; at++) {
    if (at > LIMITS.jsonDepth) return false;
    const next: JsonValue[] = [];
    for (const each of level) {
      if (!Array.isArray(each) && Object.hasOwn(each as JsonObject, 'managedFields')) return false;
      for (const inner of Array.isArray(each) ? each : Object.values(each as JsonObject)) if (inner !== null && typeof inner === 'object') next.push(inner);
    }
    level = next;
  }
  return true;
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
  const walk = (value: JsonValue, at: Step | undefined, depth: number): void => {
    if (depth > LIMITS.jsonDepth) throw unreadable(`${root} is nested deeper than ${LIMITS.jsonDepth} levels`);
    if (Array.isArray(value)) {
      for (let i = 0; i < value.length; i++) {
        const item = value[i] as JsonValue;
        if (item !== null && typeof item === 'object') walk(item, { up: at, key: i }, depth + 1);
      }
    } else if (isObject(value)) {
      for (const member of Object.keys(value)) {
        const inner = value[member] as JsonValue;
        if (member === 'image' || member === 'reference' || member === 'managedFields') visit(member, inner, { up: at, key: member }, depth);
        else if (inner !== null && typeof inner === 'object') walk(inner, { up: at, key: member }, depth + 1);
      }
    }
  };
  const visit = (member: string, inner: JsonValue, at: Step, depth: number): void => {
    const path = pathOf(at);
    const full = `${root}.${path}`;
    if (isNoImage(at)) return;
    if (member === 'managedFields') throw unreadable(`${quoted(full)}: "managedFields" is no field of a pod spec`);
    if (IMAGE_PLACE.test(path)) {
      if (typeof inner !== 'string' && inner !== null) throw unreadable(`${quoted(full)} is no text`);
      if (inner) found.push({ path: full, image: inner });
      else if (isPod) throw unreadable(`${quoted(full)} is empty`);
    } else if ((member === 'image' || path.endsWith('image.reference')) && typeof inner === 'string') {
      throw unreadable(`${quoted(full)} is an image field that is not known`);
    } else walk(inner, at, depth + 1);
  };
  walk(spec, undefined, 0);
}

/** The way to a value. Most values are no images, so it is put into words only for those that may be. */
interface Step {
  readonly up: Step | undefined;
  readonly key: string | number;
}

function pathOf({ up, key }: Step): string {
  if (typeof key === 'number') return `${up ? pathOf(up) : ''}[${key}]`;
  return up ? `${pathOf(up)}.${key}` : key;
}

/** Whether it, or what it stands in, is one of those maps and fields that only look like images. */
function isNoImage(at: Step): boolean {
  for (let step: Step | undefined = at; step; step = step.up) if (NO_IMAGE.test(pathOf(step))) return true;
  return false;
}

const isObject = (value: JsonValue | undefined): value is JsonObject => value !== null && typeof value === 'object' && !Array.isArray(value);

function unreadable(why: string): SealwardError {
  return new SealwardError('ERR_IMAGES_UNREADABLE', why);
}
