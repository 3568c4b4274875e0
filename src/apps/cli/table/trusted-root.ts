import { defineCommand } from '../flag.ts';
import { outputFlags } from './global.ts';

const service = (what: string, material: string, more: string) =>
  ({
    type: 'strings',
    valueName: 'URL,...',
    group: 'trust',
    summary: `create: ${what}, as in url=URL,${material}; ${more}`,
  }) as const;

export const trustedRoot = defineCommand({
  name: 'trusted-root',
  group: 'settings',
  summary: 'Make a trusted root out of certificates and keys, or show one',
  description: [
    'create: writes a trusted_root.json for a Sigstore of your own out of files in PEM. The values of a service stand in one flag, with commas between them; end-time=TIME ends the trust. cosign and every other client of Sigstore read the result.',
    'show: says in words whom a trusted_root.json trusts, and from when to when.',
  ],
  examples: [
    {
      does: 'a certificate authority and a log',
      command:
        'sealward trusted-root create --out trusted_root.json \\\n    --fulcio url=https://fulcio.example,certificate-chain=fulcio.pem \\\n    --rekor url=https://rekor.example,public-key=rekor.pub,start-time=2026-01-01T00:00:00Z',
    },
    { does: 'whom it trusts', command: 'sealward trusted-root show trusted_root.json' },
  ],
  arguments: [
    { name: 'create|show', summary: 'what to do', minimum: 1, maximum: 1 },
    { name: 'FILE', summary: 'show: the trusted_root.json, - for stdin', minimum: 0, maximum: 1 },
  ],
  flags: {
    fulcio: service('a certificate authority', 'certificate-chain=FILE', 'start-time=TIME when not since its first certificate'),
    rekor: service('a transparency log', 'public-key=FILE,start-time=TIME', 'origin=NAME when its checkpoints name it otherwise'),
    ctfe: service('a certificate log', 'public-key=FILE,start-time=TIME', 'as for --rekor'),
    tsa: service('a timestamp authority', 'certificate-chain=FILE', 'its leaf comes first'),
    'with-default-services': {
      type: 'boolean',
      group: 'trust',
      summary: 'create: take the public good instance for each kind that is not given, from the root that cosign has fetched',
    },
    out: { type: 'string', valueName: 'FILE', group: 'output', sameAs: 'output-file', summary: 'the same as --output-file, as cosign spells it' },
    ...outputFlags,
  },
});
