/** What `sealward controller` is called, takes and says of itself. */
import { defineCommand, type Invocation } from '../cli/index.ts';

export const spec = defineCommand({
  name: 'controller',
  group: 'settings',
  serves: true,
  summary: 'Judge what runs in a cluster again and again, and report: the controller beside the webhook',
  description: [
    'serve: watches Pods, judges every digest that runs after each change of trust or policies and when a decision ends by time, and says what it found: PolicyReports, Events, numbers, and an inventory at /inventory. What runs and must not is contained as the configuration says; without it nothing is touched. docs/reference/controller.md has all of it.',
    'check: reads the configuration as `serve` would, and says what is wrong with it.',
  ],
  examples: [{ does: 'the controller, as a container runs it', command: 'sealward controller serve --config /etc/sealward/controller.yaml' }],
  arguments: [{ name: 'serve|check', summary: 'what to do', minimum: 1, maximum: 1 }],
  flags: {
    config: { type: 'string', valueName: 'FILE', default: 'controller.yaml', group: 'input', summary: 'the configuration' },
  },
});

export type ControllerInvocation = Invocation<(typeof spec)['flags']>;
