import { defineCommand, type Flags } from '../flag.ts';
import { outputFlags } from './global.ts';
import { passwordFlags } from './keys.ts';
import { registryFlags } from './registry-flags.ts';
import { signingFlags } from './signing-flags.ts';

const unused = (note: string) => ({ type: 'string', valueName: 'TEXT', group: 'key', summary: 'has no effect', deprecated: { note } }) as const;
const unusedSwitch = (note: string) => ({ type: 'boolean', group: 'key', summary: 'has no effect', deprecated: { note } }) as const;

const deprecated = {
  'output-signature': {
    type: 'string',
    valueName: 'FILE',
    group: 'output',
    summary: 'write the bare signature to FILE, in base64',
    deprecated: { note: 'use --bundle. It is written.' },
  },
  'output-payload': {
    type: 'string',
    valueName: 'FILE',
    group: 'output',
    summary: 'write the signed statement to FILE',
    deprecated: { note: 'use --bundle. It is written.' },
  },
  'output-certificate': unused('a key has no certificate; nothing is written.'),
  'new-bundle-format': unusedSwitch('it is always written.'),
  'record-creation-timestamp': unusedSwitch('nothing trusts it.'),
  'issue-certificate': unusedSwitch('a key needs no certificate.'),
} as const satisfies Flags;

export const sign = defineCommand({
  name: 'sign',
  group: 'sign',
  summary: 'Sign images',
  description: [
    'Signs the digest that each IMAGE stands for now, verifies the signature, and attaches it to the image as cosign 3 does. Nothing is published that does not verify.',
    'The key is an encrypted key file of `sealward generate-key-pair`, cosign or skopeo. With --key alone nobody else hears of it; with services named, the log and the timestamp authority vouch for it, too.',
    'Without --key: an identity token (of the CI job, of --identity-token, or of whoever signs in) gives a certificate of ten minutes for a key that lives as long as this command.',
  ],
  examples: [
    { does: 'by digest, so that it is sure what is signed', command: 'sealward sign --key release.key registry.example/app@sha256:DIGEST' },
    {
      does: 'with signed annotations, without a prompt',
      command: 'COSIGN_PASSWORD=... sealward sign --key release.key -a commit=4f2c1e registry.example/app:1.2',
    },
    {
      does: 'in a CI job, without a key, by services of your own',
      command: 'sealward sign --signing-config signing_config.json \\\n    --trusted-root trusted_root.json registry.example/app:1.2',
    },
    {
      does: 'write the bundle to a file and publish nothing',
      command: 'sealward sign --key release.key --no-upload --bundle app.sigstore.json registry.example/app:1.2',
    },
  ],
  arguments: [{ name: 'IMAGE', summary: 'HOST/REPOSITORY:TAG or @sha256:DIGEST; oci:PATH for a folder', minimum: 1, maximum: 256 }],
  flags: {
    key: {
      type: 'strings',
      valueName: 'KEY',
      group: 'key',
      summary:
        'an encrypted key file, or the reference of a key that is kept elsewhere; given twice, both sign side by side, such as a post-quantum key beside a classical one',
    },
    ...passwordFlags,
    ...signingFlags,
    annotations: { type: 'strings', short: 'a', valueName: 'KEY=VALUE', group: 'claims', summary: 'an annotation to sign with the digest' },
    'signature-format': {
      type: 'choice',
      choices: ['bundle', 'legacy', 'both'],
      default: 'bundle',
      group: 'output',
      summary: 'what cosign 3 reads (bundle), what cosign 1 and 2 and skopeo read (legacy), or both',
    },
    recursive: { type: 'boolean', short: 'r', group: 'input', summary: 'of an index, sign each image that it lists, too' },
    upload: { type: 'boolean', default: true, group: 'output', summary: 'attach the signature to the image' },
    bundle: { type: 'string', valueName: 'FILE', group: 'output', summary: 'write the bundle to FILE; for one image' },
    yes: { type: 'boolean', short: 'y', group: 'general', summary: 'ask nothing; signing with a key asks nothing but the password' },
    ...registryFlags,
    ...outputFlags,
    ...deprecated,
  },
});
