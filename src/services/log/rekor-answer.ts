/** What Rekor v2 answers: a TransparencyLogEntry in proto3 JSON with every field, as its gateway writes it. */
import { decodeLatin1, encodeBase64, utf8 } from '../../core/encoding/index.ts';
import type { LogEntryForm } from './entry-request.ts';
import type { Included } from './log-engine.ts';
import type { SignedTree } from './log-store.ts';

/** int64 is a string in proto3 JSON. The time is never stated: Rekor v2 leaves it to timestamp authorities. */
export function transparencyLogEntry({ kind, body }: Pick<LogEntryForm, 'kind' | 'body'>, { index, tree, proof }: Included, logId: Uint8Array): string {
  const { size, root, checkpoint } = partsOf(tree);
  const hashes = proof.map((hash) => `"${encodeBase64(hash)}"`).join(',');
  // Base64, decimals and the names of kinds need no escapes.
  return (
    `{"logIndex":"${index}","logId":{"keyId":"${encodeBase64(logId)}"},"kindVersion":{"kind":"${kind}","version":"0.0.2"},` +
    `"integratedTime":"0","inclusionPromise":null,"inclusionProof":{"logIndex":"${index}","rootHash":"${root}","treeSize":"${size}",` +
    `"hashes":[${hashes}],"checkpoint":{"envelope":${checkpoint}}},"canonicalizedBody":"${encodeBase64(body)}"}`
  );
}

interface TreeParts {
  readonly size: string;
  readonly root: string;
  readonly checkpoint: string;
}

/** Hundreds of answers are under one checkpoint. */
const known = new WeakMap<SignedTree, TreeParts>();

function partsOf(tree: SignedTree): TreeParts {
  let parts = known.get(tree);
  if (!parts) {
    // The dash of notes escaped, and read back as bytes, the whole answer is kept and written one byte a character: several times faster.
    const checkpoint = decodeLatin1(utf8(JSON.stringify(tree.note).replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)));
    parts = { size: String(tree.size), root: encodeBase64(tree.root), checkpoint };
    known.set(tree, parts);
  }
  return parts;
}
