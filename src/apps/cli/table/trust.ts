import { defineCommand, type Flags, namesOf } from '../flag.ts';
import { outputFlags } from './global.ts';
import { passwordFlags } from './keys.ts';

const service = (what: string, material: string) =>
  ({
    type: 'strings',
    valueName: 'URL,...',
    group: 'trust',
    summary: `anchor add: ${what}, as for \`sealward trusted-root create\`: url=URL,${material}`,
  }) as const;

const setUp = {
  signer: { type: 'strings', valueName: 'NAME=KEY', group: 'signer', summary: 'init, role: a person and their public key (a file, or the reference of a key)' },
  remove: { type: 'strings', valueName: 'NAME', group: 'signer', summary: 'role: a person who no longer signs for it' },
  'online-key': {
    type: 'strings',
    valueName: 'KEY',
    group: 'signer',
    summary: 'init: whose key signs snapshots and leases; those of all people when not given',
  },
  threshold: {
    type: 'integer',
    minimum: 1,
    maximum: 64,
    valueName: 'N',
    group: 'signer',
    summary: 'init, role: how many must sign; two at init, where there are two',
  },
  lease: {
    type: 'duration',
    valueName: 'DURATION',
    group: 'general',
    summary: 'init, publish: how long what is published may admit what is new; 168h when not said',
  },
  tier: { type: 'strings', valueName: 'NAME=DURATION', group: 'general', summary: 'init: a shorter lease, for clusters that are told to keep it' },
} as const satisfies Flags;

const said = {
  'public-key': { type: 'string', valueName: 'KEY', group: 'key', summary: 'key add: the key that signs artifacts (a file, or the reference of a key)' },
  anchor: { type: 'string', valueName: 'SHA256', group: 'key', summary: 'key add: for keys of services, the anchor of the trusted root' },
  role: {
    type: 'strings',
    valueName: 'ROLE',
    group: 'key',
    summary: 'key add: what the key is for (artifact when not said); sign: the documents to sign, all when not said',
  },
  operator: { type: 'string', valueName: 'NAME', group: 'key', summary: 'key add: who runs it' },
  protection: { type: 'choice', choices: ['software', 'hardware'], group: 'key', summary: 'key add: where its private half lives' },
  from: { type: 'string', valueName: 'TIME', group: 'claims', summary: 'since when, as in 2026-01-31T12:00:00Z; of key revoke it takes the signers of keys' },
  until: { type: 'string', valueName: 'TIME', group: 'claims', summary: 'until when, of key add and deny identity' },
  'accept-undated-until': { type: 'string', valueName: 'TIME', group: 'claims', summary: 'key retire: until when signatures that nobody dated still count' },
  superseded: { type: 'boolean', group: 'claims', summary: 'key revoke: replaced, and not in the hands of a thief' },
  all: { type: 'boolean', group: 'claims', summary: 'key revoke: nothing that it ever signed counts' },
  reason: { type: 'string', valueName: 'TEXT', group: 'claims', summary: 'why, for everybody who is denied by it' },
  issuer: { type: 'string', valueName: 'URL', group: 'claims', summary: 'deny identity, principal: who vouches for the identity' },
  subject: { type: 'strings', valueName: 'NAME', group: 'claims', summary: 'deny identity, principal: the identity itself' },
  'from-index': { type: 'string', valueName: 'N', group: 'claims', summary: 'deny log: the first entry that is denied' },
  'key-name': { type: 'strings', valueName: 'NAME', group: 'claims', summary: 'principal: a key of the trust state, or the SHA-256 of one' },
} as const satisfies Flags;

const looks = ['folder', ...namesOf(outputFlags)] as const;
const changes = ['key', ...namesOf(passwordFlags), ...looks] as const;
const people = ['signer', 'remove', 'threshold', ...changes] as const;
const founding = ['signer', 'online-key', 'threshold', 'lease', 'tier', ...changes] as const;
const denies = ['reason', ...changes] as const;

