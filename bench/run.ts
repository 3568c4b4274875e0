/**
 * npm run bench: all figures of docs/benchmarks.md in one run, as one table. `npm run bench -- prove`,
 * `decide`, `agent`, `cold`, `log`, `journal`, `policy`, `admission`, `verify`, `sign`, `copy` or `server` runs one part; `--quick` runs it with less patience. Goals that are missed are
 * marked, and fail nothing: a benchmark on a busy machine is no test.
 */
import { existsSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { type Peer, peerPath } from '../test/peers.ts';
import { vectorsPath } from '../test/vectors.ts';
import { benchAdmission } from './admission.ts';
import { benchAgent } from './agent.ts';
import { benchCold } from './cold.ts';
import { benchDecide } from './decide.ts';
import { benchCopy, NEEDED as NEEDED_TO_COPY } from './copy.ts';
import { benchJournal } from './journal.ts';
import { benchLog } from './log.ts';
import { benchOwnServer } from './own-server.ts';
import { benchPolicy } from './policy.ts';
import { benchProve } from './prove.ts';
import { benchSign } from './sign.ts';
import { type Row, table } from './table.ts';
import { benchVerifyImage, NEEDED } from './verify-image.ts';

const words = process.argv.slice(2);
const quick = words.includes('--quick');
const asked = (part: string): boolean => words.includes(part) || !words.some((word) => !word.startsWith('--'));

const rows: Row[] = [];
if (asked('prove')) {
  if (existsSync(vectorsPath('sigstore-conformance'))) rows.push(...benchProve(quick ? 2 : 10));
  else console.error('prove is not measured: the vectors are missing, see CONTRIBUTING.md');
}
if (asked('decide')) rows.push(...benchDecide(quick ? 2 : 10));
if (asked('agent')) rows.push(...(await benchAgent()));
if (asked('cold')) rows.push(...(await benchCold()));
if (asked('log')) rows.push(...(await benchLog(quick ? 4 : 15)));
if (asked('journal')) rows.push(...(await benchJournal(quick ? 4 : 15)));
if (asked('policy')) rows.push(...(await benchPolicy(quick ? 2 : 10)));
if (asked('admission')) rows.push(...(await benchAdmission(quick ? 8 : 40)));
const withPrograms: readonly (readonly [part: string, needed: readonly Peer[], run: () => Promise<Row[]>])[] = [
  ['verify', NEEDED, () => benchVerifyImage(quick ? 5 : 25)],
  ['sign', NEEDED, () => benchSign(quick ? 5 : 25)],
  ['copy', NEEDED_TO_COPY, () => benchCopy(quick ? 2 : 7)],
  ['server', ['cosign3'], () => benchOwnServer(quick ? 5 : 25)],
];
for (const [part, needed, run] of withPrograms) {
  if (!asked(part)) continue;
  const missing = needed.filter((peer) => !existsSync(peerPath(peer)));
  if (missing.length === 0) rows.push(...(await run()));
  else console.error(`${part} is not measured: ${missing.join(' and ')} missing, see CONTRIBUTING.md`);
}
console.log(
  `Node ${process.versions.node}, ${cpus().length} x ${cpus()[0]?.model.trim()}, ${process.platform} ${release()}, load ${loadavg()[0]?.toFixed(1)}\n`,
);
console.log(table(rows));
