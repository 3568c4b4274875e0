import { defineCommand, type Flags, namesOf } from '../flag.ts';
import { outputFlags } from './global.ts';
import { registryFlags } from './registry-flags.ts';
import { explainFlags } from './trust-flags.ts';

const folder = {
  evidence: { type: 'string', valueName: 'DIR', group: 'input', summary: "the folder; `sealward/evidence` in the user's cache folder when not given" },
} as const satisfies Flags;

const everywhere = [...namesOf(folder), ...namesOf(outputFlags)];

export const evidence = defineCommand({
  name: 'evidence',
  group: 'settings',
  summary: 'Keep signatures and attestations for when the registry cannot be asked',
  description: [
    'A folder of what registries said about images: manifests, signatures and attestations by their digests, and how asking each place ended, under a seal of this installation. `sealward verify`, `verify-attestation` and `gate` judge by it with --evidence.',
    'gather IMAGE...: asks for everything that judging may need. list; show IMAGE. export FILE [IMAGE...]: one archive for a site without a network; import FILE there: refused whole when anything in it is broken, unless --skip-broken. prune: lets go what was used longest ago. verify: looks at every file.',
    'An archive is believed like whoever carried it: its signatures prove themselves, but that there are no others is what it says. With --trust a trust repository travels with it: there `--trust-url site.tar` takes whom to trust and the policies in force from it, and holds them against the root.json that was handed out. Without it the archive holds no keys and no trusted root; carry those over as well.',
  ],
  examples: [
    { does: 'everything that runs in a cluster', command: 'sealward evidence gather --from-cluster-list pods.json' },
    { does: 'for a site without a network', command: 'sealward evidence export --trust trust/published site.tar registry.example/app:1.2' },
    { does: 'there', command: 'sealward evidence import site.tar' },
    { does: 'and then', command: 'sealward verify --offline --evidence site.tar --trust-url site.tar registry.example/app:1.2' },
  ],
  arguments: [
    { name: 'ACTION', summary: 'gather, list, show, export, import, prune or verify', minimum: 1, maximum: 1 },
    { name: 'WHAT', summary: 'images, or the archive', minimum: 0, maximum: 1024 },
  ],
  flags: {
    ...folder,
    'from-file': { type: 'string', valueName: 'FILE', group: 'input', summary: 'gather: images, one a line; - for stdin' },
    'from-cluster-list': {
      type: 'string',
      valueName: 'FILE',
      group: 'input',
      summary: 'gather: the images of `kubectl get pods -A -o json`; prune: what runs stays; - for stdin',
    },
    trust: {
      type: 'string',
      valueName: 'DIR',
      group: 'trust',
      summary: 'export: the published folder of a trust repository that is to travel with it',
    },
    'skip-broken': { type: 'boolean', group: 'input', summary: 'import: take in what is sound, and say what is not' },
    'max-size': { type: 'string', valueName: 'SIZE', group: 'general', summary: 'prune: keep so much, such as 2GiB' },
    'remove-broken': { type: 'boolean', group: 'general', summary: 'verify: remove the files of the store that are not what they claim to be' },
    'max-workers': explainFlags['max-workers'],
    ...registryFlags,
    ...outputFlags,
  },
  actions: {
    gather: ['from-file', 'from-cluster-list', 'max-workers', ...namesOf(registryFlags), ...everywhere],
    list: everywhere,
    show: everywhere,
    export: ['trust', ...everywhere],
    import: ['skip-broken', ...everywhere],
    prune: ['from-cluster-list', 'max-size', ...everywhere],
    verify: ['remove-broken', ...everywhere],
  },
  words: { list: 1, import: 2, prune: 1, verify: 1 },
});
