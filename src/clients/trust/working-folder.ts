/**
 * A trust repository in the making, as one folder that people share (in Git, or on a stick that goes around):
 *
 *     trust-folder.json   who signs for which role, and how long documents are good
 *     content/            what shall hold: keys, denials, policies, exceptions, the trusted root
 *     staged/             the documents that wait for signatures
 *     repository/         what is in force, complete
 */
import { join } from 'node:path';
import { rm } from 'node:fs/promises';
import { encodePublicKeyPem, parsePublicKeyPem } from '../../core/crypto/index.ts';
import { equalBytes, type JsonObject, LIMITS, parseJsonObject, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import {
  currentNames,
  ownerOf,
  readRepository,
  type RepositoryFiles,
  type SignerKeys,
  SIGNING_ROLES,
  type SigningRole,
  STAGED_ROLES,
  type StagedRole,
  stageTrust,
  type TrustChain,
  type TrustPlan,
} from '../../core/trust/index.ts';
import { listFiles, readIfThere, readIfThereSync, writeFile } from './files.ts';

const SETTINGS = 'trust-folder.json';
const DAY = 86_400_000;

export interface FolderSettings {
  readonly signers: Readonly<Record<SigningRole, SignerKeys>>;
  readonly days: { readonly root: number; readonly roles: number };
  readonly leaseSeconds: number;
}

/** A working folder at one moment. */
export interface Work {
  readonly folder: string;
  readonly settings: FolderSettings;
  readonly plan: TrustPlan;
  readonly published: TrustChain | undefined;
  readonly staged: ReadonlyMap<StagedRole, Uint8Array>;
}

export function planOf(settings: FolderSettings, files: ReadonlyMap<string, Uint8Array>): TrustPlan {
  return { signers: settings.signers, files, lifetime: { root: settings.days.root * DAY, roles: settings.days.roles * DAY } };
}

/** Throws ERR_TRUST_PLAN where there is no working folder. */
export async function openWork(folder: string, now: number, renew: readonly StagedRole[] = []): Promise<Work> {
  const bytes = await readIfThere(join(folder, SETTINGS), LIMITS.documentBytes);
  if (!bytes)
    throw new SealwardError('ERR_TRUST_PLAN', `${JSON.stringify(folder)} is no working folder of a trust repository`, {
      hint: 'Make one with `sealward trust init`, or name it with --folder.',
    });
  const settings = parseSettings(bytes);
  const plan = planOf(settings, await readContent(folder));
  const published = await readPublished(join(folder, 'repository'));
  const staged = stageTrust(published, plan, await readStaged(folder), now, renew);
  return { folder, settings, plan, published, staged };
}

async function readContent(folder: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const path of await listFiles(join(folder, 'content'))) {
    if (!ownerOf(path))
      throw new SealwardError('ERR_TRUST_PLAN', `content/${path} is no file of a trust repository`, {
        hint: 'Policies lie in content/policy and exceptions in content/exceptions, each as NAME.yaml or NAME.json.',
      });
    const bytes = await readIfThere(join(folder, 'content', path), LIMITS.documentBytes);
    if (bytes) files.set(path, bytes);
  }
  return files;
}

async function readStaged(folder: string): Promise<Map<StagedRole, Uint8Array>> {
  const staged = new Map<StagedRole, Uint8Array>();
  for (const role of STAGED_ROLES) {
    const bytes = await readIfThere(join(folder, 'staged', `${role}.json`), LIMITS.tufTargetsBytes);
    if (bytes) staged.set(role, bytes);
  }
  return staged;
}

/** What a folder has published, of which only that is read; undefined where that is nothing yet. */
export async function readPublished(repository: string): Promise<TrustChain | undefined> {
  // A first publication that was cut off has everything but its timestamp, and is done again.
  if (!(await readIfThere(join(repository, 'timestamp.json'), LIMITS.tufTimestampBytes))) return undefined;
  return readRepository((name) => readIfThereSync(join(repository, name), LIMITS.tufTargetsBytes));
}

/** What a client needs of a repository who comes now, by name, the timestamp last. */
export async function readCurrent(repository: string): Promise<Map<string, Uint8Array>> {
  const chain = await readPublished(repository);
  if (!chain) throw new SealwardError('ERR_TRUST_PLAN', `${JSON.stringify(repository)} holds no trust repository`);
  const files = new Map<string, Uint8Array>();
  for (const name of currentNames(chain)) {
    const bytes = await readIfThere(join(repository, name), LIMITS.tufTargetsBytes);
    if (bytes) files.set(name, bytes);
  }
  return files;
}

