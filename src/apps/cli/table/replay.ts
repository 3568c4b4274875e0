import { defineCommand } from '../flag.ts';
import { outputFlags } from './global.ts';
import { policyFlags } from './policy-flags.ts';

export const replay = defineCommand({
  name: 'replay',
  group: 'verify',
  summary: 'Make a decision of the past again, and say whether it is the same',
  description: [
    'Takes a record that `sealward verify --policy FILE --record FOLDER` wrote, or with --index a leaf of the decision log of an agent, the policies and the trust of that time, and the evidence that is held; no registry is asked, and the time is that of the record.',
    'Exits with 0 when the same decision comes out, byte for byte; with 1 when it does not, and then it says what is not the same: policies, trust, evidence, or the judge.',
  ],
  examples: [
    { does: 'last year’s decision', command: 'sealward replay --policy policies/ --evidence held/ record.json' },
    {
      does: 'a decision of the webhook, by its audit annotation',
      command: 'sealward replay --index 4711 --log-key decisions/agent.vkey \\\n    --trust trust/ --evidence evidence/ decisions/log',
    },
  ],
  arguments: [{ name: 'RECORD', summary: 'the record, or - for stdin; with --index the folder of the log', minimum: 1, maximum: 1 }],
  flags: {
    index: { type: 'integer', valueName: 'N', minimum: 0, maximum: Number.MAX_SAFE_INTEGER, group: 'input', summary: 'which leaf of a decision log' },
    'log-key': { type: 'string', valueName: 'VKEY', group: 'trust', summary: 'the verifier key of that log, or a file with it' },
    policy: policyFlags.policy,
    trust: { type: 'string', valueName: 'PLACE', group: 'trust', summary: 'the trust state of that time: a folder, a URL or registry:REFERENCE' },
    'trust-root': { type: 'string', valueName: 'FILE', group: 'trust', needs: ['trust'], summary: 'the root.json that is trusted' },
    'trusted-root': { type: 'string', valueName: 'FILE', group: 'trust', summary: 'a trusted_root.json, where no --trust is given' },
    evidence: {
      type: 'string',
      valueName: 'PLACE',
      group: 'input',
      summary: 'the folder, or the archive, with the evidence; an image in a folder (oci:PATH) needs none',
    },
    ...outputFlags,
  },
});
