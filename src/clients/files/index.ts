export { createDurably, writeDurably } from './durable-file.ts';
export { BACKGROUND_DISK, type BackgroundSteps, writeInBackground } from './in-background.ts';
export { writeNewFiles } from './new-files.ts';
export { DISK, type FileSteps } from './steps.ts';
export { readBounded } from './read-bounded.ts';
