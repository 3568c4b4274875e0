/** `sealward trust sign`, `publish` and `rollback`. */
import { join } from 'node:path';
import {
  configMapKey,
  copyRepository,
  folderSource,
  openWork,
  publishTrust,
  readCurrent,
  signStaged,
  writeRepository,
  writeStaged,
} from '../../../clients/trust/index.ts';
import { parseReference } from '../../../core/artifact/index.ts';
import { encodeBase64, LIMITS } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { matchFile, metadataName, ownerOf, parseTargets, type RepositoryFiles, STAGED_ROLES, type StagedRole, targetName } from '../../../core/trust/index.ts';
import { ARTIFACT_PREFIX, pushTrustArtifact } from '../../../sdk/index.ts';
import { replaceFile } from '../file.ts';
import { isoTime } from '../signer-words.ts';
import { checkPolicies } from './checked-policies.ts';
import { type Asked, describeStaged, edit, print, stageAndReport, usage, withSigners, wordOf } from './desk.ts';
import { fileChanges } from './differences.ts';
import { imagesThatChange } from './what-if.ts';

export async function sign(invocation: Asked): Promise<number> {
  const { flags } = invocation;
  const roles = flags.role.map(stagedRole);
  if (flags.key.length === 0) throw new SealwardError('ERR_FLAG_CONFLICT', '`sealward trust sign` needs --key', { hint: 'Give the key that you sign with.' });
  if (flags.renew && roles.length === 0)
    throw new SealwardError('ERR_FLAG_CONFLICT', '--renew needs --role', { hint: `The roles are ${STAGED_ROLES.join(', ')}.` });
  return withSigners(invocation, (signers) => stageAndReport(invocation, signers, roles.length > 0 ? roles : undefined, flags.renew ? roles : []));
}

function stagedRole(name: string): StagedRole {
  return STAGED_ROLES.find((role) => role === name) ?? refuseRole(name);
}

function refuseRole(name: string): never {
  throw usage(`${JSON.stringify(name.slice(0, 40))} is no role that people sign for`, `The roles are ${STAGED_ROLES.join(', ')}.`);
}

export async function publish(invocation: Asked): Promise<number> {
  const { flags, arguments: words } = invocation;
  return withSigners(invocation, async (signers) => {
    const now = Date.now();
    const work = await openWork(flags.folder, now);
    await checkPolicies(invocation, work);
    const { staged } = await signStaged(work.published, work.plan, work.staged, signers);
    const lease = flags.lease ?? work.settings.leaseSeconds * 1000;
    const { files, chain } = await publishTrust(work.published, work.plan, staged, signers, { now, lease });
    const repository = join(work.folder, 'repository');
    await writeRepository(repository, files);
    await writeStaged(work.folder, new Map());
    const to = words[1];
    if (to !== undefined) await deliver(invocation, repository, to);
    const { versions, lease: given, digest } = chain.state;
    print(invocation, {
      published: to ?? repository,
      state: digest,
      versions: { ...versions },
      signedAnew: [...staged.keys()],
      leaseUntil: isoTime(given.endsAt),
    });
    return 0;
  });
}

const CONFIG_MAP = 'configmap:';
/** Kubernetes refuses larger objects (the ConfigMap's own documentation: "1 MiB"). */
const CONFIG_MAP_BYTES = 1024 * 1024;

/** To a folder, as an artifact of a registry, or as the manifest of a ConfigMap. */
async function deliver(invocation: Asked, repository: string, to: string): Promise<void> {
  if (to.startsWith(CONFIG_MAP)) return replaceFile(to.slice(CONFIG_MAP.length), configMap(await readCurrent(repository)));
  if (!to.startsWith(ARTIFACT_PREFIX)) return copyRepository(repository, to);
  const reference = parseReference(to.slice(ARTIFACT_PREFIX.length));
  const connection = (await import('./connection.ts')).connectionFor(invocation.config);
  try {
    const digest = await pushTrustArtifact(connection.ports.registry(), reference, await readCurrent(repository));
    invocation.terminal.say(`Pushed as ${digest}.`);
  } finally {
    connection.close();
  }
}

function configMap(files: RepositoryFiles): string {
  const members = [...files].map(([name, bytes]): [string, string] => [configMapKey(name), encodeBase64(bytes)]);
  const manifest = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'sealward-trust' }, binaryData: Object.fromEntries(members) };
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  if (text.length <= CONFIG_MAP_BYTES) return text;
  throw new SealwardError('ERR_TOO_LARGE', `the ConfigMap would have ${text.length} bytes, and Kubernetes takes ${CONFIG_MAP_BYTES}`, {
    hint: `Serve the repository, or push it as ${ARTIFACT_PREFIX}HOST/REPOSITORY:TAG.`,
  });
}

/** The files of a role as an older version had them, as a new version: nothing goes back but the content. */
export async function rollback(invocation: Asked): Promise<number> {
  const { flags, terminal } = invocation;
  const role = wordOf(invocation, 1, 'policy or exceptions');
  if (role !== 'policy' && role !== 'exceptions')
    throw usage(`${JSON.stringify(role.slice(0, 40))} cannot be rolled back`, 'Policies and exceptions can; keys and denials only move forward.');
  const version = Number(wordOf(invocation, 2, 'the version to go back to'));
  if (!Number.isSafeInteger(version) || version < 1) throw usage('the version is not a number');
  const old = await filesAt(join(flags.folder, 'repository'), role, version);
  const change = async (): Promise<Map<string, Uint8Array | undefined>> => {
    const { plan } = await openWork(flags.folder, Date.now());
    const now = [...plan.files.keys()].filter((path) => ownerOf(path) === role);
    return new Map<string, Uint8Array | undefined>([...now.map((path): [string, undefined] => [path, undefined]), ...old]);
  };
  if (flags.yes) {
    if (flags.evidence !== undefined)
      throw new SealwardError('ERR_FLAG_CONFLICT', '--evidence is for seeing what would change, and --yes for doing it', { hint: 'Give one after the other.' });
    return edit(invocation, change);
  }
  const work = await openWork(flags.folder, Date.now());
  const published = [...(work.published?.files ?? [])];
  const changes = fileChanges(new Map(published.filter(([path]) => ownerOf(path) === role)), old);
  const after = new Map([...published.filter(([path]) => ownerOf(path) !== role), ...old]);
  print(invocation, {
    rollBack: `${role} to what version ${version} said, as a new version`,
    changes: changes.length > 0 ? changes : ['nothing: it says the same as what is in force'],
    ...(await imagesThatChange(invocation, work, after)),
    ...describeStaged(work),
  });
  terminal.say('Nothing was done. With --yes it is staged, and signed with --key.');
  return 0;
}

async function filesAt(repository: string, role: 'policy' | 'exceptions', version: number): Promise<Map<string, Uint8Array>> {
  const source = folderSource(repository);
  const bytes = await source.read(metadataName(role, version), LIMITS.tufTargetsBytes);
  if (!bytes) throw new SealwardError('ERR_TRUST_PLAN', `the repository has no version ${version} of ${role}`);
  const files = new Map<string, Uint8Array>();
  for (const [path, record] of parseTargets(bytes, role).files) {
    const file = ownerOf(path) === role ? await source.read(targetName(path, record.hashes), LIMITS.documentBytes) : undefined;
    if (!file) throw new SealwardError('ERR_TRUST_MISMATCH', `${path} of version ${version} is no longer there`);
    matchFile(record, file, path);
    files.set(path, file);
  }
  return files;
}
