/** Every place where a key may be kept, set up with a key of one's choice: the table of the signers' conformance suite. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type KeyOptions, sealKeyFile } from '../../src/clients/signers/index.ts';
import { encodePublicKeyPem, generateKeyPair, type KeyKind, type KeyObject, type PublicKey, publicKeyOf } from '../../src/core/crypto/index.ts';
import { AWS_ACCESS, FakeAwsKms } from '../fakes/aws-kms.ts';
import { AZURE_CLIENT, FakeAzureKeyVault } from '../fakes/azure-key-vault.ts';
import { FakeGoogleKms, GOOGLE_TOKEN } from '../fakes/google-kms.ts';
import { fakeAuthority, type KeyServer } from '../fakes/key-server.ts';
import { FakeKubernetes, KUBERNETES_TOKEN } from '../fakes/kubernetes-api.ts';
import { FakeVault, VAULT_TOKEN } from '../fakes/vault-transit.ts';
import { type SoftToken, softToken } from '../soft-token.ts';

export interface Kept {
  readonly reference: string;
  readonly options: KeyOptions;
  readonly publicKey: PublicKey;
  /** The version that a signer is to tell, where keys have versions. */
  readonly version?: RegExp;
  /** What stands before the key, where answers can be changed on their way. */
  readonly server?: KeyServer;
}

export interface Keeper {
  readonly name: string;
  readonly kinds: readonly KeyKind[];
  /** Of kinds for which the keeper takes the message itself, and no more of it than this. */
  readonly longestMessage?: number;
  /** @param scope says what to do when the test is over. */
  keep(kind: KeyKind, scope: Scope): Promise<Kept>;
}

export interface Scope {
  readonly folder: string;
  after(end: () => Promise<void> | void): void;
}

const PASSWORD = 'a password of several words';
const CLASSICAL: readonly KeyKind[] = ['ecdsa-p256', 'ecdsa-p384', 'rsa2048', 'rsa3072'];

/** RSA keys take long to make, and which one it is does not matter. */
const made = new Map<KeyKind, { readonly privateKey: KeyObject; readonly sealed: Promise<string> }>();

export function keyOf(kind: KeyKind): KeyObject {
  return pairOf(kind).privateKey;
}

function pairOf(kind: KeyKind): { readonly privateKey: KeyObject; readonly sealed: Promise<string> } {
  let pair = made.get(kind);
  if (!pair) {
    const { privateKey } = generateKeyPair(kind);
    pair = { privateKey, sealed: sealKeyFile(privateKey, PASSWORD) };
    made.set(kind, pair);
  }
  return pair;
}

const secret = async (): Promise<string> => PASSWORD;

async function serve<S extends KeyServer>(server: S, scope: Scope): Promise<S> {
  await server.start();
  scope.after(() => server.close());
  return server;
}

const tls = { ca: [fakeAuthority] };

