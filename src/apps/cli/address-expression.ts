/**
 * Node tells names from addresses by one long regular expression, and V8 takes 5 ms to compile it when the first name is connected to, most of
 * them in making it faster to match. Compiled as it stands it takes less than one, and matches the same.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { setFlagsFromString } from 'node:v8';

/** @param hosts what will be connected to; an IPv4 address is recognised by another, short one. */
export function compileAddressExpression(hosts: Iterable<string>): void {
  if ([...hosts].every((host) => isIPv4(host))) return;
  // Only for this expression: whoever changes the settings for good loses the code that Node brings compiled for others.
  setFlagsFromString('--no-regexp-optimization');
  // Interpreted the first time, compiled the second.
  isIPv6('');
  isIPv6('');
  setFlagsFromString('--regexp-optimization');
}
