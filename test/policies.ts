/** The policies of test/policies. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './vectors.ts';

export function policyFile(name: string): string {
  return readFileSync(join(repositoryRoot, 'test', 'policies', name), 'utf8');
}
