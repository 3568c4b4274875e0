/** A Pod as the controller keeps it: who owns it, what it runs, and nothing of the rest. */
import type { ClusterObject } from '../../clients/kubernetes/index.ts';
import { type JsonValue, memberOf, stringOf } from '../../core/encoding/index.ts';
import { type RunningImage, runningImages } from '../../sdk/index.ts';

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
  readonly images: readonly RunningImage[];
}

export function readRunningPod(object: ClusterObject): RunningPod {
  const { namespace, name, uid, json } = object;
  const phase = stringOf(memberOf(json['status'], 'phase'));
  const owners = memberOf(json['metadata'], 'ownerReferences');
  const owner = Array.isArray(owners) ? owners.find((one) => memberOf(one, 'controller') === true) : undefined;
  return {
    namespace,
    name,
    uid,
    node: stringOf(memberOf(json['spec'], 'nodeName')) ?? '',
    owner: readReference(owner) ?? { apiVersion: 'v1', kind: 'Pod', name, uid },
    runs: phase !== 'Succeeded' && phase !== 'Failed',
    images: runningImages(json),
  };
}

function readReference(value: JsonValue | undefined): ObjectReference | undefined {
  const [apiVersion, kind, name, uid] = ['apiVersion', 'kind', 'name', 'uid'].map((member) => stringOf(memberOf(value, member)));
  return apiVersion !== undefined && kind !== undefined && name !== undefined && uid !== undefined ? { apiVersion, kind, name, uid } : undefined;
}
