/**
 * Every place of an object that names an image which would run. A place that is not known here is refused by its name: coverage
 * holes (init, then ephemeral containers, then image volumes) are how admission was passed by elsewhere.
 */
import { quoted } from '../../core/artifact/index.ts';
import { type JsonObject, type JsonValue, LIMITS, memberOf, stringOf } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';

export interface NamedImage {
  /** Where it stands, as `spec.containers[0].image`. */
  readonly path: string;
  /** As it is written there; not parsed. */
  readonly image: string;
  /** Of its container or volume; empty where that has none. */
  readonly name: string;
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

/** With what the paths of those maps end, so that most others need not be put into words. */
const LAST_OF_NO_IMAGE: ReadonlySet<string | number> = new Set([
  'nodeSelector',
  'overhead',
  'limits',
  'requests',
  'volumeAttributes',
  'options',
  'labels',
  'annotations',
  'matchLabels',
]);
/** Steps to the deepest of those maps, and to the object with the deepest image. Further down nothing is put into words, for there may be very many. */
const MOST_STEPS = { toNoImage: 8, toImage: 3 };

/** A path, and what stands there; undefined where the object does not go so far. */
export type PodSpec = readonly [path: string, spec: JsonValue | undefined];

/**
 * @param kind `group/Kind`, as `apps/Deployment` or `/Pod`.
 * @throws ERR_IMAGES_UNREADABLE; ERR_TOO_LARGE past 256 images.
 */
export function imagesOf(kind: string, specs: readonly PodSpec[]): readonly NamedImage[] {
  const isPod = kind === '/Pod';
  const found: NamedImage[] = [];
  for (const [path, spec] of specs) {
    if (spec === undefined || spec === null) continue;
    if (!isObject(spec)) throw unreadable(`${path} is no object`);
    collect(spec, path, isPod, found);
  }
  // A Pod runs at least one container: none found means that it was not understood.
  if (isPod && found.length === 0) throw unreadable('the Pod names no image');
  if (found.length > LIMITS.imagesPerPod) throw new SealwardError('ERR_TOO_LARGE', `the object names more than ${LIMITS.imagesPerPod} images`);
  return found;
}

/**
 * Each place where a pod spec may stand, and what stands there.
 * @param custom paths of pod specs in custom kinds, by `group/Kind`.
 * @throws ERR_IMAGES_UNREADABLE for a kind of which nobody said where that is.
 */
export function podSpecsOf(kind: string, object: JsonObject, custom: ReadonlyMap<string, readonly string[]> = new Map()): readonly PodSpec[] {
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
 * What an update would start anew: images that stood nowhere before, and tags where another image stood, because a tag may
 * mean another image by now. Nothing of it: then the update is no question for a registry.
 */
export function newImages(before: readonly NamedImage[], after: readonly NamedImage[]): readonly NamedImage[] {
  const known = new Set(before.map(({ image }) => image));
  const places = new Map<string, string | undefined>();
  // Where two have one name, nobody can say which of them it is.
  for (const named of before) places.set(placeOf(named), places.has(placeOf(named)) ? undefined : named.image);
  return after.filter((named) => !known.has(named.image) || (!named.image.includes('@') && places.get(placeOf(named)) !== named.image));
}

/** Containers and volumes are the same ones by their names, wherever they stand in their list. */
function placeOf({ path, name }: NamedImage): string {
  return name === '' ? path : `${path.replace(/\[\d+\]/, '')} ${name}`;
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
  const at: Way = [];
  const walk = (value: JsonObject | JsonValue[], depth: number): void => {
    if (depth > LIMITS.jsonDepth) throw unreadable(`${root} is nested deeper than ${LIMITS.jsonDepth} levels`);
    if (Array.isArray(value)) {
      for (let i = 0; i < value.length; i++) into(value[i] as JsonValue, i, depth);
    } else {
      // Of what JSON.parse made, these are its own members, and no list of them is made.
      for (const member in value) {
        const inner = value[member] as JsonValue;
        if (member !== 'image' && member !== 'reference' && member !== 'managedFields') into(inner, member, depth);
        else if (mayHoldImages(member, inner, depth)) into(inner, member, depth);
      }
    }
  };
  const into = (inner: JsonValue, key: string | number, depth: number): void => {
    if (inner === null || typeof inner !== 'object') return;
    at[depth] = key;
    if (depth < MOST_STEPS.toNoImage && LAST_OF_NO_IMAGE.has(key) && NO_IMAGE.test(pathOf(at.slice(0, depth + 1)))) return;
    walk(inner, depth + 1);
  };
  /** Takes the image that stands here. @returns whether there may be others below. */
  const mayHoldImages = (member: string, inner: JsonValue, depth: number): boolean => {
    const names = member === 'image' || (member === 'reference' && at[depth - 1] === 'image');
    if (member !== 'managedFields' && (!names || (depth > MOST_STEPS.toImage && typeof inner !== 'string'))) return true;
    const way = [...at.slice(0, depth), member];
    const path = pathOf(way);
    const full = `${root}.${path}`;
    if (IMAGE_PLACE.test(path)) {
      if (typeof inner !== 'string' && inner !== null) throw unreadable(`${quoted(full)} is no text`);
      if (inner) found.push({ path: full, image: inner, name: nameOf(spec, way) });
      else if (isPod) throw unreadable(`${quoted(full)} is empty`);
      return false;
    }
    if (NO_IMAGE.test(path)) return false;
    if (member === 'managedFields') throw unreadable(`${quoted(full)}: "managedFields" is no field of a pod spec`);
    if (typeof inner === 'string') throw unreadable(`${quoted(full)} is an image field that is not known`);
    return true;
  };
  walk(spec, 0);
}

/** Of the container or volume, which stands in a list of the pod spec. */
function nameOf(spec: JsonObject, [list = '', i = 0]: Way): string {
  return stringOf(memberOf((spec[list] as JsonValue[] | undefined)?.[Number(i)], 'name')) ?? '';
}

/** The way to a value within a pod spec. Most values are no images, so it is put into words only for those that may be. */
type Way = (string | number)[];

function pathOf(way: Way): string {
  return way.reduce<string>((path, key) => (typeof key === 'number' ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`), '');
}

const isObject = (value: JsonValue | undefined): value is JsonObject => value !== null && typeof value === 'object' && !Array.isArray(value);

function unreadable(why: string): SealwardError {
  return new SealwardError('ERR_IMAGES_UNREADABLE', why);
}
