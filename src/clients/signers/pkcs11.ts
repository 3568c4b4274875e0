/** pkcs11: URIs: keys on a token or in an HSM, through the vendor's module in a process of its own. */
import { type Algorithm, defaultAlgorithm, hash, type PublicKey, type SchemeName } from '../../core/crypto/index.ts';
import { concatBytes, decodeBase64, decodeUtf8, encodeBase64 } from '../../core/encoding/index.ts';
import { invariant, SealwardError } from '../../core/errors.ts';
import { fromAnswer } from '../cloud/index.ts';
import type { Answer, Failure, KeyWanted, Mechanism } from './pkcs11-messages.ts';
import { modulePath } from './pkcs11-module.ts';
import { startTokenProcess, type TokenProcess } from './pkcs11-process.ts';
import { publicKeyOnToken } from './pkcs11-public-key.ts';
import { type Pkcs11Uri, parsePkcs11Uri } from './pkcs11-uri.ts';
import type { Call, KeyOpener, ProviderContext, ProviderKey } from './provider.ts';

type KeyAnswer = Extract<Answer, { is: 'key' }>;

/** DigestInfo of SHA-256 (RFC 8017 section 9.2, note 1), for tokens that leave hashing to us. */
const SHA256_DIGEST_INFO = Uint8Array.from([0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20]);

export const pkcs11Keys: KeyOpener = {
  async openKey(reference, context): Promise<ProviderKey> {
    const { token, key, publicKey } = await open(reference, 'sign', context);
    const algorithm = defaultAlgorithm(publicKey);
    const mechanism = mechanismFor(algorithm, key, context.name);
    return { publicKey, algorithm, sign: (message, call) => sign(token, mechanism, algorithm, message, call, context.name), close: () => token.close() };
  },
  async openPublicKey(reference, context) {
    const { token, publicKey } = await open(reference, 'public-key', context);
    await token.close();
    return publicKey;
  },
};

async function open(
  reference: string,
  purpose: 'sign' | 'public-key',
  context: ProviderContext,
): Promise<{ token: TokenProcess; key: KeyAnswer; publicKey: PublicKey }> {
  const { name, environment, clock } = context;
  const uri = parsePkcs11Uri(reference);
  const module = modulePath(uri, environment, name);
  const question = { do: 'open', addon: environment['SEALWARD_PKCS11JS'] || 'pkcs11js', module, key: wantedKey(uri), purpose } as const;
  const token = startTokenProcess(name, environment, clock);
  try {
    const what = `the key ${name}`;
    // The PIN is read only once the token is there and asks for it.
    let answer = await token.ask(question, what, context.call());
    if (answer.is === 'pin-wanted') answer = await token.ask({ ...question, pin: await pinFor(uri, answer.token, context) }, what, context.call());
    if (answer.is === 'failure') throw failed(answer.failure, context.name);
    invariant(answer.is === 'key', 'the process of the token answers with the key');
    const { publicKey } = answer;
    return { token, key: answer, publicKey: fromAnswer(what, () => publicKeyOnToken(publicKey, `the public key of ${name}`)) };
  } catch (error) {
    await token.close();
    throw error;
  }
}

function wantedKey({ token, serial, manufacturer, model, slotId, object, id }: Pkcs11Uri): KeyWanted {
  return {
    ...(token === undefined ? {} : { token }),
    ...(serial === undefined ? {} : { serial }),
    ...(manufacturer === undefined ? {} : { manufacturer }),
    ...(model === undefined ? {} : { model }),
    ...(slotId === undefined ? {} : { slotId }),
    ...(object === undefined ? {} : { object }),
    ...(id === undefined ? {} : { id: encodeBase64(id) }),
  };
}

