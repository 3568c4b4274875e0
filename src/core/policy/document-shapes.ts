/** The documents that people write, as shapes; docs/reference/policy.md and the JSON Schema are made from them. */
import type { Node } from 'yaml';
import { LIMITS } from '../encoding/index.ts';
import { authorityName, authorityShape, name } from './authority-shape.ts';
import { LABEL_KEY, LABEL_VALUE } from './labels.ts';
import type { Severity, SlsaLevel } from './policy.ts';
import {
  anything,
  at,
  boolean,
  choice,
  duration,
  images,
  integer,
  lazily,
  list,
  mapOf,
  moment,
  object,
  optional,
  presence,
  required,
  type Shape,
  string,
  textOr,
  textPattern,
} from './shape.ts';

export const API_VERSION = 'sealward.dev/v1alpha1';
export const KINDS = ['ImagePolicy', 'Authorities', 'DefaultRule', 'ImageException'] as const;
export type Kind = (typeof KINDS)[number];

/** What no name of a namespace, and no tag, ever holds. */
const NO_NAMESPACE = /[^a-z0-9-]/;
const NO_TAG = /[^\w.-]/;

const labelSelector = object(
  {
    matchLabels: optional(
      mapOf(string('The value of the label.', { longest: 63, pattern: LABEL_VALUE }), 'Labels that the namespace must have, each with this value.'),
    ),
    matchExpressions: optional(
      list(
        at(
          object(
            {
              key: required(string('The name of the label.', { longest: 317, pattern: LABEL_KEY })),
              operator: required(choice(['In', 'NotIn', 'Exists', 'DoesNotExist'], 'As in Kubernetes.')),
              values: optional(list(string('A value.', { longest: 63, pattern: LABEL_VALUE }))),
            },
            'One term of the selector.',
          ),
        ),
      ),
    ),
  },
  'A selector over the labels of the namespace, as Kubernetes writes them.',
);

const match = object(
  {
    images: optional(images('Images that this is about; when left out, all. `*` is anything but a slash, `**` anything.')),
    exclude: optional(images('Images that it is not about although they match.')),
    namespaces: optional(list(textPattern('The name of a namespace.', NO_NAMESPACE), { description: 'Namespaces in which it holds; when left out, in all.' })),
    namespaceLabels: optional(at(labelSelector)),
    clusters: optional(list(textPattern('The name of a cluster.'), { description: 'Clusters in which it holds; when left out, in all.' })),
    environments: optional(list(textPattern('The name of an environment.'), { description: 'Environments in which it holds; when left out, in all.' })),
  },
  'Which images in which places.',
);

/** The tree of signatures as it is written; `at` keeps its place. */
export interface WrittenCombination {
  readonly kind: 'authority' | 'allOf' | 'anyOf' | 'atLeast';
  readonly authority?: string;
  readonly count?: number;
  readonly of: readonly { readonly value: WrittenCombination; readonly node: Node }[];
}

const leaf: Shape<WrittenCombination> = {
  schema: authorityName.schema,
  read: (node, reading) => {
    const authority = authorityName.read(node, reading);
    return authority === undefined ? undefined : { kind: 'authority', authority, of: [] };
  },
};

const parts = list(at(lazily((): Shape<WrittenCombination> => combination, { $ref: '#/$defs/combination' })));

const group = object(
  {
    allOf: optional(parts),
    anyOf: optional(parts),
    atLeast: optional(integer(1, LIMITS.authoritiesPerPolicy, 'How many of `of` must have signed, each another principal.')),
    of: optional(parts),
    authority: optional(authorityName),
  },
  'Who must have signed: one of authority, allOf, anyOf, or atLeast with of.',
);

const combinationGroup: Shape<WrittenCombination> = {
  schema: group.schema,
  read: (node, reading) => {
    const read = group.read(node, reading);
    return read && combinationOf(read, (message) => reading.problem(node, message));
  },
};

export const combination: Shape<WrittenCombination> = textOr(leaf, combinationGroup);

