/**
 * Loaded before the tests by `npm test`. All files run in one process, so code under test that called process.exit(0)
 * would end the whole run as a success, without a word: here it becomes a failure.
 */
import { after } from 'node:test';

let whole = false;
after(() => {
  whole = true;
});
process.on('exit', () => {
  if (whole) return;
  process.exitCode = 1;
  console.error('the test run was cut short: something ended the process');
});
