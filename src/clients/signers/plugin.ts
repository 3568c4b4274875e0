/**
 * Sigstore's protocol for key plugins, version 1: for NAME://KEY the program sigstore-kms-NAME on PATH is run once for
 * each call, with the version and a JSON document as arguments and the message on stdin, and answers with JSON on stdout.
 * Its exit status means nothing; what it writes on stderr is for the user.
 */
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { type Algorithm, defaultAlgorithm, type PublicKey, parsePublicKeyPem } from '../../core/crypto/index.ts';
import { decodeBase64, decodeUtf8, type JsonObject } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { quoted } from '../../core/artifact/index.ts';
import { fromAnswer, objectOf, parseObject, textOf } from '../cloud/index.ts';
import type { Call, KeyOpener, ProviderContext, ProviderKey } from './provider.ts';
import { within } from './within.ts';

interface Plugin {
  readonly program: string;
  /** The reference without its scheme. */
  readonly key: string;
  readonly context: ProviderContext;
}

const PROTOCOL = 'v1';
/** The numbers of Go's crypto.Hash. */
const HASH_NUMBERS = { sha256: 5, sha384: 6, sha512: 7 } as const;
const MAX_ANSWER_BYTES = 1024 * 1024;

export const pluginKeys: KeyOpener = {
  async openKey(reference, context): Promise<ProviderKey> {
    const plugin = findPlugin(reference, context);
    const publicKey = await readKey(plugin);
    const algorithm = defaultAlgorithm(publicKey);
    return { publicKey, algorithm, sign: (message, call) => sign(plugin, algorithm, message, call) };
  },
  async openPublicKey(reference, context) {
    return readKey(findPlugin(reference, context));
  },
};

function findPlugin(reference: string, context: ProviderContext): Plugin {
  const [, scheme = '', key = ''] = /^([a-z0-9+.-]+):\/\/(.*)$/.exec(reference) ?? [];
  const name = `sigstore-kms-${scheme}`;
  const endings = process.platform === 'win32' ? ['.exe', ''] : [''];
  // Only absolute folders: a program of the working folder must not be run because somebody's PATH holds a dot.
  for (const folder of (context.environment['PATH'] ?? '').split(delimiter).filter((part) => isAbsolute(part))) {
    for (const ending of endings) {
      const program = join(folder, `${name}${ending}`);
      try {
        accessSync(program, constants.X_OK);
        return { program, key, context };
      } catch {
        // The next one.
      }
    }
  }
  throw new SealwardError('ERR_KEY_PROVIDER_MISSING', `no key is reached by ${scheme}://: there is no program ${name} on PATH`, {
    hint: `Check the spelling of the reference, or install the plugin ${name}.`,
  });
}

async function readKey(plugin: Plugin): Promise<PublicKey> {
  const what = `the public key of ${plugin.context.name}`;
  const answer = await run(plugin, 'publicKey', { publicKeyOptions: { rpcOptions: {} } }, HASH_NUMBERS.sha256, new Uint8Array(), what, plugin.context.call());
  const pem = textOf(objectOf(answer, 'publicKey', what), 'publicKeyPEM', what);
  return fromAnswer(what, () => parsePublicKeyPem(decodeUtf8(decodeBase64(pem, what), what), what));
}

async function sign(plugin: Plugin, algorithm: Algorithm, message: Uint8Array, call: Call): Promise<Uint8Array> {
  const what = `a signature by ${plugin.context.name}`;
  const number = HASH_NUMBERS[algorithm.hash ?? 'sha256'];
  const messageOptions = algorithm.hash === undefined ? {} : { hashFunc: number };
  const answer = await run(plugin, 'signMessage', { signOptions: { rpcOptions: {}, messageOptions } }, number, message, what, call);
  const signature = textOf(objectOf(answer, 'signMessage', what), 'signature', what);
  return fromAnswer(what, () => decodeBase64(signature, what));
}

async function run(plugin: Plugin, method: string, options: JsonObject, hashFunc: number, stdin: Uint8Array, what: string, call: Call): Promise<JsonObject> {
  const { context, key } = plugin;
  const ctxDeadline = new Date(Math.min(call.deadline, 8.64e15)).toISOString();
  const initOptions = { ctxDeadline, protocolVersion: PROTOCOL, keyResourceID: key, hashFunc, rpcOptions: {} };
  const args = [PROTOCOL, JSON.stringify({ initOptions, methodName: method, [method]: options })];
  const stdout = await within(context.clock, call, what, ({ signal }) => spawned(plugin, args, stdin, what, signal));
  const answer = parseObject(stdout, what);
  const error = answer['errorMessage'];
  if (typeof error === 'string' && error !== '')
    throw new SealwardError('ERR_KEY_UNAVAILABLE', `${plugin.program} answered the request for ${what} with ${quoted(error, 300)}`);
  return answer;
}

function spawned({ program, context }: Plugin, args: readonly string[], stdin: Uint8Array, what: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const env = Object.fromEntries(Object.entries(context.environment).filter(([, value]) => value !== undefined));
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: unknown): void =>
      reject(new SealwardError('ERR_KEY_UNAVAILABLE', `${program} ${why}, and gave no ${what.replace(/^(?:the|a) /, '')}`, { cause }));
    // Without a shell: the reference is nobody's command line.
    const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    let length = 0;
    const stop = (): void => void child.kill('SIGKILL');
    signal?.addEventListener('abort', stop);
    child.on('error', (cause) => fail('could not be started', cause));
    child.stdin.on('error', () => undefined); // one that reads no message has closed it
    child.stdin.end(stdin);
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAX_ANSWER_BYTES) {
        stop();
        fail(`wrote more than ${MAX_ANSWER_BYTES} bytes`);
      } else chunks.push(chunk);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => context.say(text.slice(0, 4096)));
    child.on('close', (code, killedBy) => {
      signal?.removeEventListener('abort', stop);
      if (killedBy !== null) fail(`was ended by ${killedBy}`);
      else if (length === 0) fail(`ended with ${code} and without a word`);
      else resolve(Uint8Array.from(Buffer.concat(chunks)));
    });
  });
}
