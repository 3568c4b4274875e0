import { defineCommand, type Flags, namesOf } from '../flag.ts';
import { outputFlags } from './global.ts';
import { policyFlags } from './policy-flags.ts';
import { registryFlags } from './registry-flags.ts';
import { evidenceFlags, explainFlags } from './trust-flags.ts';

const trust = {
  trust: {
    type: 'string',
    valueName: 'PLACE',
    group: 'trust',
    summary: 'the trust state whose keys the policies name, and whose own policies are in force: a folder, a URL or registry:REFERENCE',
  },
  'trust-root': {
    type: 'string',
    valueName: 'FILE',
    group: 'trust',
    summary: 'the root.json of the trust state that is trusted; of a folder its first root, when not given',
  },
} as const satisfies Flags;

/** Of the actions that look at images. */
const images = {
  'trusted-root': { type: 'string', valueName: 'FILE', group: 'trust', summary: 'a trusted_root.json, where no --trust is given' },
  ...evidenceFlags,
  'max-workers': explainFlags['max-workers'],
  ...registryFlags,
} as const satisfies Flags;

const where = namesOf(policyFlags).filter((name) => name !== 'policy');
const judging = [...namesOf(trust), ...namesOf(images), ...namesOf(outputFlags)];

export const policy = defineCommand({
  name: 'policy',
  group: 'settings',
  summary: 'Check, try and compare policies before they are put into force, and carry over those of other tools',
  description: [
    'Policies are YAML or JSON documents in files and folders; docs/reference/policy.md has their members. All of them together are one set, in which documents may name each other.',
    '`policy check` compiles a set and says everything that is wrong, with file, line and column (exit code 2), and what is allowed and seldom meant (exit code 0; with --strict 1).',
    '`policy explain IMAGE` shows the whole decision that `sealward verify` would make: which policies are about the image, which are not and why, each requirement, each signature. `policy test FOLDER` runs the cases in its files sealward-test.yaml: policies (those of --trust where a file names none), and images or evidence with the outcome that they must get.',
    '`policy diff OLD [NEW]` says which images would get another answer, and why: by other policies, with a key revoked (--revoke), or at another time (--at). OLD and NEW are files of policies, or trust states with policies of their own. The images are those of --image, or all that --evidence holds something about; then no registry is asked.',
    "`policy import` reads policies of policy-controller (with their TrustRoots), Kyverno, containers' policy.json and registries.d, and OpenShift. The documents go to stdout, a line for each part to stderr: mapped, mapped with a difference, or not mapped. What cannot be carried over becomes a policy that refuses its images and says why. With --strict it exits with 1 when anything was not mapped.",
    '`policy compile --to containers-policy` writes policy.json and registries.d, and says line by line what became of each part: what cannot be said there becomes a rejection. `policy compile --to validating-admission-policy` prints a ValidatingAdmissionPolicy and its binding, which demand digests in every place where a pod names an image, also while no webhook answers.',
  ],
  examples: [
    { does: 'all files below a folder', command: 'sealward policy check policies/' },
    { does: 'as a gate in CI', command: 'sealward policy check --strict --output json policies/' },
    { does: 'why is it refused?', command: 'sealward policy explain --policy policies/ registry.example/app:1.2' },
    { does: 'cases, for CI', command: 'sealward policy test --junit report.xml policies/' },
    {
      does: 'what would a revocation change, over everything that was gathered?',
      command: 'sealward policy diff --revoke release@2026-01-31T12:00:00Z --evidence held/ trust/published',
    },
    { does: 'from another tool', command: 'sealward policy import cluster-image-policy.yaml trust-root.yaml > policies/imported.yaml' },
    { does: 'for the nodes, from what is in force', command: 'sealward policy compile --to containers-policy --trust trust/published --out /etc/containers' },
    { does: 'digests, also when the webhook is down', command: 'sealward policy compile --to validating-admission-policy | kubectl apply -f -' },
    { does: 'with keys of the trust state', command: 'sealward policy check --trust trust/published policies/' },
  ],
  arguments: [
    { name: 'ACTION', summary: 'check, explain, test, diff, import or compile', minimum: 1, maximum: 1 },
    { name: 'FILE', summary: 'files, or folders with .yaml, .yml and .json files; of explain images; of diff also trust states', minimum: 0, maximum: 1024 },
  ],
  flags: {
    strict: {
      type: 'boolean',
      group: 'general',
      summary: 'check: exit with 1 for what is seldom meant, too; import, compile: for what could not be carried over',
    },
    ...trust,
    ...policyFlags,
    to: {
      type: 'choice',
      choices: ['containers-policy', 'validating-admission-policy'],
      group: 'output',
      summary: 'compile: policy.json and registries.d for CRI-O, podman and skopeo, or what demands digests within the API server of Kubernetes',
    },
    out: { type: 'string', valueName: 'DIR', group: 'output', summary: 'compile: the folder to write into' },
    'exempt-namespace': {
      type: 'strings',
      valueName: 'NAME',
      group: 'claims',
      summary: 'compile to validating-admission-policy: a namespace in which it does not hold; kube-system and sealward-system when not given',
    },
    'only-warn': { type: 'boolean', group: 'general', summary: 'compile to validating-admission-policy: warn and record, and deny nothing' },
    image: { type: 'strings', valueName: 'IMAGE', group: 'input', summary: 'diff: an image that matters; all that --evidence holds when not given' },
    revoke: { type: 'strings', valueName: 'KEY[@TIME]', group: 'claims', summary: 'diff: as if this key had been revoked, from then on' },
    junit: { type: 'string', valueName: 'FILE', group: 'output', summary: 'test: also write a report that CI systems read' },
    ...images,
    ...outputFlags,
  },
  actions: {
    check: ['strict', ...namesOf(trust), ...namesOf(outputFlags)],
    explain: [...namesOf(policyFlags), ...judging],
    test: ['at', 'junit', ...judging],
    diff: ['image', 'revoke', ...where, ...judging],
    import: ['strict', ...namesOf(outputFlags)],
    compile: [
      'to',
      'out',
      'exempt-namespace',
      'only-warn',
      'strict',
      'namespace',
      'cluster',
      'environment',
      'at',
      'trusted-root',
      ...namesOf(trust),
      ...namesOf(outputFlags),
    ],
  },
});
