import { defineCommand } from '../flag.ts';
import { outputFlags } from './global.ts';
import { registryFlags } from './registry-flags.ts';
import { explainFlags } from './trust-flags.ts';

export const tree = defineCommand({
  name: 'tree',
  group: 'look',
  summary: 'Show what is attached to an image, and by whom it says it is',
  description: [
    'Asks every place where something may be attached: the referrers API, its fallback tag, and the tags of signatures, attestations and software lists. Nothing is verified: names are those that the attachments give themselves.',
  ],
  examples: [{ does: 'everything about one image', command: 'sealward tree registry.example/app:1.2' }],
  arguments: [{ name: 'IMAGE', summary: 'HOST/REPOSITORY:TAG or @sha256:DIGEST; oci:PATH for a folder', minimum: 1, maximum: 1 }],
  flags: { ...registryFlags, ...outputFlags, 'max-workers': explainFlags['max-workers'] },
});

export const inspect = defineCommand({
  name: 'inspect',
  group: 'look',
  summary: 'Say in words what is in a bundle, envelope, certificate, key or checkpoint',
  description: [
    'Reads Sigstore bundles, DSSE envelopes, in-toto statements, certificates, keys, RFC 3161 timestamps, log entries, checkpoints and other signed notes, trusted roots and manifests, in PEM, DER or JSON. Nothing is verified and nothing is asked of the network.',
  ],
  examples: [
    { does: 'a bundle', command: 'sealward inspect app.tgz.sigstore.json' },
    { does: 'one value, for a script', command: "sealward inspect -o json app.tgz.sigstore.json | jq -r '.[0].signedBy.names[0]'" },
  ],
  arguments: [{ name: 'FILE', summary: 'a file, or - for stdin', minimum: 1, maximum: 64 }],
  flags: { ...outputFlags },
});
