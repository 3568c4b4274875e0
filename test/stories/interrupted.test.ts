/** Ctrl-C while an image is signed, at every request of it: nothing half-published, and signing again is all that is needed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RegistryClient } from '../../src/clients/registry/index.ts';
import { keySigner } from '../../src/clients/signers/index.ts';
import type { Reference } from '../../src/core/artifact/index.ts';
import { generateKeyPair } from '../../src/core/crypto/index.ts';
import { keyAnchor, NO_ANCHORS } from '../../src/core/trust/index.ts';
import type { FlagRequirement } from '../../src/core/verify/index.ts';
import { signImage, verifyImage } from '../../src/sdk/index.ts';
import { type Gate, gate, MemoryRegistry } from '../../src/testing/index.ts';
import { assertWhole } from '../faults/whole.ts';
import { refusedWith, verifiedBy } from './answers.ts';
import { comesTo } from './programs.ts';
import { pushImage } from './registries.ts';
import { Workshop } from './workshop.ts';

/** Calls `stop` at the n-th request that comes by, and lets that request get no further. */
function atRequest(n: number, stop: () => void): Gate {
  let seen = 0;
  return {
    reached: Promise.resolve(),
    open: () => undefined,
    pass() {
      if (++seen !== n) return Promise.resolve();
      stop();
      return Promise.reject(new Error('whoever asked is gone'));
    },
  };
}

const BY_KEY: FlagRequirement = { role: 'signature', signer: { kind: 'key' }, logs: 0, timestamps: 0, certificateLog: false, undated: 'refuse' };

for (const referrersApi of [true, false]) {
  test(`an interruption at each request of signing, ${referrersApi ? 'with' : 'without'} the referrers API`, async (t) => {
    const registry = await MemoryRegistry.start({ referrersApi });
    t.after(() => registry.close());
    const { privateKey, publicKey } = generateKeyPair('ecdsa-p256');
    const sign = async (reference: Reference, signal?: AbortSignal): Promise<void> => {
      const client = new RegistryClient({ settleMs: 0 });
      try {
        await signImage({ registry: client, reference, signer: keySigner(privateKey), ...(signal ? { signal } : {}) });
      } finally {
        client.close();
      }
    };
    const isSigned = async (reference: Reference): Promise<boolean> => {
      const client = new RegistryClient();
      const { decision } = await verifyImage({ registry: client, reference, anchors: { ...NO_ANCHORS, keys: [keyAnchor(publicKey)] }, requirement: BY_KEY });
      client.close();
      assert.ok(decision.outcome === 'verified' || decision.code === 'NO_SIGNATURE', decision.code);
      return decision.outcome === 'verified';
    };
    const whole = await pushImage(registry.host, 'whole');
    registry.forget();
    await sign(whole.reference);
    const requests = registry.journal.length;
    assert.ok(requests >= 6, `only ${requests} requests`);
    let signed = 0;
    for (let n = 1; n <= requests; n++) {
      for (const when of ['before', 'after'] as const) {
        const name = `app${n}${when}`;
        const { reference } = await pushImage(registry.host, name);
        const stopped = new AbortController();
        registry.fault({ path: `/${name}/`, [when]: atRequest(n, () => stopped.abort('SIGINT')) });
        await assert.rejects(sign(reference, stopped.signal), `request ${n}, ${when}`);
        registry.clearFaults();
        assertWhole(registry, name);
        if (await isSigned(reference)) signed++;
        await sign(reference);
        assert.ok(await isSigned(reference), `request ${n}, ${when}`);
        assertWhole(registry, name);
      }
    }
    // Some interruptions come too late to prevent the signature, and most do not.
    assert.ok(signed > 0 && signed < requests, `${signed} of ${2 * requests}`);
  });
}

test('the real program, interrupted while it publishes: exit 130, no result, nothing half-published', async (t) => {
  const registry = await MemoryRegistry.start({ referrersApi: false });
  const workshop = new Workshop();
  t.after(async () => {
    workshop.remove();
    await registry.close();
  });
  const keys = await workshop.keys();
  for (const [what, path] of [
    ['blobs', /\/blobs\/uploads\//],
    ['manifest', /\/manifests\/sha256:/],
    ['index', /\/manifests\/sha256-/],
  ] as const) {
    await t.test(`at the ${what}`, async () => {
      const image = await pushImage(registry.host, what);
      const stuck = gate();
      registry.fault({ method: 'PUT', path, before: stuck });
      const bundle = workshop.path(`${what}.json`);
      const { child, finished } = workshop.start(['sign', '--key', keys.key, '--bundle', bundle, '--output-file', workshop.path('out.json'), image.tagged]);
      await comesTo(stuck.reached, finished);
      child.kill('SIGINT');
      const { code, stdout, stderr } = await finished;
      registry.clearFaults();
      stuck.open();
      assert.deepEqual([code, stdout], [130, ''], stderr);
      assert.match(stderr, /interrupted/);
      // Neither the bundle nor the result was written, whole or in part.
      for (const name of [`${what}.json`, 'out.json']) assert.throws(() => workshop.read(name), { code: 'ENOENT' });
      assertWhole(registry, what);
      refusedWith(await workshop.verify(image.tagged, keys), 10, 'NO_SIGNATURE');
      assert.equal((await workshop.sign(image.tagged, keys)).code, 0);
      verifiedBy(await workshop.verify(image.tagged, keys));
      assertWhole(registry, what);
    });
  }
});

test('several images, interrupted after the first: what is done is said, and the rest is not signed', async (t) => {
  const registry = await MemoryRegistry.start();
  const workshop = new Workshop();
  t.after(async () => {
    workshop.remove();
    await registry.close();
  });
  const keys = await workshop.keys();
  const [first, second] = [await pushImage(registry.host, 'first'), await pushImage(registry.host, 'second')];
  const stopped = new AbortController();
  registry.fault({ path: '/second/', before: atRequest(1, () => stopped.abort('SIGINT')) });
  const { code, stdout, stderr } = await workshop.sealward(['sign', '--key', keys.key, first.tagged, second.tagged], { signal: stopped.signal });
  registry.clearFaults();
  assert.deepEqual([code, stdout], [130, '']);
  assert.equal(stderr.split('\n')[0], `signed before that: ${first.tagged}@${first.digest}`);
  verifiedBy(await workshop.verify(first.tagged, keys));
  refusedWith(await workshop.verify(second.tagged, keys), 10, 'NO_SIGNATURE');
});
