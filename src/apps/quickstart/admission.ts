/** The actions of `sealward admission`: reads its flags, and calls apps/admission. */
import packageJson from '../../../package.json' with { type: 'json' };
import { SealwardError } from '../../core/errors.ts';
import { readAdmissionConfig, runAdmission } from '../admission/index.ts';
import type { AdmissionInvocation } from './admission-flags.ts';

/** After reviews are answered no more: for what is under way, and for the decision log. Milliseconds. */
const ENDING_MS = 15_000;

export async function run(invocation: AdmissionInvocation): Promise<number> {
  const [action] = invocation.arguments;
  switch (action) {
    case 'serve':
      return serve(invocation);
    case 'check':
      readAdmissionConfig(invocation.flags.config);
      invocation.terminal.print(`${invocation.flags.config} is sound`);
      return 0;
    case 'install':
    case 'uninstall':
    case 'status':
    case 'manifests':
      return (await import('./admission-cluster.ts'))[action](invocation);
    default:
      throw new SealwardError('ERR_USAGE', `\`sealward admission\` cannot ${JSON.stringify(action?.slice(0, 40))}`, {
        hint: 'Write `sealward admission` with serve, check, install, uninstall, status or manifests.',
      });
  }
}

async function serve({ flags, terminal, signal, config: { environment } }: AdmissionInvocation): Promise<number> {
  const config = readAdmissionConfig(flags.config);
  terminal.io.stopWithin?.(config.drainMs + ENDING_MS);
  await runAdmission({
    config,
    version: packageJson.version,
    environment,
    signal,
    log: (line) => void terminal.io.stderr.write(line),
  });
  return 0;
}
