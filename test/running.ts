/** Pods that run, and answers about them, for tests of whoever looks at a cluster. */
import type { ClusterObject } from '../src/clients/kubernetes/index.ts';
import type { JsonObject } from '../src/core/encoding/index.ts';
import type { DecisionCode, Outcome, PolicyJudgement } from '../src/core/verify/index.ts';
import type { JudgedName } from '../src/sdk/agent/index.ts';

export function podObject(
  name: string,
  images: readonly string[],
  more: { readonly namespace?: string; readonly owner?: string; readonly phase?: string; readonly createdAt?: string } = {},
): ClusterObject {
  const { namespace = 'shop', owner, phase = 'Running', createdAt = '2026-01-01T00:00:00Z' } = more;
  const json: JsonObject = {
    metadata: {
      name,
      namespace,
      uid: `uid-${name}`,
      creationTimestamp: createdAt,
      ...(owner === undefined ? {} : { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: `uid-${owner}`, controller: true }] }),
    },
    spec: { nodeName: 'node-1', containers: images.map((image, i) => ({ name: `c${i}`, image })) },
    status: { phase },
  };
  return { namespace, name, uid: `uid-${name}`, resourceVersion: '1', labels: new Map(), json, whole: true };
}

/** @param until when it may change by time alone. */
export function answerOf(name: string, outcome: Outcome, code: DecisionCode, until = Number.POSITIVE_INFINITY, policy = 'signed'): JudgedName {
  const action = outcome === 'verified' ? 'allow' : 'deny';
  const judgement: PolicyJudgement = { policy, digest: 'd', source: 's', mode: 'enforce', outcome, action, code, requirements: [] };
  const message = `${name} is ${outcome}`;
  const decision = {
    action,
    outcome,
    code,
    until,
    exceptions: [],
    byDefault: false,
    isSettled: false,
    message,
    hint: 'do something',
    policies: [judgement],
  } as const;
  const digest = name.split('@')[1];
  return { name, ...(digest === undefined ? {} : { digest }), outcome, code, action, message, hint: 'do something', warnings: [], decision, from: 'memory' };
}
