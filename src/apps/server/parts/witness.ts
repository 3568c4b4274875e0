/** A witness for the logs of others: it cosigns what follows from what it cosigned before, and nothing else. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Witness } from '../../../clients/witness/index.ts';
import { utf8 } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { encodeVerifierKey, NOTE_KEY_TYPE, type NoteKey, type NoteKeyType, noteVerifier, type NoteVerifier, parseLogPolicy } from '../../../core/tlog/index.ts';
import { openPostgresWitness, openWitnessFile, type WitnessMemory, witnessRoutes } from '../../../services/log/index.ts';
import type { ServerConfig, WitnessConfig } from '../config.ts';
import type { OpenedPart, ServerContext } from '../context.ts';
import { readSecret, readText } from '../files.ts';

const PREFIX = '/witness';

export async function openWitness({ config, keys, clock, metrics, state }: ServerContext, settings: WitnessConfig): Promise<OpenedPart> {
  const { key, besides, name } = settings;
  const opened = [await cosigner(name, key, keys, NOTE_KEY_TYPE.cosignature)];
  if (besides !== undefined) opened.push(await cosigner(name, besides, keys, NOTE_KEY_TYPE.subtree));
  const logs = readLogs(settings.logs);
  // What the server itself remembers: that this key has cosigned, so that there is a memory.
  const mark = `witness:${(await keys.open(key)).publicKey().fingerprint}`;
  const memory = await openMemory(config, settings, (await state.raise(mark, 0)) > 0);
  await state.raise(mark, 1);
  const witness = new Witness({ logs, keys: opened.map(({ noteKey }) => noteKey), store: memory, clock: () => clock.now() });
  metrics.gauge('sealward_witness_logs', 'Logs that this witness cosigns', () => logs.size);
  return {
    routes: witnessRoutes(witness, PREFIX),
    part: {
      name: 'witness',
      problem: () => memory.failure()?.message,
      describe: () => ({ url: `${config.url}${PREFIX}`, keys: opened.map(({ vkey }) => vkey), logs: [...logs.keys()] }),
      close: () => memory.close(),
    },
  };
}

/** Under the origin by which its key is named; one with several keys is cosigned when any of them signed. */
function readLogs(path: string): ReadonlyMap<string, readonly NoteVerifier[]> {
  const logs = new Map<string, NoteVerifier[]>();
  for (const { verifier } of parseLogPolicy(utf8(readText(path, 'the list of logs'))).logs)
    logs.set(verifier.name, [...(logs.get(verifier.name) ?? []), verifier]);
  if (logs.size === 0) throw new SealwardError('ERR_CONFIG_INVALID', `the list of logs ${path} names none`, { hint: 'One line for each: log VKEY.' });
  return logs;
}

async function cosigner(
  name: string,
  reference: string,
  keys: ServerContext['keys'],
  type: NoteKeyType,
): Promise<{ readonly noteKey: NoteKey; readonly vkey: string }> {
  const signer = await keys.open(reference);
  const key = signer.publicKey();
  const wanted = type === NOTE_KEY_TYPE.cosignature ? 'ed25519' : 'ml-dsa';
  if (key.kind !== wanted)
    throw new SealwardError('ERR_STATE_INVALID', `the key ${reference} of the witness is none of ${wanted === 'ed25519' ? 'Ed25519' : 'ML-DSA-44'}`);
  const verifier = noteVerifier(name, type, key);
  return { noteKey: { verifier, sign: (message) => signer.sign(message) }, vkey: encodeVerifierKey(verifier, type) };
}

async function openMemory({ database }: ServerConfig, { memory }: WitnessConfig, known: boolean): Promise<WitnessMemory> {
  if ('urlFile' in database) return openPostgresWitness(readSecret(database.urlFile, 'the URL of the database'));
  if (!known) mkdirSync(dirname(memory), { recursive: true, mode: 0o700 });
  return openWitnessFile(memory, known);
}