export const trust = defineCommand({
  name: 'trust',
  group: 'settings',
  summary: 'Keep whom you trust in a signed repository that only moves forward',
  description: [
    'Keys, denials, policies, exceptions and the trusted root, as a TUF repository: people sign, each with their own key, and nobody widens trust alone. Clients take it from anywhere; cosign reads it, too.',
    'A working folder (--folder) holds what shall hold, what waits for signatures, and what is in force. Every change is staged; `trust sign` adds a signature, `trust publish` puts what is signed into force. With --key a change is signed at once.',
    'init; role ROLE: who signs. root init | sign | publish | rotate: the same for the root alone, as a ceremony. anchor add | remove ID: the trusted root. key add NAME | activate, suspend, retire, revoke, destroy NAME/VERSION. deny key | certificate | identity | digest | signature | log | run [VALUE]. policy, except: add FILE... | remove NAME. principal NAME. sign, publish [DIR], show, diff, verify DIR|URL, rollback ROLE VERSION.',
    'One person suspends, revokes (since the activation of the key) and denies alone. Adding, lifting a suspension and an exact date of a revocation take as many as sign for keys; nothing is ever un-revoked.',
  ],
  examples: [
    { does: 'two people, and a key that is online', command: 'sealward trust init --signer alice=alice.pub --signer bob=bob.pub --online-key online.pub' },
    {
      does: 'a key for releases, signed by both, and put into force',
      command:
        'sealward trust key add release --public-key release.pub --key alice.key\nsealward trust sign --key bob.key\nsealward trust publish /srv/trust --key online.key',
    },
    { does: 'alone, at three in the morning', command: 'sealward trust key revoke release/1 --reason "laptop stolen" --key bob.key' },
    {
      does: 'what waits to be signed, in words, and what it would change for the images of which something is held',
      command: 'sealward trust diff --evidence held/',
    },
  ],
  arguments: [
    { name: 'ACTION', summary: 'what to do', minimum: 1, maximum: 1 },
    { name: 'WHAT', summary: 'to what; see above', minimum: 0, maximum: 64 },
  ],
  flags: {
    folder: { type: 'string', valueName: 'DIR', default: 'trust', group: 'input', summary: 'the working folder' },
    key: {
      type: 'strings',
      valueName: 'KEY',
      group: 'key',
      summary: 'the key to sign with: an encrypted key file, or the reference of a key that is kept elsewhere',
    },
    ...passwordFlags,
    ...setUp,
    ...said,
    renew: { type: 'boolean', group: 'general', summary: 'sign: sign again what is in force, before it ends' },
    'trusted-root': { type: 'string', valueName: 'FILE', group: 'trust', summary: 'anchor add: all services of a trusted_root.json' },
    'signing-config': { type: 'string', valueName: 'FILE', group: 'trust', summary: 'anchor add: the signing_config.v0.2.json for clients that sign' },
    'trust-root': {
      type: 'string',
      valueName: 'FILE',
      group: 'trust',
      summary: 'verify: the root.json that is trusted; of a folder its first root, when not given',
    },
    fulcio: service('a certificate authority', 'certificate-chain=FILE'),
    rekor: service('a transparency log', 'public-key=FILE,start-time=TIME'),
    ctfe: service('a certificate log', 'public-key=FILE,start-time=TIME'),
    tsa: service('a timestamp authority', 'certificate-chain=FILE'),
    evidence: {
      type: 'string',
      valueName: 'PATH',
      group: 'input',
      summary: 'diff, rollback: also say which of the images that this folder or archive holds would get another answer',
    },
    yes: { type: 'boolean', short: 'y', group: 'general', summary: 'rollback: stage it; without it what would change is shown and nothing is done' },
    ...outputFlags,
  },
  actions: {
    init: founding,
    role: people,
    'root init': founding,
    'root sign': ['renew', ...changes],
    'root publish': ['lease', ...changes],
    'root rotate': people,
    'anchor add': ['trusted-root', 'signing-config', 'fulcio', 'rekor', 'ctfe', 'tsa', ...changes],
    'anchor remove': changes,
    'key add': ['public-key', 'anchor', 'role', 'operator', 'protection', 'from', 'until', 'reason', ...changes],
    'key activate': ['from', ...changes],
    'key suspend': ['from', 'reason', ...changes],
    'key retire': ['from', 'accept-undated-until', 'reason', ...changes],
    'key revoke': ['from', 'superseded', 'all', 'reason', ...changes],
    'key destroy': ['from', ...changes],
    'deny identity': ['issuer', 'subject', 'from', 'until', ...denies],
    'deny log': ['from-index', ...denies],
    deny: denies,
    principal: ['issuer', 'subject', 'key-name', ...changes],
    policy: changes,
    except: changes,
    sign: ['role', 'renew', ...changes],
    publish: ['lease', ...changes],
    rollback: ['yes', 'evidence', ...changes],
    show: looks,
    diff: ['evidence', ...looks],
    verify: ['trust-root', ...namesOf(outputFlags)],
  },
  words: {
    init: 1,
    role: 2,
    'root init': 2,
    'root sign': 2,
    'root publish': 3,
    'root rotate': 2,
    anchor: 3,
    'anchor add': 2,
    key: 3,
    deny: 3,
    'deny identity': 2,
    principal: 2,
    sign: 1,
    publish: 2,
    rollback: 3,
    show: 1,
    diff: 1,
    verify: 2,
  },
});
