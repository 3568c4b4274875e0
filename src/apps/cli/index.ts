export { keepCompiledCode } from './compile-cache.ts';
export { defineCommand } from './flag.ts';
export type { Invocation } from './invocation.ts';
export { runProcess } from './run-process.ts';
export { main } from './main.ts';
export type { Io } from './terminal.ts';
export type { Command } from './table/index.ts';