export async function writeSettings(folder: string, settings: FolderSettings): Promise<void> {
  await writeFile(join(folder, SETTINGS), utf8(`${JSON.stringify(settingsJson(settings), null, 2)}\n`));
}

/** @param bytes undefined removes the file. */
export async function writeContent(folder: string, path: string, bytes: Uint8Array | undefined): Promise<void> {
  if (!ownerOf(path)) throw new SealwardError('ERR_TRUST_PLAN', `${JSON.stringify(path)} is no file of a trust repository`);
  const place = join(folder, 'content', path);
  if (bytes) await writeFile(place, bytes);
  else await rm(place, { force: true });
}

/** What waits for signatures, and nothing else. */
export async function writeStaged(folder: string, staged: ReadonlyMap<StagedRole, Uint8Array>): Promise<void> {
  for (const role of STAGED_ROLES) {
    const bytes = staged.get(role);
    const place = join(folder, 'staged', `${role}.json`);
    if (bytes) await writeFile(place, bytes);
    else await rm(place, { force: true });
  }
}

/** In the order of the map, which ends with the timestamp: whoever reads meanwhile finds the state before or the one after. */
export async function writeRepository(repository: string, files: RepositoryFiles): Promise<void> {
  for (const [name, bytes] of files) await writeFile(join(repository, name), bytes);
}

/** All that one repository holds, past versions too, into another folder; what is there already is not written again. */
export async function copyRepository(from: string, to: string): Promise<void> {
  const names = await listFiles(from);
  const known = new Set(await listFiles(to));
  for (const name of [...names.filter((one) => one !== 'timestamp.json'), ...names.filter((one) => one === 'timestamp.json')]) {
    const bytes = await readIfThere(join(from, name), LIMITS.tufTargetsBytes);
    const held = known.has(name) ? await readIfThere(join(to, name), LIMITS.tufTargetsBytes) : undefined;
    if (bytes && !(held && equalBytes(held, bytes))) await writeFile(join(to, name), bytes);
  }
}

function settingsJson({ signers, days, leaseSeconds }: FolderSettings): JsonObject {
  const roles = SIGNING_ROLES.map((role): [string, JsonObject] => {
    const { keys, threshold } = signers[role];
    return [role, { threshold, keys: keys.map(({ key, holder }) => ({ ...(holder === undefined ? {} : { holder }), publicKey: encodePublicKeyPem(key) })) }];
  });
  return { roles: Object.fromEntries(roles), days: { ...days }, leaseSeconds };
}

function parseSettings(bytes: Uint8Array): FolderSettings {
  const document = parseJsonObject(bytes, { what: SETTINGS });
  const bad = (why: string): never => {
    throw new SealwardError('ERR_TRUST_PLAN', `${SETTINGS}: ${why}`);
  };
  const object = (value: unknown, what: string): JsonObject =>
    value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as JsonObject) : bad(`${what} is not an object`);
  const count = (value: unknown, what: string): number =>
    typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : bad(`${what} is not a whole number from 1`);
  const roles = object(document['roles'], 'roles');
  const days = object(document['days'], 'days');
  const signers = SIGNING_ROLES.map((role): [SigningRole, SignerKeys] => {
    const { threshold, keys } = object(roles[role], `roles.${role}`);
    if (!Array.isArray(keys) || keys.length > LIMITS.tufKeys) return bad(`roles.${role}.keys is not a list, or too long`);
    const list = keys.map((one) => {
      const { holder, publicKey } = object(one, `a key of roles.${role}`);
      if (typeof publicKey !== 'string' || (holder !== undefined && typeof holder !== 'string'))
        return bad(`a key of roles.${role} has a member of another type`);
      return { key: parsePublicKeyPem(publicKey, `a key of roles.${role}`), ...(holder === undefined ? {} : { holder }) };
    });
    return [role, { threshold: count(threshold, `roles.${role}.threshold`), keys: list }];
  });
  return {
    signers: Object.fromEntries(signers) as Record<SigningRole, SignerKeys>,
    days: { root: count(days['root'], 'days.root'), roles: count(days['roles'], 'days.roles') },
    leaseSeconds: count(document['leaseSeconds'], 'leaseSeconds'),
  };
}
