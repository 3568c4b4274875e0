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

export const importKeyPair = defineCommand({
  name: 'import-key-pair',
  group: 'sign',
  summary: 'Bring a private key that was made elsewhere into a key file',
  description: [
    'Reads a private key in PEM (PKCS#8, PKCS#1 or SEC 1, and PKCS#8 encrypted) and writes it, encrypted with a new password, to PREFIX.key, and its public key to PREFIX.pub. Files that exist are never overwritten.',
  ],
  examples: [{ does: 'import-cosign.key and import-cosign.pub in this folder', command: 'sealward import-key-pair --key openssl.pem' }],
  arguments: [],
  flags: {
    key: { type: 'string', valueName: 'FILE', group: 'key', summary: 'the private key in PEM' },
    'output-key-prefix': {
      type: 'string',
      valueName: 'PREFIX',
      default: 'import-cosign',
      group: 'key',
      summary: 'path and name of the two files, without their endings',
    },
    'import-password-file': {
      type: 'string',
      valueName: 'FILE',
      group: 'key',
      summary: 'read the password that the key has now from FILE; without it there is a prompt',
    },
    yes: { type: 'boolean', short: 'y', group: 'general', summary: 'ask nothing; only passwords are asked for' },
    ...passwordFlags,
  },
});

export const publicKey = defineCommand({
  name: 'public-key',
  group: 'sign',
  summary: 'Print the public key that belongs to a private key',
  description: [
    'Prints the public key in PEM. The key file may also be a public key already, which is then checked and printed in its normal form.',
    'A key may be kept elsewhere too: env://VARIABLE, k8s://NAMESPACE/SECRET, a pkcs11: URI, awskms://, gcpkms://, azurekms://, hashivault:// and openbao://, or NAME:// of a plugin.',
  ],
  examples: [{ does: 'write the public key beside the private one', command: 'sealward public-key --key release.key --output-file release.pub' }],
  arguments: [],
  flags: {
    key: { type: 'string', valueName: 'KEY', group: 'key', summary: 'the key file, or the reference of a key that is kept elsewhere' },
    outfile: { type: 'string', valueName: 'FILE', group: 'output', sameAs: 'output-file', summary: 'the same as --output-file, as cosign spells it' },
    ...passwordFlags,
  },
});
