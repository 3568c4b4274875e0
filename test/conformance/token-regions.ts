/** Which bytes of a timestamp token anything vouches for. */
import { derChildren, type DerNode, parseDer } from '../../src/core/encoding/index.ts';

const CONTEXT_0 = 0xa0;
const CONTEXT_1 = 0xa1;
const SEQUENCE = 0x30;

/**
 * The bytes that nothing authenticates: the status around the token, the certificates and revocation lists that came
 * along, and the unsigned attributes. All others are signed, or name what must agree with what is signed.
 */
export function unauthenticatedBytes(token: Uint8Array): Set<number> {
  const bytes = new Set<number>();
  const copy = new Uint8Array(token);
  const mark = (node: DerNode | undefined): void => {
    const { raw } = node as DerNode;
    for (let at = raw.byteOffset; at < raw.byteOffset + raw.length; at++) bytes.add(at);
  };
  let parts = derChildren(parseDer(copy));
  if (parts[0]?.tag === SEQUENCE) {
    mark(parts[0]);
    parts = derChildren(parts[1] as DerNode);
  }
  const signedData = derChildren(derChildren(parts[1] as DerNode)[0] as DerNode);
  for (const node of signedData.slice(3, -1)) if (node.tag === CONTEXT_0 || node.tag === CONTEXT_1) mark(node);
  const signer = derChildren(derChildren(signedData.at(-1) as DerNode)[0] as DerNode);
  if (signer.at(-1)?.tag === CONTEXT_1) mark(signer.at(-1));
  return bytes;
}
