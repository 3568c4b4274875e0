import { defineCommand } from '../flag.ts';
import { outputFlags } from './global.ts';

export const policy = defineCommand({
  name: 'policy',
  group: 'settings',
  summary: 'Check policies before they are put into force, and carry over those of other tools',
  description: [
    'Policies are YAML or JSON documents in files and folders; docs/reference/policy.md has their members. All of them together are one set, in which documents may name each other.',
    '`policy check` compiles a set and says everything that is wrong, with file, line and column (exit code 2), and what is allowed and seldom meant (exit code 0; with --strict 1).',
    "`policy import` reads policies of policy-controller (with their TrustRoots), Kyverno, containers' policy.json and registries.d, and OpenShift. The documents go to stdout, a line for each part to stderr: mapped, mapped with a difference, or not mapped. What cannot be carried over becomes a policy that refuses its images and says why. With --strict it exits with 1 when anything was not mapped.",
  ],
  examples: [
    { does: 'all files below a folder', command: 'sealward policy check policies/' },
    { does: 'as a gate in CI', command: 'sealward policy check --strict --output json policies/' },
    { does: 'from another tool', command: 'sealward policy import cluster-image-policy.yaml trust-root.yaml > policies/imported.yaml' },
    { does: 'with keys of the trust state', command: 'sealward policy check --trust trust/published policies/' },
  ],
  arguments: [
    { name: 'ACTION', summary: 'check or import', minimum: 1, maximum: 1 },
    { name: 'FILE', summary: 'files, or folders with .yaml, .yml and .json files', minimum: 0, maximum: 1024 },
  ],
  flags: {
    strict: { type: 'boolean', group: 'general', summary: 'check: exit with 1 for what is seldom meant, too; import: for what could not be carried over' },
    trust: {
      type: 'string',
      valueName: 'PLACE',
      group: 'trust',
      summary: 'the trust state whose keys the policies name: a folder, a URL or registry:REFERENCE',
    },
    'trust-root': { type: 'string', valueName: 'FILE', group: 'trust', summary: 'the root.json that is trusted; of a folder its first root, when not given' },
    ...outputFlags,
  },
});
