export { createKeyPairFiles, type KeyPairFiles, keyPairPaths } from './generate.ts';
export { isKeyFile, KEY_FILE_LABEL, KEY_FILE_MAX_BYTES, OLD_KEY_FILE_LABEL, openKeyFile, sealKeyFile } from './key-file.ts';
export { keySigner } from './key-signer.ts';
export type { Signer } from './signer.ts';
