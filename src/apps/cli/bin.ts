/** The process: signals in, exit code out. */
import { mkdirSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { cacheFolder, processEnvironment } from './config.ts';

// Compiled code is kept in a folder of this user alone: Node's own default is a shared one, where others could plant code.
const cache = cacheFolder(processEnvironment());
if (cache !== undefined) {
  const folder = join(cache, 'compiled');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    enableCompileCache(folder);
  } catch {
    // A read-only home folder only costs the time.
  }
}

const { runProcess } = await import('./run-process.ts');
await runProcess();
