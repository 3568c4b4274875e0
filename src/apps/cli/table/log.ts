import { defineCommand, namesOf } from '../flag.ts';
import { outputFlags } from './global.ts';

const WHOSE = ['log-key', 'log-policy', 'trusted-root', ...namesOf(outputFlags)] as const;

export const log = defineCommand({
  name: 'log',
  group: 'look',
  summary: 'Verify, prove and watch a transparency log',
  description: [
    'Reads logs that are laid out as tiles (C2SP tlog-tiles): those of Sealward, Rekor v2, and any other, from a folder or a URL. Whose log it is say --log-key, --log-policy or --trusted-root; nothing is taken from the log itself.',
    'verify DIR|URL: hashes every entry again and compares it with every tile and with the signed checkpoint; --since NOTE also with checkpoints that were seen before. verify FILE: a proof that `prove` wrote, without a network.',
    'prove DIR|URL [INDEX]: a proof of one entry, with the entry in it, as one file (C2SP tlog-proof); --entry FILE finds the index. prove-continuity DIR|URL --since NOTE: that nothing was lost or changed since that checkpoint.',
    'watch DIR|URL --state FILE: what came since the last time, checked to follow from it; entries of --identity (with --issuer) and --key are printed, one JSON object per line. What was seen moves on only when they have been written.',
    'export DIR|URL OUT: a checked copy as static files, for any web server and any reader of tiles.',
  ],
  examples: [
    { does: 'the decisions of an agent, all of them', command: 'sealward log verify --log-key agent.vkey --decisions /var/lib/sealward/decisions' },
    {
      does: 'one of them, to take away',
      command: 'sealward log prove --log-key agent.vkey --output-file 4711.tlog-proof \\\n    /var/lib/sealward/decisions 4711',
    },
    { does: 'verified elsewhere', command: 'sealward log verify --log-key agent.vkey 4711.tlog-proof' },
    {
      does: 'who signs in the name of the release workflow; run by a timer',
      command:
        'sealward log watch --trusted-root trusted_root.json --state seen.json \\\n    --identity https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main \\\n    https://rekor.example',
    },
  ],
  arguments: [
    { name: 'ACTION', summary: 'verify, prove, prove-continuity, watch or export', minimum: 1, maximum: 1 },
    { name: 'WHAT', summary: 'the folder or URL of the log, and what else the action takes', minimum: 0, maximum: 2 },
  ],
  flags: {
    'log-key': { type: 'strings', valueName: 'VKEY', group: 'trust', summary: 'the verifier key of the log (name+id+key), or a file with it' },
    'log-policy': { type: 'string', valueName: 'FILE', group: 'trust', summary: 'logs, witnesses and how many of them must have cosigned (C2SP tlog-policy)' },
    'trusted-root': { type: 'string', valueName: 'FILE', group: 'trust', summary: 'the Rekor v2 logs of a trusted_root.json' },
    since: {
      type: 'strings',
      valueName: 'NOTE',
      group: 'input',
      summary: 'verify, prove-continuity: a file with a checkpoint of this log that was seen before',
    },
    entry: { type: 'string', valueName: 'FILE', group: 'input', summary: 'prove: the entry to find; verify: the entry of a proof that does not hold it' },
    decisions: { type: 'boolean', group: 'input', summary: 'verify: entries are decisions of an agent; their numbers must add up' },
    state: { type: 'string', valueName: 'FILE', group: 'input', summary: 'watch: where it is kept what was seen; begins with the log as it is now' },
    'from-start': { type: 'boolean', group: 'input', summary: 'watch: without a state, begin with the first entry' },
    identity: { type: 'strings', valueName: 'NAME', group: 'signer', summary: 'watch: print entries whose certificate has this name, in full' },
    issuer: { type: 'string', valueName: 'URL', group: 'signer', summary: 'watch: of those, only where this issuer vouched for it' },
    key: { type: 'strings', valueName: 'FILE', group: 'signer', summary: 'watch: print entries that this public key signed' },
    consistency: { type: 'boolean', group: 'input', summary: 'watch: only that the log goes on from what was seen; reads no entries' },
    ...outputFlags,
  },
  actions: {
    verify: ['since', 'entry', 'decisions', ...WHOSE],
    prove: ['entry', ...WHOSE],
    'prove-continuity': ['since', ...WHOSE],
    watch: ['state', 'from-start', 'identity', 'issuer', 'key', 'consistency', ...WHOSE],
    export: WHOSE,
  },
});
