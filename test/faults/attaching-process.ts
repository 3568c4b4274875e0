/**
 * A writer in a process of its own: signs IMAGE so many times in one FORM, each time as a new program would, which
 * remembers nothing of the time before. Waits for its parent's word, so that two of them begin at once.
 */
import { once } from 'node:events';
import { RegistryClient } from '../../src/clients/registry/index.ts';
import { keySigner } from '../../src/clients/signers/index.ts';
import { parseReference } from '../../src/core/artifact/index.ts';
import { generateKeyPair } from '../../src/core/crypto/index.ts';
import { type SignatureFormat, signImage } from '../../src/sdk/index.ts';

const [image = '', format = '', times = ''] = process.argv.slice(2);
const signer = keySigner(generateKeyPair('ecdsa-p256').privateKey);
const begin = once(process, 'message');
process.send?.('ready');
await begin;
const digests: string[] = [];
for (let i = 0; i < Number(times); i++) {
  const registry = new RegistryClient();
  const { signatures } = await signImage({ registry, reference: parseReference(image), signer, format: format as SignatureFormat });
  for (const { annotations, published } of signatures)
    digests.push(annotations['dev.cosignproject.cosign/signature'] ?? `${published?.digest.algorithm}:${published?.digest.hex}`);
  registry.close();
}
process.send?.(digests, () => process.disconnect?.());
