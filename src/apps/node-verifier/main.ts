/** The program `sealward-node-verifier`, as containerd starts it. */
import packageJson from '../../../package.json' with { type: 'json' };
import { runNodeVerifier } from './run.ts';

// Node ends with 0, which is a yes to containerd, when nothing is left to wait for; so that is a no until an answer was given.
process.exitCode = 70;
process.on('uncaughtException', (error) => {
  process.stdout.write(`the node verifier failed: ${String(error).replace(/[\p{C}]+/gu, ' ')} (ERR_INVARIANT)\n`);
  process.exit(70);
});
void runNodeVerifier({
  argv: process.argv.slice(2),
  stdin: process.stdin,
  print: (line) => void process.stdout.write(`${line}\n`),
  complain: (line) => void process.stderr.write(`${line}\n`),
  environment: process.env,
  userAgent: `sealward-node-verifier/${packageJson.version}`,
}).then((code) => process.exit(code));