/** pin-source, then COSIGN_PKCS11_PIN, then whoever can be asked. */
async function pinFor(uri: Pkcs11Uri, token: string, { environment, readFile, secret }: ProviderContext): Promise<string> {
  if (uri.pinSource !== undefined) return decodeUtf8(readFile(uri.pinSource, 1024, 'the PIN file'), 'the PIN file').replace(/\r?\n$/, '');
  const given = environment['COSIGN_PKCS11_PIN'];
  if (given !== undefined && given !== '') return given;
  return secret({ kind: 'PIN', of: `the token "${token}"` });
}

const MECHANISMS: Partial<Record<SchemeName, readonly Mechanism[]>> = { ecdsa: ['ECDSA'], ed25519: ['EDDSA'], 'rsa-pkcs1': ['SHA256_RSA_PKCS', 'RSA_PKCS'] };

function mechanismFor({ scheme, id }: Algorithm, { mechanisms, token }: KeyAnswer, name: string): Mechanism {
  const found = MECHANISMS[scheme]?.find((mechanism) => mechanisms.includes(mechanism));
  if (found === undefined) throw new SealwardError('ERR_KEY_INVALID', `the token "${token}" with ${name} does not sign with ${id}`);
  return found;
}

async function sign(token: TokenProcess, mechanism: Mechanism, { hash: name }: Algorithm, message: Uint8Array, call: Call, key: string): Promise<Uint8Array> {
  const input = {
    ECDSA: () => hash(name ?? 'sha256', message),
    RSA_PKCS: () => concatBytes(SHA256_DIGEST_INFO, hash('sha256', message)),
    SHA256_RSA_PKCS: () => message,
    EDDSA: () => message,
  }[mechanism]();
  const what = `a signature by ${key}`;
  const answer = await token.ask({ do: 'sign', mechanism, message: encodeBase64(input) }, what, call);
  if (answer.is === 'failure') throw failed(answer.failure, key);
  if (answer.is !== 'signature') throw new SealwardError('ERR_KEY_ANSWER', `${key} answered without a signature`);
  return fromAnswer(what, () => decodeBase64(answer.signature, what));
}

const DENIED =
  /CKR_(?:PIN_|USER_NOT_LOGGED_IN|USER_PIN_NOT_INITIALIZED|KEY_FUNCTION_NOT_PERMITTED|ACTION_PROHIBITED|FUNCTION_REJECTED|CANCEL|FUNCTION_CANCELED)/;

function failed({ kind, text }: Failure, name: string): SealwardError {
  switch (kind) {
    case 'addon':
      return new SealwardError('ERR_KEY_PROVIDER_MISSING', `the package pkcs11js, through which ${name} is reached, cannot be loaded: ${text}`, {
        hint: 'Run `npm install pkcs11js@2.1.7` beside sealward (it needs a C++ compiler and Python); in a clone of sealward run `npm run build:pkcs11` and set SEALWARD_PKCS11JS as it says.',
      });
    case 'module':
      return new SealwardError('ERR_KEY_PROVIDER_MISSING', `the PKCS#11 module for ${name} cannot be loaded: ${text}`, {
        hint: 'Check that module-path names a PKCS#11 module for this machine.',
      });
    case 'no-token':
    case 'no-key':
    case 'no-public-key':
      return new SealwardError('ERR_KEY_NOT_FOUND', `${name}: ${text}`, { hint: 'List what is there with `pkcs11-tool --module MODULE --list-objects`.' });
    case 'several-tokens':
      return new SealwardError('ERR_KEY_REFERENCE', `${name}: ${text}`, { hint: 'Add token=, serial= or slot-id= to the URI, so that one is left.' });
    case 'several-keys':
      return new SealwardError('ERR_KEY_REFERENCE', `${name}: ${text}`, { hint: 'Add id= or object= to the URI, so that one is left.' });
    case 'cryptoki':
      if (DENIED.test(text)) {
        return new SealwardError('ERR_KEY_DENIED', `the token refuses ${name}: ${text}`, {
          hint: 'Check the PIN. It is tried once and no more; too many wrong ones lock the token.',
        });
      }
      return new SealwardError('ERR_KEY_UNAVAILABLE', `the token failed with ${name}: ${text}`);
  }
}
