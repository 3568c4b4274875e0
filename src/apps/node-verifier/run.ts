/** containerd's words in, one line and an exit code out. Whatever goes wrong, the code is not 0. */
import { parseProxyEnvironment, systemClock } from '../../clients/http/index.ts';
import { LIMITS } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { DEFAULT_CONFIG, readNodeVerifierConfig } from './config.ts';
import { parsePull } from './pull.ts';
import { verifyPull } from './verify-pull.ts';

export interface NodeVerifierIo {
  readonly argv: readonly string[];
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly print: (line: string) => void;
  readonly complain: (line: string) => void;
  /** Of the process: NODE_CONFIG_VARIABLE, proxies, and where a workload finds its identity. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly userAgent: string;
}

/** containerd passes its own environment on, and no flags of ours. */
const NODE_CONFIG_VARIABLE = 'SEALWARD_NODE_CONFIG';
/** containerd takes 32 KiB, and shows the beginning to people. Characters. */
const LONGEST_REASON = 4000;

/** 0: pull it. 1: refused. 2: asked wrongly, or badly configured. 4: could not be found out. 70: our own fault. */
export async function runNodeVerifier({ argv, stdin, print, complain, environment, userAgent }: NodeVerifierIo): Promise<number> {
  try {
    const config = readNodeVerifierConfig(environment[NODE_CONFIG_VARIABLE] || DEFAULT_CONFIG);
    const deadline = systemClock.now() + config.timeoutMs;
    const pull = parsePull(argv, await readInTime(stdin, deadline));
    const { allowed, reason, judged } = await verifyPull(pull, config, {
      deadline,
      userAgent,
      environment,
      proxy: parseProxyEnvironment(environment),
      onProblem: ({ path, why }) => complain(oneLine(`sealward: evidence ${path}: ${why}`)),
    });
    print(oneLine(reason));
    if (allowed) return 0;
    return judged.outcome === 'inconclusive' ? 4 : 1;
  } catch (error) {
    const known = error instanceof SealwardError ? error : new SealwardError('ERR_INVARIANT', `the node verifier failed: ${String(error)}`, { cause: error });
    print(oneLine(`${known.message} [${known.hint}] (${known.code})`));
    return known.exit === 0 ? 70 : known.exit;
  }
}

/** containerd closes it; a terminal does not. */
async function readInTime(stdin: AsyncIterable<Uint8Array>, deadline: number): Promise<Uint8Array> {
  const done = new AbortController();
  try {
    const late = systemClock.sleep(deadline - systemClock.now(), done.signal);
    const bytes = await Promise.race([readAll(stdin), late]);
    if (bytes === undefined) throw new SealwardError('ERR_DEADLINE', 'the descriptor did not end on standard input in time');
    return bytes;
  } finally {
    done.abort();
  }
}

async function readAll(stdin: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    size += chunk.length;
    if (size > LIMITS.documentBytes) throw new SealwardError('ERR_TOO_LARGE', `the descriptor is larger than ${LIMITS.documentBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** It goes to the log of containerd, and names come from strangers. */
function oneLine(text: string): string {
  return text
    .toWellFormed()
    .slice(0, LONGEST_REASON)
    .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ');
}