function combinationOf(
  { allOf, anyOf, atLeast, of, authority }: NonNullable<ReturnType<(typeof group)['read']>>,
  refuse: (message: string) => void,
): WrittenCombination | undefined {
  const given = [allOf, anyOf, of, authority].filter((one) => one !== undefined);
  if (given.length !== 1 || (atLeast === undefined) !== (of === undefined)) {
    refuse('exactly one of authority, allOf, anyOf, or atLeast together with of must be given');
    return undefined;
  }
  if (authority !== undefined) return { kind: 'authority', authority, of: [] };
  if (allOf) return { kind: 'allOf', of: allOf };
  if (anyOf) return { kind: 'anyOf', of: anyOf };
  return { kind: 'atLeast', count: atLeast as number, of: of ?? [] };
}

const latest = object(
  { maxLag: required(duration('Places that were asked longer ago are asked again; when nobody answers, the requirement is inconclusive.')) },
  'For requirements that must not rest on old evidence.',
);

const builder = textOr(
  textPattern('The id of the builder.'),
  object(
    {
      id: required(textPattern('The id of the builder.')),
      level: required(integer(1, 3, 'The SLSA Build level that you vouch for.') as Shape<SlsaLevel>),
    },
    'A builder with its level.',
  ),
);

const slsa = object(
  {
    builders: optional(list(builder)),
    sourceRepository: optional(textPattern('The repository of the source, such as https://github.com/example/app.')),
    ref: optional(textPattern('The branch or tag, such as refs/heads/main.')),
    level: optional(integer(1, 3, 'The SLSA Build level that the builder must have.') as Shape<SlsaLevel>),
  },
  'SLSA provenance, v1 or v0.2.',
);

const licences = object(
  {
    allowed: optional(list(string('An SPDX licence id.', { longest: 128 }))),
    denied: optional(list(string('An SPDX licence id.', { longest: 128 }))),
    unknown: optional(choice(['allow', 'deny'], 'What of components whose licence nobody states; deny when left out.')),
  },
  'Licences of components.',
);

const sbom = object(
  {
    formats: optional(list(choice(['spdx', 'cyclonedx'], 'A format.'))),
    licences: optional(licences),
    components: optional(
      object(
        {
          required: optional(list(textPattern('A package URL, with or without its version, or a name.'))),
          denied: optional(list(textPattern('A package URL, with or without its version, or a name.'))),
        },
        'Components that must be listed, or must not.',
      ),
    ),
  },
  'An SBOM in SPDX or CycloneDX.',
);

const SEVERITIES = ['none', 'unknown', 'negligible', 'low', 'medium', 'high', 'critical'] as const satisfies readonly (Severity | 'none')[];

const vulnerabilities = object(
  {
    maximum: required(choice(SEVERITIES, 'The worst that may be found; `none` for nothing at all. One of unknown severity counts as critical.')),
    fixableOnly: optional(boolean('Whether only findings with a fix count.')),
    vex: optional(list(at(authorityName), { description: 'Whose OpenVEX statements excuse a finding.' })),
    ignored: optional(list(string('The name of a vulnerability.', { longest: 128 }))),
  },
  'A scan record of cosign, with a report of Trivy, Grype or in SARIF.',
);

export const attestationShape = object(
  {
    name: optional(at(name)),
    type: optional(at(string('The predicate type, as a URI or by its short name.', { longest: 512 }))),
    slsa: optional(at(slsa)),
    sbom: optional(at(sbom)),
    vulnerabilities: optional(at(vulnerabilities)),
    reproducible: optional(
      at(
        object(
          { builders: required(integer(2, LIMITS.authoritiesPerPolicy, 'How many distinct builders must have built the same digest.')) },
          'A reproducible build.',
        ),
      ),
    ),
    approvals: optional(
      at(
        object(
          {
            count: required(integer(1, LIMITS.authoritiesPerPolicy, 'How many distinct people must approve.')),
            environment: optional(string('The environment that the approval must be for.', { longest: 253 })),
          },
          'Approvals by people.',
        ),
      ),
    ),
    tests: optional(at(object({ required: optional(list(string('The name of a test.', { longest: 512 }))) }, 'Test results (in-toto test-result).'))),
    from: optional(list(at(authorityName), { description: 'Who must attest; the only authority of the policy when left out.' })),
    condition: optional(at(string('A CEL expression over statement, predicate, predicateType and subjects.', { longest: LIMITS.conditionLength }))),
    conditions: optional(list(at(string('A CEL expression.', { longest: LIMITS.conditionLength })))),
    atLeast: optional(at(integer(1, LIMITS.authoritiesPerPolicy, 'How many distinct principals must attest so; 1 when left out.'))),
    maxAge: optional(duration('How old it may be.')),
    latest: optional(latest),
  },
  'An attestation that must be there: exactly one of type, slsa, sbom, vulnerabilities, reproducible, approvals, tests.',
);

