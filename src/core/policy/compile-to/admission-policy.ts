/**
 * A ValidatingAdmissionPolicy that demands digests, in every place where a pod names an image. It runs within the API server,
 * so it holds also while the webhook is down or its configuration is gone: what is named by digest cannot become
 * something else between the judgement and the pull.
 */
import { stringify } from 'yaml';
import type { JsonObject } from '../../encoding/index.ts';
import type { CompiledTo } from './compiled-to.ts';

const NAME = 'sealward-images-by-digest';
const DIGEST = '@sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})$';

/** `place image` of each container of one kind, where there are some; the image of a container may be missing. */
const containers = (spec: string, kind: string): string => `(has(${spec}.${kind}) ? ${spec}.${kind}.map(c, c.name + " " + (has(c.image) ? c.image : "")) : [])`;

/** Every image that a pod names, with where: containers of the three kinds, whose names are distinct, and volumes that are images. */
function imagesOf(spec: string): string {
  const volumes = `(has(${spec}.volumes) ? ${spec}.volumes.filter(v, has(v.image)).map(v, "volume/" + v.name + " " + (has(v.image.reference) ? v.image.reference : "")) : [])`;
  return [...['containers', 'initContainers', 'ephemeralContainers'].map((kind) => containers(spec, kind)), volumes].join(' + ');
}

const UNPINNED = `variables.images.filter(i, !i.matches("${DIGEST}") && !(i in variables.before))`;

/** @param exempt names of namespaces. @param enforce deny, or only warn and record. */
export function compileAdmissionPolicy(exempt: readonly string[], enforce: boolean): CompiledTo {
  const policy: JsonObject = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: NAME },
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: {
        matchPolicy: 'Equivalent',
        ...(exempt.length === 0
          ? {}
          : { namespaceSelector: { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: [...exempt] }] } }),
        resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['pods', 'pods/ephemeralcontainers'] }],
      },
      variables: [
        { name: 'images', expression: imagesOf('object.spec') },
        // What a pod named there before may stay: a change of its labels must not fail, and another place that names it is new.
        { name: 'before', expression: `oldObject == null ? [] : ${imagesOf('oldObject.spec')}` },
        { name: 'unpinned', expression: UNPINNED },
      ],
      validations: [
        {
          expression: 'variables.unpinned.size() == 0',
          message: 'Images must be named by digest, as in NAME@sha256:DIGEST.',
          messageExpression: '"Images must be named by digest, as in NAME@sha256:DIGEST, and these are not: " + variables.unpinned.join(", ")',
          reason: 'Forbidden',
        },
      ],
    },
  };
  const binding: JsonObject = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name: NAME },
    spec: { policyName: NAME, validationActions: enforce ? ['Deny'] : ['Warn', 'Audit'] },
  };
  // kubectl reads YAML 1.1.
  return {
    files: [{ name: `${NAME}.yaml`, text: [policy, binding].map((one) => stringify(one, { lineWidth: 0, version: '1.1' })).join('---\n') }],
    report: [],
  };
}
