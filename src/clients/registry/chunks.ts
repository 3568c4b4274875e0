import { concatBytes } from '../../core/encoding/index.ts';

/** Cuts a stream into pieces of exactly `size` bytes; the last may be shorter. */
export async function* inChunks(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array, void> {
  let parts: Uint8Array[] = [];
  let held = 0;
  for await (let piece of source) {
    while (held + piece.length >= size) {
      const room = size - held;
      yield concatBytes(...parts, piece.subarray(0, room));
      piece = piece.subarray(room);
      parts = [];
      held = 0;
    }
    if (piece.length > 0) parts.push(piece);
    held += piece.length;
  }
  if (held > 0) yield concatBytes(...parts);
}