function kubeconfig(folder: string, { url }: KeyServer): string {
  const path = join(folder, 'kubeconfig.yaml');
  const authority = Buffer.from(fakeAuthority).toString('base64');
  const lines = [
    'apiVersion: v1',
    'kind: Config',
    'current-context: here',
    `clusters: [{ name: fake, cluster: { server: "${url}", certificate-authority-data: ${authority} } }]`,
    `users: [{ name: signer, user: { token: ${KUBERNETES_TOKEN} } }]`,
    'contexts: [{ name: here, context: { cluster: fake, user: signer } }]',
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

/** A program that speaks the plugin protocol; it is written in the JavaScript of the Node that runs the tests. */
export function writePlugin(folder: string, name: string, body: string): Record<string, string> {
  const path = join(folder, `sigstore-kms-${name}`);
  writeFileSync(path, `#!${process.execPath}\n${body}\n`);
  chmodSync(path, 0o755);
  return { PATH: folder };
}

/** The key is in the file that the reference names. */
export const HONEST_PLUGIN = `
const { createPrivateKey, createPublicKey, sign } = require('node:crypto');
const { readFileSync } = require('node:fs');
const [, , version, text] = process.argv;
const { initOptions, methodName, signMessage } = JSON.parse(text);
const say = (answer) => process.stdout.write(JSON.stringify(answer));
const key = createPrivateKey(readFileSync('/' + initOptions.keyResourceID));
if (version !== 'v1' || initOptions.protocolVersion !== 'v1') say({ errorMessage: 'another protocol' });
else if (methodName === 'publicKey') say({ publicKey: { publicKeyPEM: Buffer.from(createPublicKey(key).export({ format: 'pem', type: 'spki' })).toString('base64') } });
else {
  const hash = { 5: 'sha256', 6: 'sha384', 7: 'sha512' }[signMessage.signOptions.messageOptions.hashFunc ?? initOptions.hashFunc];
  const signature = sign(key.asymmetricKeyType === 'ed25519' ? null : hash, readFileSync(0), key);
  say({ signMessage: { signature: signature.toString('base64') } });
}`;

let token: Promise<SoftToken | undefined> | undefined;

/** One token for the whole run; undefined where SoftHSM is not installed. */
export function sharedToken(): Promise<SoftToken | undefined> {
  token ??= softToken();
  return token;
}

const vault = (scheme: 'hashivault' | 'openbao'): Keeper => ({
  name: `${scheme}://`,
  kinds: [...CLASSICAL, 'ed25519'],
  async keep(kind, scope) {
    const server = await serve(new FakeVault(), scope);
    // Rotated twice, so that the newest is not the first.
    for (const key of [generateKeyPair('ecdsa-p256').privateKey, generateKeyPair('ecdsa-p256').privateKey, keyOf(kind)]) server.add('release', key);
    const prefix = scheme === 'openbao' ? 'BAO' : 'VAULT';
    const environment = { [`${prefix}_ADDR`]: server.url, [`${prefix}_TOKEN`]: VAULT_TOKEN };
    return { reference: `${scheme}://release`, options: { environment, tls }, publicKey: publicKeyOf(keyOf(kind)), version: /^3$/, server };
  },
});

export const KEEPERS: readonly Keeper[] = [
  {
    name: 'a key file',
    kinds: ['ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521', 'rsa3072', 'ed25519', 'ml-dsa-65'],
    async keep(kind, { folder }) {
      const path = join(folder, 'cosign.key');
      writeFileSync(path, await pairOf(kind).sealed);
      return { reference: path, options: { secret }, publicKey: publicKeyOf(keyOf(kind)) };
    },
  },
  {
    name: 'env://',
    kinds: ['ecdsa-p256', 'rsa2048'],
    async keep(kind) {
      return {
        reference: 'env://SIGNING_KEY',
        options: { secret, environment: { SIGNING_KEY: await pairOf(kind).sealed } },
        publicKey: publicKeyOf(keyOf(kind)),
      };
    },
  },
  {
    name: 'k8s://',
    kinds: ['ecdsa-p256', 'rsa2048'],
    async keep(kind, scope) {
      const server = await serve(new FakeKubernetes(), scope);
      const publicKey = publicKeyOf(keyOf(kind));
      server.secrets.set('ci/release', { 'cosign.key': await pairOf(kind).sealed, 'cosign.password': PASSWORD, 'cosign.pub': encodePublicKeyPem(publicKey) });
      return { reference: 'k8s://ci/release', options: { environment: { KUBECONFIG: kubeconfig(scope.folder, server) } }, publicKey };
    },
  },
  {
    name: 'pkcs11:',
    kinds: [...CLASSICAL, 'ed25519'],
    async keep(kind) {
      const soft = await sharedToken();
      if (!soft) throw new Error('SoftHSM is not installed');
      await soft.add(kind, keyOf(kind));
      return { reference: soft.reference(kind), options: { environment: soft.environment }, publicKey: publicKeyOf(keyOf(kind)) };
    },
  },
  {
    name: 'a plugin',
    kinds: ['ecdsa-p256', 'ecdsa-p384', 'rsa2048', 'ed25519'],
    async keep(kind, { folder }) {
      const path = join(folder, 'key.pem');
      writeFileSync(path, keyOf(kind).export({ format: 'pem', type: 'pkcs8' }));
      return { reference: `honest:/${path}`, options: { environment: writePlugin(folder, 'honest', HONEST_PLUGIN) }, publicKey: publicKeyOf(keyOf(kind)) };
    },
  },
  {
    name: 'awskms://',
    kinds: [...CLASSICAL, 'ecdsa-p521', 'ed25519', 'ml-dsa-65'],
    longestMessage: 4096,
    async keep(kind, scope) {
      const server = await serve(new FakeAwsKms(), scope);
      const arn = server.add('12345678-1234-1234-1234-123456789012', keyOf(kind), 'alias/release');
      return {
        reference: `awskms://${server.host}/alias/release`,
        options: { environment: AWS_ACCESS, tls },
        publicKey: publicKeyOf(keyOf(kind)),
        version: new RegExp(`^${arn}$`),
        server,
      };
    },
  },
  {
    name: 'gcpkms://',
    kinds: [...CLASSICAL, 'ed25519'],
    longestMessage: 64 * 1024,
    async keep(kind, scope) {
      const server = await serve(new FakeGoogleKms(), scope);
      const name = 'projects/p/locations/global/keyRings/r/cryptoKeys/release';
      // Twelve versions, of which the last is disabled: the newest is neither the last listed nor the last by its letters.
      for (let i = 0; i < 10; i++) server.add(name, generateKeyPair('ecdsa-p256').privateKey);
      server.add(name, keyOf(kind));
      server.setState(name, server.add(name, generateKeyPair('ecdsa-p256').privateKey), 'DISABLED');
      const environment = { GOOGLE_OAUTH_ACCESS_TOKEN: GOOGLE_TOKEN, CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS: `${server.url}/` };
      return { reference: `gcpkms://${name}`, options: { environment, tls }, publicKey: publicKeyOf(keyOf(kind)), version: /^11$/, server };
    },
  },
  {
    name: 'azurekms://',
    kinds: [...CLASSICAL, 'ecdsa-p521'],
    async keep(kind, scope) {
      const server = await serve(new FakeAzureKeyVault(), scope);
      server.add('release', generateKeyPair('ecdsa-p256').privateKey);
      const version = server.add('release', keyOf(kind));
      const environment = { ...AZURE_CLIENT, AZURE_AUTHORITY_HOST: server.url };
      return {
        reference: `azurekms://${server.host}/release`,
        options: { environment, tls },
        publicKey: publicKeyOf(keyOf(kind)),
        version: new RegExp(`^${version}$`),
        server,
      };
    },
  },
  vault('hashivault'),
  vault('openbao'),
];
