/**
 * The process that loads a vendor's PKCS#11 module, so that its crashes, its locks and its threads are not ours.
 * It answers one question after the other over IPC and ends with its parent. Nothing it writes on stdout is read.
 */
import { createRequire } from 'node:module';
import type { Answer, Numbered, Question } from './pkcs11-messages.ts';
import {
  codeOf,
  type Cryptoki,
  type FoundKey,
  findPrivateKey,
  initializeFlags,
  login,
  mechanismsOf,
  openToken,
  type OpenToken,
  readPublicKey,
  sign,
  TokenFailure,
  wantsPin,
} from './pkcs11-token.ts';

interface State {
  readonly token: OpenToken;
  readonly key: FoundKey | undefined;
  readonly pin: string | undefined;
}

let module: Cryptoki | undefined;
let opened: OpenToken | undefined;
let state: State | undefined;

function answer(question: Question): Answer {
  if (question.do === 'open') return open(question);
  if (!state?.key) throw new TokenFailure('no-key', 'no key is open');
  const signature = sign(state.token, state.key, question.mechanism, Buffer.from(question.message, 'base64'), state.pin);
  return { is: 'signature', signature: signature.toString('base64') };
}

function open({ addon, module: path, key: wanted, purpose, pin }: Extract<Question, { do: 'open' }>): Answer {
  module ??= load(addon, path);
  opened ??= openToken(module, wanted);
  const token = opened;
  if (purpose === 'public-key' && pin === undefined) {
    try {
      return keyAnswer(token, readPublicKey(token, wanted));
    } catch (error) {
      // Some tokens hide everything until the PIN is given.
      if (!(error instanceof TokenFailure) || error.failure.kind !== 'no-public-key' || !wantsPin(token)) throw error;
    }
  }
  if (pin === undefined && wantsPin(token)) return { is: 'pin-wanted', token: token.label };
  login(token, pin);
  const key = findPrivateKey(token, wanted);
  state = { token, key, pin: key.alwaysAuthenticate ? pin : undefined };
  return keyAnswer(token, readPublicKey(token, wanted, key));
}

const keyAnswer = (token: OpenToken, publicKey: ReturnType<typeof readPublicKey>): Answer => ({
  is: 'key',
  token: token.label,
  publicKey,
  mechanisms: mechanismsOf(token),
});

function load(addon: string, path: string): Cryptoki {
  let loaded: { PKCS11: new () => Cryptoki };
  try {
    loaded = createRequire(import.meta.url)(addon) as typeof loaded;
  } catch (error) {
    throw new TokenFailure('addon', error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
  }
  const made = new loaded.PKCS11();
  try {
    made.load(path);
  } catch (error) {
    throw new TokenFailure('module', codeOf(error));
  }
  // Without CKF_OS_LOCKING_OK some modules are not safe beside the threads of Node.
  made.C_Initialize({ flags: initializeFlags });
  return made;
}

function failureOf(error: unknown): Answer {
  return { is: 'failure', failure: error instanceof TokenFailure ? error.failure : { kind: 'cryptoki', text: codeOf(error) } };
}

process.on('message', ({ number, is: question }: Numbered<Question>) => {
  let said: Answer;
  try {
    said = answer(question);
  } catch (error) {
    said = failureOf(error);
  }
  process.send?.({ number, is: said } satisfies Numbered<Answer>);
});
process.on('disconnect', () => process.exit(0));
process.send?.({ number: 0, is: { is: 'ready' } } satisfies Numbered<Answer>);
