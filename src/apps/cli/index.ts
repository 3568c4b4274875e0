export { runProcess } from './run-process.ts';
export { main } from './main.ts';
export type { Io } from './terminal.ts';
