/** A Pod as the controller keeps it: who owns it, what it runs, and nothing of the rest. */
import type { ClusterObject } from '../../clients/kubernetes/index.ts';
import { type JsonObject, type JsonValue, memberOf, stringOf } from '../../core/encoding/index.ts';
import { type RunningImage, runningImages } from '../../sdk/index.ts';

/** The label by which a Pod is marked whose image must not run. */
export const VERDICT = 'sealward.dev/verdict';

export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

export interface RunningPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly node: string;
  /** The controller above it; the Pod itself when it has none. */
  readonly owner: ObjectReference;
  /** Whether containers of it may still run. */
  readonly runs: boolean;
  /** When the API server admitted it, to the second; milliseconds since 1970, NaN where it does not say. */
  readonly createdAt: number;
  /** Whether it was told to go. */
  readonly ending: boolean;
  /** What a label of ours says about it. */
  readonly verdict?: string;
  readonly images: readonly RunningImage[];
}

export function readRunningPod(object: ClusterObject): RunningPod {
  const { namespace, name, uid, json, labels } = object;
  const verdict = labels.get(VERDICT);
  const phase = stringOf(memberOf(json['status'], 'phase'));
  return {
    namespace,
    name,
    uid,
    node: stringOf(memberOf(json['spec'], 'nodeName')) ?? '',
    owner: controllerOf(json) ?? { apiVersion: 'v1', kind: 'Pod', name, uid },
    runs: phase !== 'Succeeded' && phase !== 'Failed',
    createdAt: Date.parse(stringOf(memberOf(json['metadata'], 'creationTimestamp')) ?? ''),
    ending: memberOf(json['metadata'], 'deletionTimestamp') !== undefined,
    ...(verdict === undefined ? {} : { verdict }),
    images: runningImages(json),
  };
}

/** What makes an object anew when it goes, if anything does. */
export function controllerOf(object: JsonObject): ObjectReference | undefined {
  const owners = memberOf(object['metadata'], 'ownerReferences');
  return readReference(Array.isArray(owners) ? owners.find((one) => memberOf(one, 'controller') === true) : undefined);
}

function readReference(value: JsonValue | undefined): ObjectReference | undefined {
  const [apiVersion, kind, name, uid] = ['apiVersion', 'kind', 'name', 'uid'].map((member) => stringOf(memberOf(value, member)));
  return apiVersion !== undefined && kind !== undefined && name !== undefined && uid !== undefined ? { apiVersion, kind, name, uid } : undefined;
}
