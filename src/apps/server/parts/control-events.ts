/** What the server writes into its control log of itself: which keys and which configuration are in force since when, and what was published. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readPublished } from '../../../clients/trust/index.ts';
import { parseEnvelope, parseStatement } from '../../../core/bundle/index.ts';
import { describeKey, sha256 } from '../../../core/crypto/index.ts';
import { encodeHex, type JsonObject, type JsonValue, parseJsonObject, utf8 } from '../../../core/encoding/index.ts';
import { metadataName, signersOf, type TrustChain } from '../../../core/trust/index.ts';
import type { ControlLog } from '../../../services/log/index.ts';
import type { ServerState } from '../../../services/store/index.ts';
import type { ServerConfig } from '../config.ts';
import type { ServerContext } from '../context.ts';
import { readText } from '../files.ts';

const ACTOR = 'server';
/** The mark in the state: the index of the newest start in the control log, and one. */
const START = 'control-start';
/** Of files in one event; who wants to know of more reads the metadata that its subject names. */
const MOST_FILES = 100;

export interface KeyInForce {
  readonly algorithm: string;
  /** Of its SPKI. */
  readonly sha256: string;
  /** When a server first started with it, as the control log has it. */
  readonly since: string;
}

interface Before {
  readonly config: string;
  /** Fingerprints of keys, by name. */
  readonly keys: Readonly<Record<string, string>>;
  readonly since: Readonly<Record<string, string>>;
}

/** Each key by the name that it has in the configuration. */
export function keysInUse({ authority, certificateLog, timestamp, identity, trust, log, control, witness }: ServerConfig): ReadonlyMap<string, string> {
  const named = {
    log: log?.key,
    authority: authority?.key,
    'certificate-log': certificateLog?.key,
    'control-log': control?.key,
    auditor: control?.auditor,
    timestamp: timestamp?.key,
    identity: identity?.key,
    trust: trust?.key,
    witness: witness?.key,
    'witness, post-quantum': witness?.besides,
  };
  return new Map(Object.entries(named).flatMap(([name, key]) => (key === undefined ? [] : [[name, key] as const])));
}

/**
 * Says what is not as it was at the start before, and then that the server starts. A crash in between says it again: an event
 * may stand there twice, and none is missing.
 */
export async function recordStart(
  control: ControlLog,
  { config, keys, state, now }: Pick<ServerContext, 'config' | 'keys' | 'state' | 'now'>,
): Promise<ReadonlyMap<string, KeyInForce>> {
  const before = await startBefore(control, state);
  const file = encodeHex(sha256(utf8(readText(config.file, 'the configuration'))));
  const events: Promise<unknown>[] = [];
  const inUse: Record<string, string> = {};
  const since: Record<string, string> = {};
  const inForce = new Map<string, KeyInForce>();
  for (const [name, reference] of keysInUse(config)) {
    const key = (await keys.open(reference)).publicKey();
    const previous = before?.keys[name];
    inUse[name] = key.fingerprint;
    since[name] = (previous === key.fingerprint ? before?.since[name] : undefined) ?? new Date(now()).toISOString();
    inForce.set(name, { algorithm: describeKey(key), sha256: key.fingerprint, since: since[name] });
    if (previous === key.fingerprint) continue;
    const details = { algorithm: describeKey(key), ...(previous === undefined ? {} : { previous }) };
    events.push(control.record({ kind: 'key', action: 'activate', actor: ACTOR, subject: { name, sha256: key.fingerprint }, details }));
    if (previous !== undefined) {
      const successor = { successor: key.fingerprint };
      events.push(control.record({ kind: 'key', action: 'retire', actor: ACTOR, subject: { name, sha256: previous }, details: successor }));
    }
  }
  if (before?.config !== file) {
    const details = before ? { previous: before.config } : {};
    events.push(control.record({ kind: 'policy', action: 'configure', actor: ACTOR, subject: { name: 'server.yaml', sha256: file }, details }));
  }
  await Promise.all(events);
  const { index } = await control.record({
    kind: 'access',
    action: 'start',
    actor: ACTOR,
    // Which configuration was in force, for whoever asks later.
    subject: { name: 'server.yaml', sha256: file },
    details: { roles: [...config.roles], keys: { ...before?.keys, ...inUse }, since: { ...before?.since, ...since } },
  });
  await state.raise(START, Number(index) + 1);
  return inForce;
}

/** As the log itself has it; nothing when it is another log than the one that the mark is of. */
async function startBefore(control: ControlLog, state: ServerState): Promise<Before | undefined> {
  const mark = await state.raise(START, 0);
  const bundle = mark === 0 ? undefined : await control.bundle(BigInt(mark - 1));
  if (bundle === undefined) return undefined;
  const { dsseEnvelope } = parseJsonObject(utf8(bundle), { what: 'an entry of the control log' });
  const { predicate, subjects } = parseStatement(parseEnvelope(utf8(JSON.stringify(dsseEnvelope))).payload);
  const { action, details } = members(predicate);
  if (action !== 'start') return undefined;
  const { keys, since } = members(details);
  return { config: subjects[0]?.digest['sha256'] ?? '', keys: texts(keys), since: texts(since) };
}

function texts(value: JsonValue | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(members(value)).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

function members(value: JsonValue | undefined): JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : {};
}

/** Each version of the trust repository that people signed, once it is served. What the server itself signs, every few hours, is not written down. */
export async function recordPublished(control: ControlLog, state: ServerState, repository: string): Promise<void> {
  const published = await readPublished(repository);
  if (!published) return;
  for (const [role, version] of versionsOf(published)) {
    const mark = `published:${role}`;
    const before = await state.raise(mark, 0);
    if (version <= before) continue;
    const sha256Hex = encodeHex(sha256(new Uint8Array(await readFile(join(repository, metadataName(role, version))))));
    await control.record({
      kind: 'policy',
      action: 'publish',
      actor: 'trust',
      subject: { name: `${role}.json`, sha256: sha256Hex },
      details: { version, ...(before === 0 ? {} : { previous: before }), ...described(published, role) },
    });
    await state.raise(mark, version);
  }
}

function versionsOf({ metadata }: TrustChain): (readonly [string, number])[] {
  return [['root', metadata.root.version], ...[...metadata.targets].map(([role, { version }]) => [role, version] as const)];
}

/** Who signed it, by the fingerprints of their keys, and for what. */
function described({ metadata }: TrustChain, role: string): JsonObject {
  const { root, targets } = metadata;
  if (role === 'root') return { signedBy: [...signersOf(root.roles.root, root)] };
  const document = targets.get(role);
  const signers = role === 'targets' ? root.roles.targets : targets.get('targets')?.delegations.find(({ name }) => name === role);
  const files = [...(document?.files ?? [])];
  return {
    signedBy: document && signers ? [...signersOf(signers, document)] : [],
    files: Object.fromEntries(files.slice(0, MOST_FILES).map(([path, { hashes }]) => [path, hashes['sha256'] ?? ''])),
    ...(files.length > MOST_FILES ? { moreFiles: files.length - MOST_FILES } : {}),
  };
}
