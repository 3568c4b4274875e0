import { defineCommand, type Flags } from '../flag.ts';

export const passwordFlags = {
  'password-file': {
    type: 'string',
    valueName: 'FILE',
    group: 'key',
    env: 'COSIGN_PASSWORD',
    summary: 'read the password of the private key from FILE; without it there is a prompt',
  },
} as const satisfies Flags;

export const generateKeyPair = defineCommand({
  name: 'generate-key-pair',
  group: 'sign',
  summary: 'Make a key pair for signing',
  description: [
    'Makes a private key, encrypted with a password, in PREFIX.key and its public key in PREFIX.pub. Files that exist are never overwritten. cosign and skopeo read the same files.',
  ],
  examples: [
    { does: 'cosign.key and cosign.pub in this folder; the password is asked for', command: 'sealward generate-key-pair' },
    { does: 'release.key and release.pub, without a prompt', command: 'sealward generate-key-pair --output-key-prefix release --password-file password.txt' },
  ],
  arguments: [],
  flags: {
    'output-key-prefix': {
      type: 'string',
      valueName: 'PREFIX',
      default: 'cosign',
      group: 'key',
      summary: 'path and name of the two files, without their endings',
    },
    algorithm: {
      type: 'choice',
      choices: ['ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521', 'rsa2048', 'rsa3072', 'rsa4096', 'ed25519', 'ml-dsa-65'],
      valueName: 'KIND',
      default: 'ecdsa-p256',
      group: 'key',
      summary: 'kind of key; every verifier of this field knows ecdsa-p256',
    },
    ...passwordFlags,
  },
});

export const publicKey = defineCommand({
  name: 'public-key',
  group: 'sign',
  summary: 'Print the public key that belongs to a private key',
  description: ['Prints the public key in PEM. The key file may also be a public key already, which is then checked and printed in its normal form.'],
  examples: [{ does: 'write the public key beside the private one', command: 'sealward public-key --key release.key --output-file release.pub' }],
  arguments: [],
  flags: {
    key: { type: 'string', valueName: 'FILE', group: 'key', summary: 'the key file' },
    outfile: { type: 'string', valueName: 'FILE', group: 'output', sameAs: 'output-file', summary: 'the same as --output-file, as cosign spells it' },
    ...passwordFlags,
  },
});
