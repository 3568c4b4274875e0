/** What a change of policies would do, before it is made. */
import type { Description } from '../inspect/description.ts';
import { fileChanges } from './differences.ts';

/** Files of one role by path, as they hold and as they would. */
export interface PolicyChange {
  readonly before: ReadonlyMap<string, Uint8Array>;
  readonly after: ReadonlyMap<string, Uint8Array>;
}

/** In words: the files that would change. Which images would get another answer says what-if-images.ts. */
export function whatIf({ before, after }: PolicyChange): Description {
  const changes = fileChanges(before, after);
  return { changes: changes.length > 0 ? changes : ['nothing: it says the same as what is in force'] };
}
