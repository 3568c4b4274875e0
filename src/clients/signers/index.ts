export { createKeyPairFiles, type KeyPairFiles, keyPairPaths, writeKeyPairFiles } from './generate.ts';
export { importKey, parsePrivateKeyPem } from './import-key.ts';
export { KEY_FILE_LABEL, KEY_FILE_MAX_BYTES, OLD_KEY_FILE_LABEL, openKeyFile, sealKeyFile } from './key-file.ts';
export type { KeyOptions } from './key-options.ts';
export { isFileReference } from './key-reference.ts';
export { keySigner } from './key-signer.ts';
export { openPublicKey, openSigner } from './open-signer.ts';
export type { SecretWanted } from './provider.ts';
export type { OpenedSigner, Signer } from './signer.ts';
