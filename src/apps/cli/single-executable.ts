/**
 * The process of the single executable. Its heap is a snapshot that was taken when it was built, with every module
 * loaded; at start only the function below runs. Nothing of the building machine may be read before that.
 */
import { startupSnapshot } from 'node:v8';
import { runProcess } from './run-process.ts';
import { commands } from './table/index.ts';

if (startupSnapshot.isBuildingSnapshot()) {
  await0(Promise.all(commands.map(({ load }) => load())));
  startupSnapshot.setDeserializeMainFunction(() => void runProcess());
} else void runProcess();

function await0(done: Promise<unknown>): void {
  done.catch((error: unknown) => {
    throw error;
  });
}
