/** The program `sealward-node-verifier`, as containerd starts it. */
import { runNodeVerifier } from './run.ts';
import { VERSION } from './version.ts';

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
  userAgent: `sealward-node-verifier/${VERSION}`,
}).then((code) => process.exit(code));