const dated = object(
  {
    logs: optional(integer(0, 16, 'Independent logs that must hold an entry.')),
    timestamps: optional(integer(0, 16, 'Independent timestamp authorities that must have dated it.')),
    any: optional(integer(0, 16, 'Independent parties of both kinds together.')),
  },
  'How a signature must be dated.',
);

const strictness = object(
  {
    algorithms: optional(list(at(string('The id of an algorithm, as docs/reference/policy.md lists them.', { longest: 64 })))),
    minimumKeySize: optional(
      object(
        { rsa: optional(integer(2048, 16_384, 'Bits of an RSA key.')), ecdsa: optional(integer(256, 521, 'Bits of the curve.')) },
        'The smallest keys that count.',
      ),
    ),
    hashes: optional(list(choice(['sha256', 'sha384', 'sha512'], 'A hash.'))),
    postQuantum: optional(choice(['off', 'prefer', 'require'], '`require`: a classical and a post-quantum signature of the same authority, both there.')),
    dated: optional(textOr(choice(['log', 'timestamp', 'either', 'both'], 'Who must have dated it.'), dated)),
    maxAge: optional(duration('How old a signature may be.')),
    minAge: optional(duration('How old a signature must be, so that somebody could have objected.')),
    repositoryClaim: optional(
      at(
        object(
          {
            rule: optional(
              choice(['unless-claimed', 'exact', 'prefix', 'any'], 'What the repository that a signature names must be; unless-claimed when left out.'),
            ),
            prefix: optional(string('Of `prefix`: what the claimed repository must start with, up to a slash or its end.', { longest: 512 })),
            mirrors: optional(
              list(
                object(
                  {
                    from: required(string('The repository, or what it starts with, that images are pulled from.', { longest: 512 })),
                    to: required(string('What signatures name instead.', { longest: 512 })),
                  },
                  'A mirror.',
                ),
              ),
            ),
            tag: optional(boolean('Whether a tag in the claim must be the tag that was asked for.')),
          },
          'The repository that the signer named.',
        ),
      ),
    ),
    annotations: optional(mapOf(textPattern('The value.'), 'Annotations that must stand in what was signed.')),
    suspended: optional(choice(['hold', 'warn'], 'What of signatures that a suspended key made before; hold when left out.')),
    compromised: optional(
      choice(['deny', 'accept-witnessed'], 'What of signatures that a compromised key made before, and that others dated; deny when left out.'),
    ),
  },
  'How strictly signatures and attestations are taken.',
);

const text = (what: string): Shape<string> => string(what, { longest: 2048 });

