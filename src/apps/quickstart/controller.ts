/** The actions of `sealward controller`: reads its flags, and calls apps/controller. */
import packageJson from '../../../package.json' with { type: 'json' };
import { SealwardError } from '../../core/errors.ts';
import { readControllerConfig, runController } from '../controller/index.ts';
import type { ControllerInvocation } from './controller-flags.ts';

/** For what is being written when it is told to end. Milliseconds. */
const ENDING_MS = 15_000;

export async function run({ arguments: [action], flags, terminal, signal, config: { environment } }: ControllerInvocation): Promise<number> {
  switch (action) {
    case 'serve': {
      const config = readControllerConfig(flags.config);
      terminal.io.stopWithin?.(ENDING_MS);
      await runController({ config, version: packageJson.version, environment, signal, log: (line) => void terminal.io.stderr.write(line) });
      return 0;
    }
    case 'check':
      readControllerConfig(flags.config);
      terminal.print(`${flags.config} is sound`);
      return 0;
    default:
      throw new SealwardError('ERR_USAGE', `\`sealward controller\` cannot ${JSON.stringify(action?.slice(0, 40))}`, {
        hint: 'Write `sealward controller serve` or `sealward controller check`.',
      });
  }
}
