/** Two processes that attach to one image at once, again and again, where a registry has nothing but a tag to keep it under: nothing is lost. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { attachmentTag, formatDigest, parseManifest, referrersTag } from '../../src/core/artifact/index.ts';
import { MemoryRegistry } from '../../src/testing/index.ts';
import { pushImage } from '../stories/registries.ts';

/** Each waits until its entry is settled, so a hundred take a minute. */
const TIMES = process.env['SEALWARD_TORTURE'] ? 100 : 8;

async function message<T>(child: ChildProcess): Promise<T> {
  const gone = once(child, 'exit').then(([code]) => assert.fail(`a writer ended with ${code}`));
  const [said] = (await Promise.race([once(child, 'message'), gone])) as [T];
  return said;
}

for (const format of ['bundle', 'legacy'] as const) {
  test(`two processes attach ${TIMES} signatures each to one image at once: ${format}`, async (t) => {
    const registry = await MemoryRegistry.start({ referrersApi: false });
    const { tagged, descriptor } = await pushImage(registry.host, 'app');
    const writers = [1, 2].map(() => fork(join(import.meta.dirname, 'attaching-process.ts'), [tagged, format, String(TIMES)], { execArgv: [], env: {} }));
    t.after(async () => {
      for (const writer of writers) writer.kill('SIGKILL');
      await registry.close();
    });
    await Promise.all(writers.map((writer) => message(writer)));
    const written = Promise.all(writers.map((writer) => message<string[]>(writer)));
    for (const writer of writers) writer.send('begin');
    const all = (await written).flat();
    assert.equal(new Set(all).size, 2 * TIMES);
    const { tags, manifests } = registry.repository('app');
    const tag = format === 'bundle' ? referrersTag(descriptor.digest) : attachmentTag(descriptor.digest, 'sig');
    const stored = manifests.get(tags.get(tag ?? '') ?? '');
    assert.ok(stored, `nothing stands under ${tag}`);
    const manifest = parseManifest(stored.bytes, stored.mediaType);
    const listed =
      manifest.kind === 'index'
        ? manifest.manifests.map(({ digest }) => formatDigest(digest))
        : manifest.layers.map(({ annotations }) => annotations?.['dev.cosignproject.cosign/signature']);
    assert.deepEqual(new Set(listed), new Set(all));
    assert.equal(listed.length, all.length);
    // They did get into each other's way.
    assert.ok(registry.count(/^PUT .*\/manifests\/sha256-/) > 0);
  });
}
