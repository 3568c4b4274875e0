import { defineCommand, type Flags } from '../flag.ts';
import { outputFlags } from './global.ts';
import { passwordFlags } from './keys.ts';
import { registryFlags } from './registry-flags.ts';
import { signingFlags } from './signing-flags.ts';

const keyFlags = {
  key: { type: 'strings', valueName: 'KEY', group: 'key', summary: 'the private key: an encrypted key file, or the reference of a key that is kept elsewhere' },
  ...passwordFlags,
  yes: { type: 'boolean', short: 'y', group: 'general', summary: 'ask nothing; signing with a key asks nothing but the password' },
} as const satisfies Flags;

const formatFlag = {
  'signature-format': {
    type: 'choice',
    choices: ['bundle', 'legacy', 'both'],
    default: 'bundle',
    group: 'output',
    summary: 'what cosign 3 reads (bundle), what cosign 1 and 2 and skopeo read (legacy), or both',
  },
} as const satisfies Flags;

export const predicateFlags = {
  type: {
    type: 'string',
    valueName: 'TYPE',
    group: 'input',
    summary: 'slsaprovenance1, slsaprovenance02, spdxjson, cyclonedx, vuln, openvex, link, custom, or a URI',
  },
  predicate: { type: 'string', valueName: 'FILE', group: 'input', summary: 'the predicate in JSON; - for stdin' },
  scan: { type: 'string', valueName: 'REPORT', group: 'input', summary: 'make it of the report of a scanner: JSON of Trivy or Grype, or SARIF' },
  sbom: { type: 'string', valueName: 'FILE', group: 'input', summary: 'make it of an SBOM: SPDX or CycloneDX in JSON' },
  'from-ci': {
    type: 'boolean',
    group: 'input',
    summary: 'make SLSA v1 provenance of what GitHub Actions, GitLab CI, Buildkite, CircleCI or Tekton say in the environment',
  },
} as const satisfies Flags;

const IMAGE = { name: 'IMAGE', summary: 'HOST/REPOSITORY:TAG or @sha256:DIGEST; oci:PATH for a folder', minimum: 1, maximum: 1 } as const;

export const attest = defineCommand({
  name: 'attest',
  group: 'sign',
  summary: 'Sign a statement about an image',
  description: [
    'Signs that a predicate (how it was built, what is in it, what a scanner found) is about the digest that IMAGE stands for now, verifies it, and attaches it to the image. The shape of known predicates is checked.',
  ],
  examples: [
    {
      does: 'SLSA provenance',
      command: 'sealward attest --key release.key --type slsaprovenance1 --predicate provenance.json \\\n    registry.example/app:1.2',
    },
    {
      does: 'read it again',
      command: 'sealward verify-attestation --key release.pub --insecure-ignore-tlog --type slsaprovenance1 \\\n    registry.example/app:1.2',
    },
  ],
  arguments: [IMAGE],
  flags: {
    ...keyFlags,
    ...signingFlags,
    ...predicateFlags,
    ...formatFlag,
    upload: { type: 'boolean', default: true, group: 'output', summary: 'attach the attestation to the image' },
    bundle: { type: 'string', valueName: 'FILE', group: 'output', summary: 'write the bundle to FILE' },
    ...registryFlags,
    ...outputFlags,
  },
});

export const signBlob = defineCommand({
  name: 'sign-blob',
  group: 'sign',
  summary: 'Sign a file',
  description: ['Signs the bytes of FILE and writes a Sigstore bundle, to the file of --bundle or to stdout. Anything a release has: archives, charts, SBOMs.'],
  examples: [
    { does: 'a release archive', command: 'sealward sign-blob --key release.key --bundle app.tgz.sigstore.json app.tgz' },
    { does: 'verify it', command: 'sealward verify-blob --key release.pub --insecure-ignore-tlog \\\n    --bundle app.tgz.sigstore.json app.tgz' },
  ],
  arguments: [{ name: 'FILE', summary: 'the file to sign, - for stdin', minimum: 1, maximum: 1 }],
  flags: {
    ...keyFlags,
    ...signingFlags,
    bundle: { type: 'string', valueName: 'FILE', group: 'output', summary: 'write the bundle to FILE instead of stdout' },
  },
});

export const attestBlob = defineCommand({
  name: 'attest-blob',
  group: 'sign',
  summary: 'Sign a statement about a file',
  description: ['Signs that a predicate is about FILE and writes a Sigstore bundle, to the file of --bundle or to stdout.'],
  examples: [
    {
      does: 'an SBOM of a release archive',
      command: 'sealward attest-blob --key release.key --type spdxjson --predicate sbom.json \\\n    --bundle app.tgz.att.json app.tgz',
    },
  ],
  arguments: [{ name: 'FILE', summary: 'the file that the statement is about, - for stdin', minimum: 1, maximum: 1 }],
  flags: {
    ...keyFlags,
    ...signingFlags,
    ...predicateFlags,
    bundle: { type: 'string', valueName: 'FILE', group: 'output', summary: 'write the bundle to FILE instead of stdout' },
  },
});

export const resign = defineCommand({
  name: 'resign',
  group: 'sign',
  summary: 'Write what a key has signed in the form of the other generation, too',
  description: [
    'For each IMAGE: what the key has signed, and still verifies, is written in the form that is missing. Attestations keep their signature. What the key has not signed is not signed: no new trust comes of it.',
  ],
  examples: [{ does: 'let cosign 3 read what cosign 2 signed', command: 'sealward resign --key release.key registry.example/app:1.2' }],
  arguments: [{ ...IMAGE, maximum: 256 }],
  flags: {
    ...keyFlags,
    'signature-format': { ...formatFlag['signature-format'], default: 'both', summary: 'which forms must be there' },
    ...registryFlags,
    ...outputFlags,
  },
});

export const copy = defineCommand({
  name: 'copy',
  group: 'sign',
  summary: 'Copy an image with everything attached to it',
  description: [
    'Copies an image, all platforms of it, and its signatures, attestations and SBOMs, from any registry or folder to any other. Each is listed anew where it arrives, with the referrers API or without. The tag of the destination moves last.',
  ],
  examples: [
    { does: 'to another registry', command: 'sealward copy registry.example/app:1.2 mirror.example/app:1.2' },
    { does: 'into a folder, to be carried over an air gap', command: 'sealward copy registry.example/app:1.2 oci:transfer:1.2' },
  ],
  arguments: [{ name: 'SRC and DST', summary: 'HOST/REPOSITORY:TAG or @sha256:DIGEST; oci:PATH:TAG for a folder', minimum: 2, maximum: 2 }],
  flags: {
    'image-only': { type: 'boolean', group: 'input', summary: 'leave behind what is attached' },
    'max-workers': { type: 'integer', valueName: 'N', minimum: 1, maximum: 64, default: 6, group: 'registry', summary: 'how many blobs travel side by side' },
    ...registryFlags,
    ...outputFlags,
  },
});
