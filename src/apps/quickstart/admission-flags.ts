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
  ],
  examples: [{ does: 'the webhook, as a container runs it', command: 'sealward admission serve --config /etc/sealward/admission.yaml' }],
  arguments: [{ name: 'serve|check', summary: 'what to do', minimum: 1, maximum: 1 }],
  flags: {
    config: { type: 'string', valueName: 'FILE', default: 'admission.yaml', group: 'input', summary: 'the configuration' },
  },
});

export type AdmissionInvocation = Invocation<(typeof spec)['flags']>;
