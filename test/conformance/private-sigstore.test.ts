/** The private Sigstore of the tests is honest only if others believe it: cosign 3 verifies what it signs, by its trusted root. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { createTestSigstore, TEST_IDENTITY } from '../../src/testing/index.ts';
import { ARTIFACT, DIGEST } from '../judging.ts';
import { peerPath, requirePeers } from '../peers.ts';

const STATEMENT = { subjects: [{ name: 'artifact', digest: { sha256: DIGEST } }], predicateType: 'https://slsa.dev/provenance/v1' };
const WORKFLOW = { name: 'https://ci.sealward.test/build.yml@refs/heads/main', issuer: TEST_IDENTITY.issuer };

test('cosign 3 verifies what the private Sigstore signed, and nothing for another identity or of another instance', async (t) => {
  if (!requirePeers(t, 'cosign3')) return;
  const folder = await mkdtemp(join(tmpdir(), 'sealward-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const put = async (name: string, content: string | Uint8Array): Promise<string> => {
    await writeFile(join(folder, name), content);
    return join(folder, name);
  };
  const sigstore = createTestSigstore();
  const { tiles, timestampAuthority } = sigstore;
  const [artifact, root, otherRoot] = await Promise.all([
    put('artifact', ARTIFACT),
    put('root.json', JSON.stringify(sigstore.trustedRoot)),
    put('other.json', JSON.stringify(createTestSigstore().trustedRoot)),
  ]);
  const run = promisify(execFile);
  const accepts = async (bundle: string, identity: string, trustedRoot: string): Promise<boolean> => {
    const command = bundle.includes('statement') ? ['verify-blob-attestation', '--type', 'slsaprovenance1'] : ['verify-blob'];
    const who = ['--certificate-identity', identity, '--certificate-oidc-issuer', TEST_IDENTITY.issuer];
    try {
      await run(peerPath('cosign3'), [...command, '--bundle', bundle, '--trusted-root', trustedRoot, ...who, artifact], { env: { HOME: folder } });
      return true;
    } catch (error) {
      assert.equal((error as { code: unknown }).code, 1, String(error));
      return false;
    }
  };
  const bundles = {
    'bytes in the first log': sigstore.sign(ARTIFACT),
    'bytes with a timestamp': sigstore.sign(ARTIFACT, { timestampAuthorities: [timestampAuthority] }),
    'bytes in the second log': sigstore.sign(ARTIFACT, { logs: [tiles] }),
    'a statement in the first log': sigstore.attest(STATEMENT),
    'a statement in the second log': sigstore.attest(STATEMENT, { logs: [tiles] }),
  };
  for (const [name, bundle] of Object.entries(bundles)) {
    const file = await put(`${name}.json`, JSON.stringify(bundle));
    assert.equal(await accepts(file, TEST_IDENTITY.name, root), true, name);
  }
  const workflow = await put('workflow.json', JSON.stringify(sigstore.sign(ARTIFACT, { signer: sigstore.issue({ identity: WORKFLOW }) })));
  assert.equal(await accepts(workflow, WORKFLOW.name, root), true);
  assert.equal(await accepts(workflow, TEST_IDENTITY.name, root), false);
  assert.equal(await accepts(workflow, WORKFLOW.name, otherRoot), false);
});
