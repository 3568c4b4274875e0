/** The registry that images are judged by: the one that the flags describe, behind what is held where --evidence is given. */
import { existsSync, statSync } from 'node:fs';
import { type EvidenceStore, FolderStore, keptEdges } from '../../../clients/evidence/index.ts';
import type { OpenRegistry } from '../../../clients/registry/index.ts';
import { LAYOUT, type Reference } from '../../../core/artifact/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import type { ProofMemory } from '../../../core/verify/index.ts';
import { heldRegistry } from '../../../sdk/index.ts';
import { noFile } from '../file.ts';
import type { FlagValues } from '../flag.ts';
import type { Invocation } from '../invocation.ts';
import { registryFor } from '../registry.ts';
import type { registryFlags } from '../table/registry-flags.ts';
import { type evidenceFlags, OFFLINE_ALONE } from '../table/trust-flags.ts';
import { visible } from '../visible.ts';
import { openArchive } from './carry.ts';

export interface JudgingRegistry {
  readonly registry: OpenRegistry;
  /** Where what is heard is kept, when it is. */
  readonly store?: EvidenceStore;
  /** What was proven before. */
  readonly memory: ProofMemory;
  /** Keeps what was proven now. */
  readonly finish: () => void;
}

type Asked = Pick<Invocation, 'config' | 'debug' | 'terminal'> & {
  readonly flags: FlagValues<typeof registryFlags & typeof evidenceFlags> & { readonly verbose?: boolean };
};

export function judgingRegistry(images: readonly { readonly reference: Reference }[], invocation: Asked): JudgingRegistry {
  const { flags, terminal } = invocation;
  const registry = registryFor(flags, images, invocation);
  if (flags.evidence === undefined) {
    if (flags.offline) terminal.warn(`--offline is deprecated: ${OFFLINE_ALONE}`);
    return { registry, memory: {}, finish: () => undefined };
  }
  if (images.some(({ reference }) => reference.registry === LAYOUT))
    throw new SealwardError('ERR_FLAG_CONFLICT', '--evidence is for images of registries; a folder is there itself', { hint: 'Leave --evidence out.' });
  const store = openEvidence(flags.evidence, invocation, !flags.offline);
  const edges = keptEdges(store);
  const held = heldRegistry({ store, now: Date.now, ...(flags.offline ? {} : { registry }) });
  return {
    registry: { ...held, connectEarly: (name) => (flags.offline ? undefined : registry.connectEarly(name)), close: () => registry.close() },
    store,
    memory: { edges },
    finish: () => edges.flush(),
  };
}

/**
 * A file is an archive, and read; anything else is the folder, and made on first use.
 * @param writes whether something may be put there; where nothing is, a name that is nothing is a slip of the pen.
 */
export function openEvidence(path: string, { terminal }: Pick<Asked, 'terminal'>, writes: boolean): EvidenceStore {
  const tell = (problem: { readonly path: string; readonly why: string }): void => terminal.warn(visible(`evidence ${problem.path}: ${problem.why}`));
  if (!writes && !existsSync(path)) throw noFile(path);
  return statSync(path, { throwIfNoEntry: false })?.isFile() ? openArchive(path, true, tell).store : new FolderStore(path, { onProblem: tell });
}
