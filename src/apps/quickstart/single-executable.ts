/**
 * The program as one executable file. Its heap is a snapshot that was taken when it was built, with every module loaded;
 * at start only the function below runs. Nothing of the machine that builds it may be looked at before that.
 */
import { startupSnapshot } from 'node:v8';
import { restartSystemClock } from '../../clients/http/index.ts';
import { preload, runPreloaded } from '../cli/index.ts';
import { quickstart } from './command.ts';
import { rehearsal } from './rehearsal.ts';

const more = [quickstart];
const start = (): void => {
  restartSystemClock();
  void runPreloaded(process.argv.slice(2), more);
};

if (startupSnapshot.isBuildingSnapshot()) {
  startupSnapshot.setDeserializeMainFunction(start);
  // Of the quickstart nothing: it brings servers, whose handles a snapshot cannot hold. A failure here is an unhandled rejection, which fails the build.
  void preload().then(rehearsal);
} else start();
