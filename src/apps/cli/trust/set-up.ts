/** `sealward trust init` and `trust role`: who signs for what. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type FolderSettings, openWork, planOf, writeContent, writeSettings } from '../../../clients/trust/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import {
  DENIALS_FILE,
  encodeDenials,
  encodeKeyList,
  encodeSettings,
  KEYS_FILE,
  type LeaseTier,
  metadataAlgorithm,
  SETTINGS_FILE,
  SIGNING_ROLES,
  type SignerKeys,
  type SigningRole,
  stageTrust,
} from '../../../core/trust/index.ts';
import { parseDuration } from '../duration.ts';
import { type Asked, publicKeyOf, stageAndReport, usage, withSigners, wordOf } from './desk.ts';

const WEEK_SECONDS = 7 * 86_400;

async function signerOf(invocation: Asked, text: string): Promise<SignerKeys['keys'][number]> {
  const at = text.indexOf('=');
  if (at <= 0) throw usage(`--signer is NAME=KEY, and not ${JSON.stringify(text.slice(0, 80))}`);
  const key = await publicKeyOf(invocation, text.slice(at + 1));
  metadataAlgorithm(key);
  return { key, holder: text.slice(0, at) };
}

async function signersOf(invocation: Asked): Promise<SignerKeys['keys'][number][]> {
  const keys: SignerKeys['keys'][number][] = [];
  for (const text of invocation.flags.signer) keys.push(await signerOf(invocation, text));
  return keys;
}

export async function init(invocation: Asked): Promise<number> {
  const { flags, terminal } = invocation;
  if (existsSync(join(flags.folder, 'trust-folder.json')))
    throw new SealwardError('ERR_FILE_EXISTS', `${JSON.stringify(flags.folder)} is a working folder already`);
  const people = await signersOf(invocation);
  if (people.length === 0)
    throw new SealwardError('ERR_FLAG_CONFLICT', '--signer is missing', { hint: 'Write --signer NAME=KEY for each person who shall sign.' });
  const classical = people.filter(({ key }) => key.kind !== 'ml-dsa');
  const online: SignerKeys['keys'][number][] = [];
  for (const reference of flags['online-key']) online.push({ key: await publicKeyOf(invocation, reference), holder: 'online' });
  const threshold = flags.threshold ?? Math.min(2, classical.length);
  if (threshold === 1) terminal.warn('one signature is enough for everything: whoever has one of these keys can widen trust alone');
  const signersFor = (role: SigningRole): SignerKeys => {
    if (role === 'timestamp' || role === 'snapshot') return { keys: online.length > 0 ? online : classical, threshold: 1 };
    if (role === 'root' || role === 'targets') return { keys: people, threshold };
    return { keys: classical, threshold: role === 'deny' ? 1 : threshold };
  };
  const settings: FolderSettings = {
    signers: Object.fromEntries(SIGNING_ROLES.map((role) => [role, signersFor(role)])) as unknown as FolderSettings['signers'],
    days: { root: 365, roles: 365 },
    leaseSeconds: flags.lease === undefined ? WEEK_SECONDS : Math.ceil(flags.lease / 1000),
  };
  const tiers = flags.tier.map(tierOf);
  // Whoever could never sign is found before the folder is there.
  stageTrust(undefined, planOf(settings, new Map()), new Map(), Date.now());
  return withSigners(invocation, async (signers) => {
    await writeContent(flags.folder, KEYS_FILE, encodeKeyList([]));
    await writeContent(flags.folder, DENIALS_FILE, encodeDenials([]));
    if (tiers.length > 0) await writeContent(flags.folder, SETTINGS_FILE, encodeSettings({ tiers }));
    // Last: with it the folder is one.
    await writeSettings(flags.folder, settings);
    return stageAndReport(invocation, signers);
  });
}

function tierOf(text: string): LeaseTier {
  const at = text.indexOf('=');
  if (at <= 0) throw usage(`--tier is NAME=DURATION, and not ${JSON.stringify(text.slice(0, 80))}`);
  return { name: text.slice(0, at), duration: Math.ceil(parseDuration(text.slice(at + 1), '--tier') / 1000) * 1000 };
}

export async function role(invocation: Asked): Promise<number> {
  const { flags } = invocation;
  const name = wordOf(invocation, 1, 'the name of a role');
  const known = SIGNING_ROLES.find((one) => one === name);
  if (!known) throw usage(`${JSON.stringify(name.slice(0, 40))} is no role`, `The roles are ${SIGNING_ROLES.join(', ')}.`);
  const added = await signersOf(invocation);
  return withSigners(invocation, async (signers) => {
    const { settings } = await openWork(flags.folder, Date.now());
    const before = settings.signers[known];
    for (const gone of flags.remove)
      if (!before.keys.some(({ holder }) => holder === gone))
        throw usage(
          `${JSON.stringify(gone.slice(0, 80))} does not sign for ${known}`,
          `Those who do: ${before.keys.map(({ holder }) => holder ?? 'a key without a name').join(', ')}.`,
        );
    // Whoever is added under a name that is there gets a new key.
    const stays = before.keys.filter(({ holder }) => holder === undefined || (!flags.remove.includes(holder) && !added.some((one) => one.holder === holder)));
    const after: SignerKeys = { keys: [...stays, ...added], threshold: flags.threshold ?? before.threshold };
    await writeSettings(flags.folder, { ...settings, signers: { ...settings.signers, [known]: after } });
    try {
      return await stageAndReport(invocation, signers);
    } catch (error) {
      if (error instanceof SealwardError && error.code === 'ERR_TRUST_PLAN') await writeSettings(flags.folder, settings);
      throw error;
    }
  });
}
