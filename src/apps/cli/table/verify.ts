import { defineCommand } from '../flag.ts';
import { outputFlags } from './global.ts';
import { policyFlags } from './policy-flags.ts';
import { registryFlags } from './registry-flags.ts';
import { annotationFlags, blobFlags, evidenceFlags, explainFlags, predicateFlags, signerFlags, trustFlags } from './trust-flags.ts';

const WHO = 'Say who must have signed: a public key with --key, or an identity and its issuer, one of each pair of --certificate-identity flags.';
const LOG = 'A signature must have an entry in a transparency log, unless --insecure-ignore-tlog is given. Whatever proves when it was made is used.';
const POLICY =
  'With --policy documents say who must have signed what (see `sealward policy --help`), and so do those of the trust state of --trust-url where no flag says who must have signed. With both, the policies of the trust state hold, exceptions and default included, and those of --policy are asked on top of them.';
const EXITS = 'Exits with 0 only when every image is verified; the other codes are listed by `sealward --help`.';

const imageFlags = {
  ...signerFlags,
  ...trustFlags,
  ...evidenceFlags,
  ...registryFlags,
  ...outputFlags,
  ...explainFlags,
  'check-content': {
    type: 'boolean',
    group: 'input',
    summary: 'also read the verified image whole (manifest, config, layers) and hold every byte against the digest',
  },
  'local-image': { type: 'boolean', group: 'input', summary: 'IMAGE is a folder with an OCI image layout; the same as oci:PATH' },
} as const;

const IMAGES = { name: 'IMAGE', summary: 'HOST/REPOSITORY:TAG or @sha256:DIGEST; oci:PATH for a folder', minimum: 1, maximum: 256 } as const;

export const verify = defineCommand({
  name: 'verify',
  group: 'verify',
  summary: 'Say whether images are signed by whom you trust',
  description: [`Reads all formats of signatures that cosign 1 to 3 and skopeo write. ${WHO} ${POLICY}`, `${LOG} ${EXITS}`],
  examples: [
    { does: 'signed with a key, and logged nowhere', command: 'sealward verify --key release.pub --insecure-ignore-tlog registry.example/app:1.2' },
    {
      does: 'signed by a workflow of GitHub',
      command:
        'sealward verify \\\n    --certificate-identity https://github.com/OWNER/REPO/.github/workflows/ci.yml@refs/tags/v1.2 \\\n    --certificate-oidc-issuer https://token.actions.githubusercontent.com \\\n    ghcr.io/owner/app:1.2',
    },
    { does: 'by the policies that are in force', command: 'sealward verify --trust-url https://trust.example/ registry.example/app:1.2' },
    { does: 'by policies, for a namespace', command: 'sealward verify --policy policies/ --namespace shop registry.example/app:1.2' },
    {
      does: 'why not? every place, every signature, the first check that failed',
      command: 'sealward verify --explain --key release.pub registry.example/app:1.2',
    },
  ],
  arguments: [IMAGES],
  flags: {
    ...imageFlags,
    ...policyFlags,
    record: { type: 'string', valueName: 'FOLDER', group: 'output', summary: 'by policies: write a record of each decision there, for `sealward replay`' },
    ...annotationFlags,
    signature: {
      type: 'string',
      valueName: 'FILE',
      group: 'input',
      summary: 'a detached signature over --payload, instead of those in the registry',
      deprecated: { note: 'signatures are found in the registry. It is used, with --payload.' },
    },
    payload: { type: 'string', valueName: 'FILE', group: 'input', summary: 'the signed payload that --signature is over' },
    certificate: {
      type: 'string',
      valueName: 'FILE',
      group: 'input',
      summary: "the signer's certificate in PEM, for --signature",
      deprecated: { note: 'signatures carry their certificates. It is used, with --signature.' },
    },
  },
});

export const verifyAttestation = defineCommand({
  name: 'verify-attestation',
  group: 'verify',
  summary: 'Say whether images have an attestation by whom you trust',
  description: [`Attestations are signed statements about an image: how it was built, what is in it. ${WHO}`, `${LOG} ${EXITS}`],
  examples: [
    {
      does: 'SLSA provenance of any version 1 build, made by a workflow of one repository',
      command:
        "sealward verify-attestation --type slsaprovenance1 \\\n    --certificate-identity-regexp 'https://github\\.com/OWNER/REPO/.*' \\\n    --certificate-oidc-issuer https://token.actions.githubusercontent.com \\\n    ghcr.io/owner/app@sha256:DIGEST",
    },
  ],
  arguments: [IMAGES],
  flags: { ...imageFlags, ...predicateFlags, 'check-claims': annotationFlags['check-claims'] },
});

const FILE_OR_DIGEST = { name: 'FILE', summary: 'the signed file, - for stdin, or sha256:DIGEST when only that is known', minimum: 1, maximum: 1 } as const;

export const verifyBlob = defineCommand({
  name: 'verify-blob',
  group: 'verify',
  summary: 'Say whether a file is signed by whom you trust',
  description: [`The signature lies in a file beside it. ${WHO}`, LOG],
  examples: [
    { does: 'with a bundle and a key', command: 'sealward verify-blob --key release.pub --bundle app.tgz.sigstore.json app.tgz' },
    {
      does: 'by a person',
      command:
        'sealward verify-blob --bundle app.tgz.sigstore.json \\\n    --certificate-identity maria@example.org \\\n    --certificate-oidc-issuer https://accounts.google.com app.tgz',
    },
  ],
  arguments: [FILE_OR_DIGEST],
  flags: { ...signerFlags, ...trustFlags, ...blobFlags, ...outputFlags, ...explainFlags },
});

export const verifyBlobAttestation = defineCommand({
  name: 'verify-blob-attestation',
  group: 'verify',
  summary: 'Say whether a file has an attestation by whom you trust',
  description: [`The attestation lies in a file, as a bundle or as a DSSE envelope. ${WHO}`, LOG],
  examples: [
    {
      does: 'provenance of a file',
      command: 'sealward verify-blob-attestation --key builder.pub --type slsaprovenance1 \\\n    --bundle app.intoto.json app.tgz',
    },
  ],
  arguments: [{ ...FILE_OR_DIGEST, minimum: 0 }],
  flags: {
    ...signerFlags,
    ...trustFlags,
    bundle: blobFlags.bundle,
    signature: { ...blobFlags.signature, summary: 'a DSSE envelope' },
    ...predicateFlags,
    'check-claims': annotationFlags['check-claims'],
    digest: { type: 'string', valueName: 'HEX', group: 'input', summary: 'the digest of the file, instead of FILE' },
    digestAlg: { type: 'choice', choices: ['sha256', 'sha384', 'sha512'], default: 'sha256', group: 'input', summary: 'which digest --digest is' },
    ...outputFlags,
    ...explainFlags,
  },
});
