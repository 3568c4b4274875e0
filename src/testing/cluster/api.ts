/** The verbs over the store: what the API server does with a request once it knows who asks for what. */
import { randomBytes, randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { JsonObject, JsonValue } from '../../core/encoding/index.ts';
import type { Admission, AdmissionRequest } from './admission-request.ts';
import { validate, withDefaults } from './defaults.ts';
import { servedKinds } from './discovery.ts';
import { blockedBy } from './eviction.ts';
import { apiVersion, kindKey, type ServedKind, subresources } from './kinds.ts';
import { isObject, listAt, numberAt, objectAt, textAt, valueAt, withMetadata } from './members.ts';
import { agreeOn, applyPatch, differingFields, disowned, jsonPatch, mergePatch, strategicMergePatch, withoutNames } from './patches.ts';
import { checkQuery } from './query.ts';
import { labelsOf, parseFieldSelector, parseLabelSelector } from './selectors.ts';
import {
  ApiFailure,
  alreadyExists,
  applyConflict,
  badOptions,
  badRequest,
  continueTooOld,
  forbidden,
  invalid,
  modified,
  notAllowed,
  notFound,
  notServed,
  otherUid,
  versionTooLarge,
} from './statuses.ts';
import type { ClusterStore } from './store.ts';
import { type ClusterUser, mayAccess } from './users.ts';

export interface ApiRequest {
  readonly method: string;
  readonly user: ClusterUser;
  readonly kind: ServedKind;
  /** The version that was asked in. */
  readonly version: string;
  /** Empty for all of them, and for what belongs to none. */
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
  readonly query: URLSearchParams;
  readonly body: JsonValue | undefined;
  readonly contentType: string;
  /** What webhooks warn of; for the Warning headers. */
  readonly warnings: string[];
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: JsonObject;
}

const ATTEMPTS = 5;
const GRACEFUL: ReadonlySet<string> = new Set(['pods', 'namespaces']);
const LEASES = 'leases.coordination.k8s.io';
const APPLY = 'application/apply-patch+yaml';
const VERBS: Readonly<Record<string, string>> = { POST: 'create', PUT: 'update', PATCH: 'patch' };

export class ClusterApi {
  readonly store: ClusterStore;
  readonly #admission: Admission;
  /** What each manager applied last, by object and manager. */
  readonly #applied = new Map<string, JsonObject>();

  constructor(store: ClusterStore, admission: Admission) {
    this.store = store;
    this.#admission = admission;
  }

  get kinds(): ServedKind[] {
    return servedKinds(this.store.list({ group: 'apiextensions.k8s.io', plural: 'customresourcedefinitions' }));
  }

  kindOf(key: string): ServedKind {
    const found = this.kinds.find((kind) => kindKey(kind) === key);
    if (!found) throw notServed();
    return found;
  }

  /** Throws ApiFailure. A watch is not answered here. */
  async answer(request: ApiRequest): Promise<ApiAnswer> {
    this.authorize(request);
    const { method, name, subresource } = request;
    checkQuery(request);
    if (subresource !== '' && !subresources(request.kind).some(([each]) => each === subresource)) throw notServed();
    if (method === 'GET') return { status: 200, body: name === '' ? this.#list(request) : this.#get(request) };
    if (method === 'POST' && subresource === 'eviction') return { status: 201, body: await this.#evict(request) };
    if (method === 'POST' && name === '') return { status: 201, body: await this.#create(request, bodyOf(request)) };
    if (method === 'PUT' && name !== '') return this.#put(request);
    if (method === 'PATCH' && name !== '') return this.#patch(request);
    if (method === 'DELETE' && subresource === '') return { status: 200, body: name === '' ? await this.#deleteAll(request) : await this.#delete(request) };
    throw notAllowed();
  }

  authorize(request: ApiRequest, verb = verbOf(request)): void {
    const { user, kind, subresource, namespace, name } = request;
    if (mayAccess(user, { verb, group: kind.group, plural: kind.plural, subresource, namespace, name })) return;
    throw forbidden(user.name, verb, kind, subresource, namespace, name);
  }

  #current({ kind, namespace, name }: ApiRequest): JsonObject {
    const found = this.store.get(kind, namespace, name);
    if (!found) throw notFound(kind, name);
    return found;
  }

  #get(request: ApiRequest): JsonObject {
    const object = present(request, this.#current(request));
    if (request.subresource === 'scale') return scaleOf(object);
    if (request.subresource === 'eviction') throw notAllowed();
    return object;
  }

  #list(request: ApiRequest): JsonObject {
    const { kind, namespace, query } = request;
    const [limit, token] = [Number(query.get('limit') ?? 0), query.get('continue') ?? ''];
    const selected = selection(query);
    const least = Number(query.get('resourceVersion') ?? 0);
    if (least > this.store.revision) throw versionTooLarge(least, this.store.revision);
    const part =
      token === ''
        ? this.store.page(this.store.list(kind, namespace === '' ? undefined : namespace).filter(selected), this.store.revision, limit)
        : this.store.nextPage(token, limit);
    if (!part) throw token.length < 36 ? badRequest('invalid continue token: continue key is not valid') : continueTooOld();
    const items = part.page.map((object) => itemOf(request, object));
    const more = part.token === '' ? {} : { continue: part.token, remainingItemCount: part.left };
    return {
      kind: `${kind.kind}List`,
      apiVersion: apiVersion(kind.group, request.version),
      metadata: { resourceVersion: String(part.revision), ...more },
      items,
    };
  }

  async #create(request: ApiRequest, body: JsonObject): Promise<JsonObject> {
    const { kind, namespace, version } = request;
    checkBody(request, body);
    if (textAt(body, 'metadata', 'resourceVersion') !== '') throw new ApiFailure(500, '', 'resourceVersion should not be set on objects to be created');
    if (kind.namespaced && !this.store.get(this.kindOf('namespaces'), '', namespace)) throw notFound(this.kindOf('namespaces'), namespace);
    const { status: _, ...rest } = body;
    const clean = kind.status === true && kind.custom !== true ? rest : body;
    const placed = withMetadata(clean, { namespace: kind.namespaced ? namespace : undefined, uid: undefined, creationTimestamp: undefined });
    const filled = this.#withAccount(kind, withDefaults(kind, placed));
    const asked = this.#admitted(request, { operation: 'CREATE', object: present(request, filled), name: textAt(body, 'metadata', 'name') });
    const mutated = await this.#admission.mutate(asked);
    const named = textAt(mutated, 'metadata', 'name') || generated(textAt(mutated, 'metadata', 'generateName'));
    const [uid, creationTimestamp] = [randomUUID(), moment()];
    const born = {
      name: named,
      namespace: kind.namespaced ? namespace : undefined,
      uid,
      creationTimestamp,
      ...(isObject(mutated['spec']) && kindKey(kind) !== LEASES ? { generation: 1 } : {}),
    };
    const object = withMetadata({ ...mutated, apiVersion: apiVersion(kind.group, version), kind: kind.kind }, born);
    validate(kind, object);
    await this.#admission.validate({ ...asked, object });
    if (this.store.get(kind, namespace, named)) throw alreadyExists(kind, named);
    const stored = isDryRun(request) ? object : this.store.put(kind, labelled(kind, stored_(kind, object)));
    if (!isDryRun(request)) this.#settle(kind, stored);
    return present(request, stored);
  }

  /** What controllers do at once: a new namespace has an account, and a new kind is established. */
  #settle(kind: ServedKind, stored: JsonObject): void {
    if (kindKey(kind) === 'namespaces') {
      const metadata = { name: 'default', namespace: textAt(stored, 'metadata', 'name'), uid: randomUUID(), creationTimestamp: moment() };
      this.store.put(this.kindOf('serviceaccounts'), { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
    }
    if (kind.plural === 'customresourcedefinitions') {
      const conditions = ['NamesAccepted', 'Established'].map((type) => ({
        type,
        status: 'True',
        reason: 'NoConflicts',
        message: '',
        lastTransitionTime: moment(),
      }));
      this.store.put(kind, { ...stored, status: { conditions, acceptedNames: objectAt(stored, 'spec', 'names'), storedVersions: [] } });
    }
  }

  /** The ServiceAccount admission plugin: a Pod without pull secrets gets those of its account. */
  #withAccount(kind: ServedKind, object: JsonObject): JsonObject {
    if (kindKey(kind) !== 'pods' || listAt(object, 'spec', 'imagePullSecrets').length > 0) return object;
    const [namespace, name] = [textAt(object, 'metadata', 'namespace'), textAt(object, 'spec', 'serviceAccountName')];
    const account = this.store.get(this.kindOf('serviceaccounts'), namespace, name);
    if (!account) {
      const pod = textAt(object, 'metadata', 'name');
      throw new ApiFailure(
        403,
        'Forbidden',
        `pods "${pod}" is forbidden: error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`,
        {},
      );
    }
    const secrets = listAt(account, 'imagePullSecrets');
    return secrets.length === 0 ? object : { ...object, spec: { ...objectAt(object, 'spec'), imagePullSecrets: secrets } };
  }

  async #put(request: ApiRequest): Promise<ApiAnswer> {
    const { kind, namespace, name } = request;
    const body = bodyOf(request);
    // Strategies differ from kind to kind: what elections go by is made where it is missing, and never written over unseen.
    if (kindKey(kind) === LEASES) {
      if (!this.store.get(kind, namespace, name)) return { status: 201, body: await this.#create({ ...request, name: '' }, body) };
      if (textAt(body, 'metadata', 'resourceVersion') === '')
        throw invalid({ group: kind.group, kind: kind.plural }, name, 'metadata.resourceVersion', 'Invalid value: 0: must be specified for an update');
    }
    return { status: 200, body: await this.#change(request, () => body) };
  }

  async #patch(request: ApiRequest): Promise<ApiAnswer> {
    const { contentType, kind, namespace, name, query } = request;
    const patch = request.body ?? null;
    if (contentType !== APPLY && query.has('force')) throw badOptions('PatchOptions', 'force', 'Forbidden: may not be specified for non-apply patch');
    if (contentType === 'application/merge-patch+json' && Array.isArray(patch))
      throw badRequest('error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}');
    if (contentType === 'application/merge-patch+json') return { status: 200, body: await this.#change(request, (now) => objectAt(mergePatch(now, patch))) };
    if (contentType === 'application/json-patch+json') return { status: 200, body: await this.#change(request, (now) => objectAt(jsonPatch(now, patch))) };
    if (contentType === 'application/strategic-merge-patch+json' && kind.custom !== true) {
      return { status: 200, body: await this.#change(request, (now) => objectAt(strategicMergePatch(now, patch))) };
    }
    if (contentType !== APPLY) throw new ApiFailure(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
    const manager = query.get('fieldManager') ?? '';
    if (manager === '') throw badOptions('PatchOptions', 'fieldManager', 'Required value: is required for apply patch');
    const applied = bodyOf(request);
    if (valueAt(applied, 'metadata', 'managedFields') !== undefined) throw badRequest('metadata.managedFields must be nil');
    const object = [kindKey(kind), namespace, name, ''].join(' ');
    const key = `${object}${request.subresource} ${manager}`;
    const others = [...this.#applied].filter(([each]) => each.startsWith(object) && each !== key);
    const held = this.store.get(kind, namespace, name);
    const exists = held !== undefined;
    const create = (): Promise<JsonObject> => this.#create({ ...request, name: '' }, withMetadata(applied, { name }));
    const own = withoutNames(applied);
    if (textAt(applied, 'kind') === '') throw badRequest('invalid object type: /, Kind=');
    if (held && query.get('force') !== 'true') {
      const conflicts = others.flatMap(([by, each]) => differingFields(own, each).map((field): [string, string] => [field, by.slice(by.lastIndexOf(' ') + 1)]));
      // Whoever wrote what this manager did not apply himself, without saying his name.
      const before = this.#applied.get(key) ?? {};
      const foreign = differingFields(own, held).filter((field) => !conflicts.some(([each]) => each === field) && !agreeOn(field, before, held));
      for (const field of foreign) conflicts.push([field, 'unknown']);
      if (conflicts.length > 0) throw applyConflict(conflicts.sort(([a], [c]) => (a < c ? -1 : 1)));
    }
    const theirs = others.map(([, each]) => each);
    const body = exists ? await this.#change(request, (now) => objectAt(applyPatch(now, applied, this.#applied.get(key), theirs))) : await create();
    if (isDryRun(request)) return { status: exists ? 200 : 201, body };
    // What one manager takes over by force is the other's no more.
    for (const [by, each] of others) this.#applied.set(by, objectAt(disowned(each, own)));
    this.#applied.set(key, own);
    return { status: exists ? 200 : 201, body };
  }

  /** Changes one object: a try is made again when somebody else was faster, unless the request says which version it means. */
  async #change(request: ApiRequest, make: (now: JsonObject) => JsonObject): Promise<JsonObject> {
    const { kind, name } = request;
    for (let attempt = 1; ; attempt++) {
      const held = this.#current(request);
      const now = present(request, held);
      const isScale = request.subresource === 'scale';
      const oldObject = isScale ? scaleOf(now) : now;
      const proposed = make(structuredClone(oldObject));
      checkBody(request, proposed);
      const [version, uid] = [textAt(proposed, 'metadata', 'resourceVersion'), textAt(proposed, 'metadata', 'uid')];
      if (version !== '' && version !== textAt(now, 'metadata', 'resourceVersion')) throw modified(kind, name);
      if (uid !== '' && uid !== textAt(now, 'metadata', 'uid')) throw invalid(kind, name, 'metadata.uid', `Invalid value: "${uid}": field is immutable`);
      const object = isScale ? proposed : withDefaults(kind, carryOver(request, now, proposed));
      const asked = this.#admitted(request, { operation: 'UPDATE', object, oldObject, name });
      const mutated = await this.#admission.mutate(asked);
      const changed = isScale ? rescaled(now, mutated) : carryOver(request, now, mutated);
      validate(kind, changed, now, request.subresource);
      await this.#admission.validate({ ...asked, object: isScale ? scaleOf(changed) : changed });
      const answer = (object_: JsonObject): JsonObject => (isScale ? scaleOf(present(request, object_)) : present(request, object_));
      if (isDryRun(request)) return answer(changed);
      // Somebody changed it while webhooks were asked.
      if (this.store.get(kind, request.namespace, name) !== held) {
        if (attempt >= ATTEMPTS || request.method === 'PUT') throw modified(kind, name);
        continue;
      }
      const next = labelled(kind, stored_(kind, changed));
      if (isDeepStrictEqual(next, held)) return answer(held);
      // The last finalizer is gone, and with it the object.
      if (textAt(next, 'metadata', 'deletionTimestamp') !== '' && listAt(next, 'metadata', 'finalizers').length === 0) {
        return answer(this.store.remove(kind, request.namespace, name) ?? next);
      }
      return answer(this.store.put(kind, next));
    }
  }

  async #delete(request: ApiRequest): Promise<JsonObject> {
    const { kind, namespace, name } = request;
    const held = this.#current(request);
    const wanted = textAt(request.body, 'preconditions', 'uid');
    if (wanted !== '' && wanted !== textAt(held, 'metadata', 'uid')) throw otherUid(kind, name, wanted, textAt(held, 'metadata', 'uid'));
    const asked = this.#admitted(request, { operation: 'DELETE', oldObject: present(request, held), name });
    await this.#admission.mutate(asked);
    await this.#admission.validate(asked);
    if (!isDryRun(request)) this.remove(kind, namespace, name);
    // What is taken away in more than one step is shown as it goes.
    if (GRACEFUL.has(kindKey(kind))) return withMetadata(present(request, held), { deletionTimestamp: moment(), deletionGracePeriodSeconds: 0 });
    const details = { name, ...(kind.group === '' ? {} : { group: kind.group }), kind: kind.plural, uid: textAt(held, 'metadata', 'uid') };
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
  }

  async #deleteAll(request: ApiRequest): Promise<JsonObject> {
    const { kind, namespace, query } = request;
    const objects = this.store.list(kind, namespace === '' ? undefined : namespace).filter(selection(query));
    for (const object of objects)
      await this.#delete({ ...request, namespace: textAt(object, 'metadata', 'namespace'), name: textAt(object, 'metadata', 'name') });
    return {
      kind: `${kind.kind}List`,
      apiVersion: apiVersion(kind.group, request.version),
      metadata: {},
      items: objects.map((object) => itemOf(request, object)),
    };
  }

  /** Takes an object away, or marks it where finalizers hold it. A namespace takes its contents along. */
  remove(kind: ServedKind, namespace: string, name: string): void {
    const held = this.store.get(kind, namespace, name);
    if (!held) return;
    if (listAt(held, 'metadata', 'finalizers').length > 0) {
      if (textAt(held, 'metadata', 'deletionTimestamp') === '')
        this.store.put(kind, withMetadata(held, { deletionTimestamp: moment(), deletionGracePeriodSeconds: 0 }));
      return;
    }
    if (kindKey(kind) === 'namespaces') {
      for (const inner of this.kinds.filter(({ namespaced }) => namespaced)) {
        for (const object of this.store.list(inner, name)) this.remove(inner, name, textAt(object, 'metadata', 'name'));
      }
    }
    this.store.remove(kind, namespace, name);
  }

  async #evict(request: ApiRequest): Promise<JsonObject> {
    const { kind, namespace, name } = request;
    if (textAt(bodyOf(request), 'metadata', 'name') !== name) throw badRequest('name in URL does not match name in Eviction object');
    const pod = this.#current(request);
    const asked = this.#admitted(request, { operation: 'CREATE', object: bodyOf(request), name });
    await this.#admission.mutate(asked);
    await this.#admission.validate(asked);
    const [wanted, held] = [textAt(request.body, 'deleteOptions', 'preconditions', 'uid'), textAt(pod, 'metadata', 'uid')];
    if (wanted !== '' && wanted !== held) throw otherUid(kind, name, wanted, held);
    const blocked = blockedBy(pod, this.store.list(kind, namespace), this.store.list(this.kindOf('poddisruptionbudgets.policy'), namespace));
    if (blocked) throw blocked;
    if (!isDryRun(request)) this.remove(kind, namespace, name);
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
  }

  #admitted(request: ApiRequest, what: Pick<AdmissionRequest, 'operation' | 'object' | 'oldObject' | 'name'>): AdmissionRequest {
    const { kind, version, subresource, namespace, user, warnings, query } = request;
    const [, subKind = kind.kind, subGroup = kind.group, subVersion = version] =
      subresource === 'scale' || subresource === 'eviction' ? (subresources(kind).find(([each]) => each === subresource) ?? []) : [];
    const options = {
      kind: `${what.operation[0]}${what.operation.slice(1).toLowerCase()}Options`,
      apiVersion: 'meta.k8s.io/v1',
      ...(query.get('fieldManager') ? { fieldManager: query.get('fieldManager') } : {}),
    };
    // The namespace of a Namespace is its own, for selectors and for reviews.
    const inside = kindKey(kind) === 'namespaces' ? what.name : namespace;
    return {
      ...what,
      kind,
      version,
      subresource,
      objectKind: { group: subGroup, version: subVersion, kind: subKind },
      namespace: inside,
      user,
      dryRun: isDryRun(request),
      warnings,
      options,
    };
  }
}

export function selection(query: URLSearchParams): (object: JsonObject) => boolean {
  const [byLabel, byField] = [parseLabelSelector(query.get('labelSelector') ?? ''), parseFieldSelector(query.get('fieldSelector') ?? '')];
  return (object) => byLabel(labelsOf(object)) && byField(object);
}

function verbOf({ method, name, query }: ApiRequest): string {
  if (method === 'GET') return query.get('watch') === 'true' || query.get('watch') === '1' ? 'watch' : name === '' ? 'list' : 'get';
  if (method === 'DELETE') return name === '' ? 'deletecollection' : 'delete';
  return VERBS[method] ?? method.toLowerCase();
}

const isDryRun = ({ query }: ApiRequest): boolean => query.get('dryRun') === 'All';
const moment = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z');

function generated(prefix: string): string {
  const letters = 'bcdfghjklmnpqrstvwxz2456789';
  return prefix === '' ? '' : `${prefix}${Array.from(randomBytes(5), (byte) => letters[byte % letters.length]).join('')}`;
}

/** In the version that was asked in. All versions of a kind have one shape here. */
export const present = ({ kind, version }: Pick<ApiRequest, 'kind' | 'version'>, object: JsonObject): JsonObject => ({
  ...object,
  apiVersion: apiVersion(kind.group, version),
  kind: kind.kind,
});

/** As the real one does: only lists of custom kinds say for each what it is. */
function itemOf(request: ApiRequest, object: JsonObject): JsonObject {
  const { apiVersion: itemVersion, kind: itemKind, ...rest } = present(request, object);
  return request.kind.custom === true ? { apiVersion: itemVersion as JsonValue, kind: itemKind as JsonValue, ...rest } : rest;
}

const stored_ = (kind: ServedKind, object: JsonObject): JsonObject => present({ kind, version: kind.versions[0] ?? '' }, object);

function labelled(kind: ServedKind, object: JsonObject): JsonObject {
  if (kindKey(kind) !== 'namespaces') return object;
  return withMetadata(object, { labels: { ...labelsOf(object), 'kubernetes.io/metadata.name': textAt(object, 'metadata', 'name') } });
}

function bodyOf({ body }: ApiRequest): JsonObject {
  if (!isObject(body)) throw badRequest('the object provided is unrecognized (must be of type Object)');
  return body;
}

function checkBody(request: ApiRequest, body: JsonObject): void {
  const { kind, version, namespace, name, subresource } = request;
  if (subresource === 'scale') return;
  // Where neither is said, what the path says is meant; not of custom kinds, nor in what is applied.
  const [wantedVersion, wantedKind] = [apiVersion(kind.group, version), kind.kind];
  const silent = kind.custom !== true && request.contentType !== APPLY && !('apiVersion' in body) && !('kind' in body);
  const [said, saidKind] = silent ? [wantedVersion, wantedKind] : [textAt(body, 'apiVersion'), textAt(body, 'kind')];
  if (said !== wantedVersion) throw badRequest(`the API version in the data (${said}) does not match the expected API version (${wantedVersion})`);
  if (saidKind !== kind.kind) throw badRequest(`${saidKind} in version "${version}" cannot be handled as a ${kind.kind}`);
  const inside = textAt(body, 'metadata', 'namespace');
  if (kind.namespaced && inside !== '' && inside !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  const named = textAt(body, 'metadata', 'name');
  if (name !== '' && named !== name) throw badRequest(`the name of the object (${named}) does not match the name on the URL (${name})`);
}

/** What a request of this kind cannot change stays as it is. */
function carryOver({ kind, subresource }: ApiRequest, now: JsonObject, proposed: JsonObject): JsonObject {
  if (subresource === 'status') return { ...now, status: valueAt(proposed, 'status') ?? {} };
  if (subresource === 'ephemeralcontainers') {
    const ephemeralContainers = listAt(proposed, 'spec', 'ephemeralContainers');
    const changed = { ...objectAt(now, 'spec'), ephemeralContainers };
    return withDefaults(kind, { ...now, spec: changed });
  }
  const kept = Object.fromEntries(
    ['name', 'namespace', 'uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'resourceVersion', 'generation', 'generateName'].map(
      (member) => [member, valueAt(now, 'metadata', member)],
    ),
  );
  let object = withMetadata(proposed, kept);
  if (kind.status === true) {
    const { status: _, ...rest } = object;
    const status = valueAt(now, 'status');
    object = status === undefined ? rest : { ...rest, status };
  }
  if (isDeepStrictEqual(object['spec'], now['spec']) || kindKey(kind) === LEASES) return object;
  return withMetadata(object, { generation: (numberAt(now, 'metadata', 'generation') ?? 0) + 1 });
}

function scaleOf(object: JsonObject): JsonObject {
  const { name = '', namespace = '', uid = '', resourceVersion = '', creationTimestamp = '' } = objectAt(object, 'metadata');
  const labels = objectAt(object, 'spec', 'selector', 'matchLabels');
  const selector = Object.entries(labels)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : ''}`)
    .join(',');
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: numberAt(object, 'spec', 'replicas') ?? 0 },
    status: { replicas: numberAt(object, 'status', 'replicas') ?? 0, selector },
  };
}

function rescaled(object: JsonObject, scale: JsonObject): JsonObject {
  const replicas = numberAt(scale, 'spec', 'replicas');
  if (replicas !== undefined && replicas < 0) {
    const name = textAt(object, 'metadata', 'name');
    throw invalid({ group: 'autoscaling', kind: 'Scale' }, name, 'spec.replicas', `Invalid value: ${replicas}: must be greater than or equal to 0`);
  }
  if (replicas === undefined || replicas === numberAt(object, 'spec', 'replicas')) return object;
  return withMetadata({ ...object, spec: { ...objectAt(object, 'spec'), replicas } }, { generation: (numberAt(object, 'metadata', 'generation') ?? 0) + 1 });
}
