/** `sealward trust anchor ...`, `policy ...` and `except ...`: documents that people wrote, into what shall hold. */
import { basename } from 'node:path';
import type { Work } from '../../../clients/trust/index.ts';
import { type JsonObject, LIMITS, parseJsonObject, utf8 } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { composeTrustedRoot, ownerOf, parseSigningConfig, parseTrustedRoot, SIGNING_CONFIG_FILE, TRUSTED_ROOT_FILE } from '../../../core/trust/index.ts';
import { readBytes } from '../file.ts';
import { certificateService, keyService, timestampService } from '../service-flag.ts';
import { type Asked, type Change, edit, usage, wordOf } from './desk.ts';

const LISTS = ['tlogs', 'certificateAuthorities', 'ctlogs', 'timestampAuthorities'] as const;

export async function anchor(invocation: Asked): Promise<number> {
  const action = wordOf(invocation, 1, 'add or remove');
  if (action === 'add') return edit(invocation, (work) => addAnchors(invocation, work));
  if (action !== 'remove') throw usage(`\`sealward trust anchor\` cannot ${JSON.stringify(action.slice(0, 40))}`, 'It can add and remove.');
  const name = wordOf(invocation, 2, 'the id of an anchor, the beginning of one, or its URL');
  return edit(invocation, (work) => removeAnchor(rootOf(work), name));
}

function rootOf({ plan }: Work): JsonObject {
  const bytes = plan.files.get(TRUSTED_ROOT_FILE);
  return bytes
    ? parseJsonObject(bytes, { what: TRUSTED_ROOT_FILE })
    : composeTrustedRoot({ authorities: [], logs: [], certificateLogs: [], timestampAuthorities: [] });
}

function addAnchors({ flags }: Asked, work: Work): Change {
  const out = new Map<string, Uint8Array>();
  const added = [
    ...(flags['trusted-root'] === undefined ? [] : [readRoot(flags['trusted-root'])]),
    composeTrustedRoot({
      authorities: flags.fulcio.map((text) => certificateService('fulcio', text)),
      logs: flags.rekor.map((text) => keyService('rekor', text)),
      certificateLogs: flags.ctfe.map((text) => keyService('ctfe', text)),
      timestampAuthorities: flags.tsa.map((text) => timestampService('tsa', text)),
    }),
  ];
  const root = rootOf(work);
  let changed = false;
  for (const list of LISTS) {
    const held = membersOf(root, list);
    const known = new Set(held.map((member) => JSON.stringify(member)));
    const fresh = added.flatMap((one) => membersOf(one, list)).filter((member) => !known.has(JSON.stringify(member)));
    if (fresh.length === 0) continue;
    root[list] = [...held, ...fresh];
    changed = true;
  }
  if (changed) out.set(TRUSTED_ROOT_FILE, writtenRoot(root));
  const config = flags['signing-config'];
  if (config !== undefined) {
    const bytes = readBytes(config, LIMITS.documentBytes, 'the signing configuration');
    parseSigningConfig(bytes);
    out.set(SIGNING_CONFIG_FILE, bytes);
  }
  if (out.size === 0)
    throw new SealwardError('ERR_FLAG_CONFLICT', 'nothing is given that is not there already', {
      hint: 'Give --trusted-root FILE, --fulcio, --rekor, --ctfe, --tsa or --signing-config.',
    });
  return out;
}

function membersOf(root: JsonObject, list: (typeof LISTS)[number]): JsonObject[] {
  return (root[list] ?? []) as JsonObject[];
}

function readRoot(path: string): JsonObject {
  const bytes = readBytes(path, LIMITS.documentBytes, 'the trusted root');
  parseTrustedRoot(bytes);
  return parseJsonObject(bytes, { what: 'the trusted root' });
}

/** What is written is read first, as everybody who gets it will. */
function writtenRoot(root: JsonObject): Uint8Array {
  const bytes = utf8(`${JSON.stringify(root, null, 2)}\n`);
  parseTrustedRoot(bytes);
  return bytes;
}

function removeAnchor(root: JsonObject, name: string): Change {
  const anchors = parseTrustedRoot(writtenRoot(root));
  const inOrder = {
    tlogs: anchors.logs,
    certificateAuthorities: anchors.authorities,
    ctlogs: anchors.certificateLogs,
    timestampAuthorities: anchors.timestampAuthorities,
  };
  let removed = 0;
  for (const list of LISTS) {
    const members = membersOf(root, list);
    const stays = members.filter((_, at) => {
      const found = inOrder[list][at];
      return !(found && (found.name === name || (name.length >= 8 && found.id.startsWith(name))));
    });
    removed += members.length - stays.length;
    if (stays.length < members.length) root[list] = stays;
  }
  if (removed === 0)
    throw new SealwardError('ERR_TRUST_PLAN', `no anchor is called ${JSON.stringify(name.slice(0, 100))}`, {
      hint: 'See `sealward trust show` for their names and ids.',
    });
  return new Map([[TRUSTED_ROOT_FILE, writtenRoot(root)]]);
}

/** Files of the role `policy` or `exceptions`, under the names that they have. */
export async function texts(invocation: Asked, role: 'policy' | 'exceptions'): Promise<number> {
  const action = wordOf(invocation, 1, 'add or remove');
  const names = invocation.arguments.slice(2);
  if (action !== 'add' && action !== 'remove')
    throw usage(`\`sealward trust ${invocation.arguments[0]}\` cannot ${JSON.stringify(action.slice(0, 40))}`, 'It can add and remove.');
  if (names.length === 0) throw usage(`\`sealward trust ${invocation.arguments[0]} ${action}\` needs ${action === 'add' ? 'FILE' : 'NAME'}`);
  return edit(invocation, ({ plan }) => {
    const change = new Map<string, Uint8Array | undefined>();
    for (const name of names) {
      const path = `${role}/${action === 'add' ? basename(name) : name.replace(`${role}/`, '')}`;
      if (ownerOf(path) !== role)
        throw new SealwardError('ERR_TRUST_PLAN', `${JSON.stringify(path.slice(0, 200))} is no name of a file of ${role}`, {
          hint: 'Name it NAME.yaml, NAME.yml or NAME.json, of letters, digits, dots, dashes and underscores.',
        });
      if (action === 'remove' && !plan.files.has(path)) throw new SealwardError('ERR_TRUST_PLAN', `there is no ${path}`);
      change.set(path, action === 'add' ? readBytes(name, LIMITS.documentBytes, 'the file') : undefined);
    }
    return change;
  });
}
