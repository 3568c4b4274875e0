/** What `sealward admission` is called, takes and says of itself. */
import { defineCommand, type Invocation } from '../cli/index.ts';

export const spec = defineCommand({
  name: 'admission',
  group: 'settings',
  serves: true,
  summary: 'Let a cluster start only what its policies allow: the admission webhook of Kubernetes',
  description: [
    'serve: answers the API server at /validate and /mutate until it is told to stop (SIGTERM); then it says that it is not ready, answers for a while, and ends. The configuration says who may call, whom to trust and where evidence and decisions are kept; docs/reference/admission.md has all of it.',
    'check: reads the configuration as `serve` would, and says what is wrong with it.',
    'install: brings the webhook into the cluster of KUBECONFIG, with the values of the Helm chart, and waits until it answers; only then the API server asks it. The same command again upgrades it.',
    'uninstall: takes it away, first what makes the API server ask; volumes and policies stay.',
    'status: says what runs, since when, how old its trust is, how long its certificates live, and what is weaker than it should be; exits with 1 when something is wrong.',
    'manifests: prints what install would apply.',
  ],
  examples: [
    { does: 'the webhook, as a container runs it', command: 'sealward admission serve --config /etc/sealward/admission.yaml' },
    {
      does: 'into a cluster',
      command: 'sealward admission install --values values.yaml --key release.pub',
    },
    { does: 'whether all is well there', command: 'sealward admission status' },
  ],
  arguments: [{ name: 'serve|check|install|uninstall|status|manifests', summary: 'what to do', minimum: 1, maximum: 1 }],
  flags: {
    config: { type: 'string', valueName: 'FILE', default: 'admission.yaml', group: 'input', summary: 'serve, check: the configuration' },
    namespace: { type: 'string', short: 'n', valueName: 'NAME', default: 'sealward-system', group: 'input', summary: 'where it runs in the cluster' },
    values: {
      type: 'strings',
      valueName: 'FILE',
      group: 'input',
      summary: 'install, manifests: values of the chart in YAML; of several files the later counts',
    },
    set: {
      type: 'strings',
      valueName: 'PATH=VALUE',
      group: 'input',
      summary: 'install, manifests: one value, as in trust.from=https://trust.example/sealward',
    },
    key: { type: 'string', valueName: 'FILE', group: 'key', summary: 'install, manifests: the public key by which the image of Sealward must be signed' },
    kubeconfig: { type: 'string', valueName: 'FILE', group: 'input', summary: 'which cluster; instead of KUBECONFIG' },
    'dry-run': { type: 'boolean', group: 'general', summary: 'install, uninstall: the API server checks everything and keeps nothing' },
    output: { type: 'choice', short: 'o', choices: ['json', 'text'], group: 'output', summary: 'form of the result of install, uninstall and status' },
  },
});

export type AdmissionInvocation = Invocation<(typeof spec)['flags']>;
