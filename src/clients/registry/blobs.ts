/** Reading blobs; writing them is push-blob.ts. */
import { absent, complete, type Descriptor, type Digest, formatDigest, type Lookup } from '../../core/artifact/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { digestCheck } from './digest-check.ts';
import { type Ask, type Call, placeOf, type Site, type Wire } from './wire.ts';

export function blobPath(digest: Digest): string {
  return `blobs/${formatDigest(digest)}`;
}

function blobAsk(site: Site, target: Digest | Descriptor, maxBytes: number): Ask {
  const { digest, size } = 'digest' in target ? target : { digest: target, size: undefined };
  const what = `the blob ${formatDigest(digest)}`;
  if (size !== undefined && size > maxBytes) {
    throw new SealwardError('ERR_TOO_LARGE', `${placeOf(site)}: ${what} has ${size} bytes; at most ${maxBytes} are read`);
  }
  return { method: 'GET', target: blobPath(digest), what, maxBytes, check: () => digestCheck(placeOf(site), digest, size) };
}

export async function fetchBlob(wire: Wire, site: Site, call: Call, target: Digest | Descriptor, maxBytes: number): Promise<Lookup<Uint8Array>> {
  const ask = blobAsk(site, target, maxBytes);
  const response = await wire.send(site, call, ask);
  if (response.status === 404) return absent;
  return response.status === 200 ? complete(response.bytes) : wire.refuse(site, response, ask.what);
}

export async function openBlob(wire: Wire, site: Site, call: Call, target: Digest | Descriptor, maxBytes: number): Promise<Lookup<AsyncIterable<Uint8Array>>> {
  const ask = blobAsk(site, target, maxBytes);
  const response = await wire.open(site, call, ask);
  if (response.status === 404) return absent;
  return response.status === 200 ? complete(response.body) : wire.refuse(site, response, ask.what);
}
