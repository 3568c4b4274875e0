/** Reading and writing on the same connections: whoever copies within one registry must not wait for itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseReference } from '../../src/core/artifact/index.ts';
import { copyImage, signImage } from '../../src/sdk/index.ts';
import { buildImage, buildIndex, MemoryRegistry } from '../../src/testing/index.ts';
import { pushImage } from '../stories/registries.ts';
import { freshSigner, visible, withClient } from './visible.ts';

test('a copy within one registry with more workers than connections comes to its end', async (t) => {
  const registry = await MemoryRegistry.start({ referrersApi: false });
  t.after(() => registry.close());
  const children = Array.from({ length: 20 }, (_, i) => buildImage({ name: `image ${i}` }, { platform: { os: 'linux', architecture: `arch${i}` } }));
  const { reference } = await pushImage(registry.host, 'many', buildIndex(children));
  const signer = freshSigner();
  for (let i = 0; i < 40; i++) await withClient((client) => signImage({ registry: client, reference, signer }));
  const arriving = parseReference(`${registry.host}/arrived:v1`);
  // Nothing is mounted, so that every blob is read and written.
  registry.fault({ path: /mount=/, status: 404 });
  const { attached } = await withClient((client) =>
    copyImage({ source: { registry: client, reference }, destination: { registry: client, reference: arriving }, workers: 64 }),
  );
  assert.equal(attached, 40);
  assert.equal((await visible(arriving, [signer])).length, 1);
});
