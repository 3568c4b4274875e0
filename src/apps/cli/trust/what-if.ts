/** What a change of policies would do, before it is made. */
import type { Description } from '../inspect/description.ts';
import { fileChanges } from './differences.ts';

/** Files of one role by path, as they hold and as they would. */
export interface PolicyChange {
  readonly before: ReadonlyMap<string, Uint8Array>;
  readonly after: ReadonlyMap<string, Uint8Array>;
}

/** The one place that answers "what would this change?"; which images would change their answer belongs here beside the files. */
export function whatIf({ before, after }: PolicyChange): Description {
  const changes = fileChanges(before, after);
  return { changes: changes.length > 0 ? changes : ['nothing: it says the same as what is in force'] };
}
