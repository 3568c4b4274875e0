/** The commands that need more than the command line alone may import: a registry, services. What they do is loaded when they are called. */
import type { Command } from '../cli/index.ts';
import { spec as admission } from './admission-flags.ts';
import { quickstart } from './command.ts';
import { spec as controller } from './controller-flags.ts';
import { spec as server } from './server-flags.ts';

export const serverCommand: Command = { spec: server, load: (() => import('./server.ts')) as Command['load'] };

export const moreCommands: readonly Command[] = [
  quickstart,
  serverCommand,
  { spec: admission, load: (() => import('./admission.ts')) as Command['load'] },
  { spec: controller, load: (() => import('./controller.ts')) as Command['load'] },
];
