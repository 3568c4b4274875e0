/** What the documentation tells a new user to type, typed in its order, against a registry on loopback. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { RegistryClient } from '../../src/clients/registry/index.ts';
import { formatDigest } from '../../src/core/artifact/index.ts';
import { buildImage, MemoryRegistry, pushArtifact } from '../../src/testing/index.ts';
import { startSealward } from '../cli.ts';
import { commandLines, sealwardArguments } from '../documentation.ts';
import { startOwnServer } from '../own-server.ts';
import { repositoryRoot } from '../vectors.ts';

const RELEASED = ['generate-key-pair --output-key-prefix release', 'sign --key release.key registry.example/app:1.2'];

/** Where pages have a Sigstore of one's own; one is started for those that do. */
const SERVICES = 'https://sigstore.example:8443';

/** Page, the place of its images, and what has been done when it begins. Lines with other images are not run here. */
const PAGES: readonly (readonly [page: string, image: string, tag: string, before?: readonly string[]])[] = [
  ['README.md', 'registry.example/app', 'v1'],
  ['docs/how-to/sign-with-a-key.md', 'registry.example/app', '1.2'],
  ['docs/how-to/cosign-2-to-3.md', 'registry.example/app', '1.2', RELEASED],
  ['docs/how-to/air-gapped-copy.md', 'registry.example/app', '1.2', RELEASED],
  ['docs/how-to/work-through-an-outage.md', 'registry.example/app', '1.2', RELEASED],
];

for (const [page, image, tag, before = []] of PAGES) {
  test(`the commands of ${page} do what it says`, async (t) => {
    const registry = await MemoryRegistry.start();
    t.after(() => registry.close());
    const folder = mkdtempSync(join(tmpdir(), 'sealward-documentation-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const app = buildImage({ 'app/hello.txt': 'Hello.\n' });
    await pushArtifact(new RegistryClient(), { registry: registry.host, repository: 'app' }, app, tag);
    const env = { HOME: folder, PATH: process.env['PATH'] ?? '', COSIGN_PASSWORD: 'a pass phrase' };
    let ran = 0;
    writeFileSync(join(folder, 'review.json'), '{"passed": true}');
    const lines = [...before.map((words) => `sealward ${words}`), ...commandLines(readFileSync(join(repositoryRoot, page), 'utf8'))];
    const services = lines.some((line) => line.includes(SERVICES)) ? await startOwnServer() : undefined;
    t.after(() => services?.stop());
    for (const line of lines) {
      const argv = sealwardArguments(line);
      if (argv === undefined || /\bghcr\.io\//.test(line)) continue;
      const here = argv.map((word) =>
        word
          .replace(image, `${registry.host}/app`)
          .replace('mirror.example', registry.host)
          .replace(SERVICES, services?.url ?? '')
          .replace(/^1\.root\.json$/, services?.tufRoot ?? '')
          .replace(/sha256:0{64}/, formatDigest(app.descriptor.digest)),
      );
      const { code, stdout, stderr } = await startSealward(here, env, folder, 'tools/sealward.mjs').finished;
      assert.equal(code, 0, `${line}\n${stdout}${stderr}`);
      ran++;
    }
    assert.ok(ran >= 4, `${ran} commands ran`);
  });
}
