/** The first repository of trust of a server: whom to believe, who may change it, and a working folder for whoever does. */
import { foundTrust, type MetadataSigner, writeContent, writeRepository, writeSettings } from '../../clients/trust/index.ts';
import { utf8 } from '../../core/encoding/index.ts';
import {
  DENIALS_FILE,
  encodeDenials,
  encodeKeyList,
  KEYS_FILE,
  type ListedKey,
  parseTrustedRoot,
  type SignerKeys,
  SIGNING_ROLES,
  type SigningRole,
} from '../../core/trust/index.ts';
import type { PublishedDocument } from './published.ts';

export interface FirstTrust {
  readonly documents: readonly PublishedDocument[];
  /** Who runs it: all its keys are of one operator, and count as one. */
  readonly organization: string;
  /** Signs that the state is fresh, and nothing else. */
  readonly online: MetadataSigner;
  /** Signs everything else; it is taken away. */
  readonly people: MetadataSigner;
  /** Milliseconds since 1970. */
  readonly now: number;
}

const DAYS = { root: 365, roles: 180 } as const;
const DAY_MS = 86_400_000;
const LEASE_MS: number = DAY_MS;

export async function foundServerTrust({
  documents,
  organization,
  online,
  people,
  now,
}: FirstTrust): Promise<{ readonly writeTo: (folder: string) => Promise<void> }> {
  const by = (signer: MetadataSigner, holder: string): SignerKeys => ({ keys: [{ key: signer.publicKey(), holder }], threshold: 1 });
  const signers = Object.fromEntries(
    SIGNING_ROLES.map((role) => [role, role === 'timestamp' || role === 'snapshot' ? by(online, 'server') : by(people, 'offline')]),
  ) as Record<SigningRole, SignerKeys>;
  const files = new Map<string, Uint8Array>([
    ...documents.map(({ name, text }): [string, Uint8Array] => [name, utf8(text)]),
    [KEYS_FILE, encodeKeyList(listedKeys(documents, organization, now))],
    [DENIALS_FILE, encodeDenials([])],
  ]);
  const plan = { signers, files, lifetime: { root: DAYS.root * DAY_MS, roles: DAYS.roles * DAY_MS } };
  const { files: repository } = await foundTrust(plan, [online, people], { now, lease: LEASE_MS });
  return {
    async writeTo(folder) {
      await writeSettings(folder, { signers, days: DAYS, leaseSeconds: LEASE_MS / 1000 });
      for (const [path, bytes] of files) await writeContent(folder, path, bytes);
      await writeRepository(`${folder}/repository`, repository);
    },
  };
}

/** Each anchor of the trusted root as a key with a state, so that it can be retired or revoked by name. */
function listedKeys(documents: readonly PublishedDocument[], operator: string, now: number): ListedKey[] {
  const root = parseTrustedRoot(utf8(documents.find(({ name }) => name === 'trusted_root.json')?.text ?? ''));
  const anchors = [
    ...root.authorities.map((anchor) => ({ ...anchor, name: 'authority', role: 'certificate-authority' as const })),
    ...root.logs.map((anchor) => ({ ...anchor, name: 'log', role: 'log' as const })),
    ...root.certificateLogs.map((anchor) => ({ ...anchor, name: 'certificate-log', role: 'certificate-log' as const })),
    ...root.timestampAuthorities.map((anchor) => ({ ...anchor, name: 'timestamp', role: 'timestamp-authority' as const })),
  ];
  return anchors.map(({ name, role, id }) => ({ name, version: 1, role, state: 'active', anchor: id, window: { from: now - 60_000 }, operator, lifted: [] }));
}