export const policySpec = object(
  {
    owner: optional(text('Who answers for the policy.')),
    contact: optional(text('Where to ask, shown with each denial.')),
    runbook: optional(text('The address of what to do, shown with each denial.')),
    message: optional(text('A message for people, shown with each denial.')),
    match: optional(at(match)),
    mode: optional(choice(['enforce', 'warn', 'audit'], 'What happens to an image that does not satisfy it; enforce when left out.')),
    modes: optional(mapOf(choice(['enforce', 'warn', 'audit'], 'The mode there.'), 'Another mode for an environment, by its name.')),
    onInconclusive: optional(choice(['deny', 'allow-admitted-before'], 'What happens when it cannot be found out; deny when left out.')),
    pinTemplates: optional(boolean('Whether tags in templates are pinned to digests, too, and not only in pods.')),
    authorities: optional(list(at(authorityShape))),
    signatures: optional(
      at(
        textOr(
          leaf,
          object(
            {
              allOf: optional(parts),
              anyOf: optional(parts),
              atLeast: optional(integer(1, LIMITS.authoritiesPerPolicy, 'How many of `of` must have signed, each another principal.')),
              of: optional(parts),
              authority: optional(authorityName),
              latest: optional(latest),
            },
            'Who must have signed.',
          ),
        ),
      ),
    ),
    attestations: optional(list(at(attestationShape))),
    naming: optional(
      object(
        { repositories: optional(images('What the repository must be called.')), tags: optional(list(textPattern('What the tag must be.', NO_TAG))) },
        'How images must be named.',
      ),
    ),
    labels: optional(mapOf(presence('The value, or true for any.'), 'Labels that the image must have.')),
    refuse: optional(text('No image in the scope may run, for this reason.')),
    strictness: optional(at(strictness)),
  },
  'What images must have to run.',
);

export type WrittenSignatures = { readonly combination: WrittenCombination | undefined; readonly maxLag?: number };

/** `signatures` is a combination, or one with `latest` beside it. */
export function signaturesOf(
  written: NonNullable<NonNullable<ReturnType<(typeof policySpec)['read']>>['signatures']>['value'],
  refuse: (message: string) => void,
): WrittenSignatures {
  if ('kind' in written) return { combination: written };
  return { combination: combinationOf(written, refuse), ...(written.latest ? { maxLag: written.latest.maxLag } : {}) };
}

/** What the API server adds to every object that it keeps, so that its answers can be read as they are. */
const KEPT_BY_KUBERNETES = [
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
  'ownerReferences',
  'finalizers',
  'selfLink',
] as const;
const kept = Object.fromEntries(KEPT_BY_KUBERNETES.map((member) => [member, optional(anything('Written by Kubernetes; it changes nothing.'))]));

const metadata = object(
  {
    name: required(at(name)),
    namespace: optional(at(name)),
    labels: optional(mapOf(string('A value.', { longest: 63 }), 'For whoever keeps the documents; they change nothing.')),
    annotations: optional(mapOf(string('A value.', { longest: 262_144 }), 'For whoever keeps the documents; they change nothing.')),
    ...kept,
  },
  'Its name, as Kubernetes names objects.',
);

const head = { apiVersion: required(choice([API_VERSION], 'The version of the format.')), metadata: required(metadata) };

export const DOCUMENTS = {
  ImagePolicy: object(
    {
      ...head,
      kind: required(choice(['ImagePolicy'], 'A policy.')),
      spec: required(at(policySpec)),
      status: optional(anything('Written by Kubernetes; it changes nothing.')),
    },
    'A policy.',
  ),
  Authorities: object(
    {
      ...head,
      kind: required(choice(['Authorities'], 'Authorities for several policies.')),
      spec: required(object({ authorities: required(list(at(authorityShape))) }, 'The authorities.')),
    },
    'Authorities that several policies name.',
  ),
  DefaultRule: object(
    {
      ...head,
      kind: required(choice(['DefaultRule'], 'The default.')),
      spec: required(object({ action: required(choice(['deny', 'warn', 'allow'], 'What happens to an image that no policy matches.')) }, 'The default.')),
    },
    'What happens to images that no policy matches; without it they are denied.',
  ),
  ImageException: object(
    {
      ...head,
      kind: required(choice(['ImageException'], 'An exception.')),
      spec: required(
        at(
          object(
            {
              match: optional(at(match)),
              digests: optional(list(string('A digest.', { longest: 136, pattern: /^sha256:[0-9a-f]{64}$/ }))),
              policies: optional(list(at(name), { description: 'Policies that it lifts; when left out, all.' })),
              reason: required(text('Why.')),
              ticket: optional(text('Where it was asked for.')),
              approvedBy: required(list(string('Who approved it.', { longest: 320 }))),
              from: required(moment('When it begins.')),
              until: required(moment('When it ends; it counts nowhere after that.')),
            },
            'What it is for, why, and until when.',
          ),
        ),
      ),
    },
    'An image that may run although a policy is not satisfied.',
  ),
} as const;
