/** The process: signals in, exit code out. */
import { keepCompiledCode } from './compile-cache.ts';

keepCompiledCode();
const { runProcess } = await import('./run-process.ts');
await runProcess();
