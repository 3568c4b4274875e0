/** The commands that need more than the command line alone may import: a registry, services. */
import type { Command } from '../cli/index.ts';
import { admission } from './admission-command.ts';
import { quickstart } from './command.ts';
import { controller } from './controller-command.ts';
import { server } from './server-command.ts';

export const moreCommands: readonly Command[] = [quickstart, server, admission, controller];
