/** Whatever is wrong has its own sentence, hint, code and exit code; and what could not be found out is never called unsigned. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../src/core/encoding/index.ts';
import { type Fault, gate, MemoryRegistry } from '../../src/testing/index.ts';
import type { CliResult } from '../cli.ts';
import { refusedWith, verifiedBy } from './answers.ts';
import { attachBundle } from './attach.ts';
import { onEveryRegistry } from './on-every-registry.ts';
import { anImage, aDockerImage, pushImage } from './registries.ts';
import { Workshop } from './workshop.ts';

const NOTHING = '0'.repeat(64);

onEveryRegistry('what is not signed as it should be is refused', [], async (t, { registry, workshop }) => {
  const keys = await workshop.keys();

  await t.test('unsigned, before and after others are signed', async () => {
    const image = await pushImage(registry.host, 'plain');
    const signed = await pushImage(registry.host, 'plain', anImage('beside it'), 'v2');
    refusedWith(await workshop.verify(image.tagged, keys), 10, 'NO_SIGNATURE');
    assert.equal((await workshop.sign(signed.tagged, keys)).code, 0);
    const { places } = refusedWith(await workshop.verify(image.tagged, keys), 10, 'NO_SIGNATURE');
    // It is called unsigned because every place answered.
    assert.deepEqual(
      places?.map(({ name, state }) => [name, state]),
      [
        ['referrers-api', registry.referrersApi ? 'complete' : 'absent'],
        ['fallback-tag', 'absent'],
        ['sig-tag', 'absent'],
      ],
    );
  });

  await t.test('another key, and another annotation', async () => {
    const image = await pushImage(registry.host, 'signed');
    assert.equal((await workshop.sign(image.tagged, keys, '-a', 'branch=main')).code, 0);
    const other = refusedWith(await workshop.verify(image.tagged, await workshop.keys('ecdsa-p384')), 1, 'KEY_MISMATCH');
    assert.match(other.reason ?? '', /ecdsa-p384\.pub/);
    const annotation = refusedWith(await workshop.verify(image.tagged, keys, '-a', 'branch=dev'), 1, 'ANNOTATION_MISMATCH');
    assert.match(annotation.reason ?? '', /branch is "main", wanted was dev/);
    refusedWith(await workshop.verify(image.tagged, keys, '-a', 'commit=4f2c1e'), 1, 'ANNOTATION_MISMATCH');
  });

  await t.test('a tag that was moved to an image that nobody signed; the digest that was signed stays good', async () => {
    const image = await pushImage(registry.host, 'moved');
    assert.equal((await workshop.sign(image.tagged, keys)).code, 0);
    verifiedBy(await workshop.verify(image.tagged, keys));
    const attack = await pushImage(registry.host, 'moved', anImage('an attack'));
    assert.notEqual(attack.digest, image.digest);
    assert.equal(refusedWith(await workshop.verify(image.tagged, keys), 10, 'NO_SIGNATURE').digest, attack.digest);
    verifiedBy(await workshop.verify(image.byDigest, keys));
    // A tag beside a digest is only a name: the digest decides.
    verifiedBy(await workshop.verify(image.byDigest.replace('@', ':v1@'), keys));
  });

  await t.test("another image's signature, attached to this one", async () => {
    const [image, other] = [await pushImage(registry.host, 'stolen'), await pushImage(registry.host, 'stolen', aDockerImage('other'), 'v2')];
    assert.equal((await workshop.sign(other.tagged, keys, '--bundle', workshop.path('stolen.json'))).code, 0);
    await attachBundle(image, JSON.parse(workshop.read('stolen.json')) as JsonObject);
    const { reason } = refusedWith(await workshop.verify(image.tagged, keys), 1, 'DIGEST_MISMATCH');
    assert.match(reason ?? '', new RegExp(other.digest));
  });

  await t.test('a tag, a digest and a repository that are not there', async () => {
    await pushImage(registry.host, 'there');
    for (const name of ['there:v2', `there@sha256:${NOTHING}`, 'nowhere:v1', `nowhere@sha256:${NOTHING}`]) {
      const image = `${registry.host}/${name}`;
      assert.equal(refusedWith(await workshop.verify(image, keys), 11, 'ERR_NOT_FOUND').reason, `${image} is not there`);
    }
    const signing = await workshop.sign(`${registry.host}/there:v2`, keys);
    assert.equal(signing.code, 11, signing.stderr);
    assert.match(signing.stderr, /ERR_NOT_FOUND/);
  });
});

/** What a user reads, for a registry that is in trouble. HOST and DIGEST stand for what differs from run to run. */
const TROUBLES: readonly { readonly trouble: string; readonly fault: Fault; readonly exit: number; readonly says: readonly string[] }[] = [
  {
    trouble: 'it answers 401',
    fault: { path: '/v2/', status: 401 },
    exit: 3,
    says: [
      'inconclusive  HOST/app:v1',
      'HOST/app: the registry wants to know who asks for the tag "v1" (401)',
      'ERR_REGISTRY_UNAUTHENTICATED  hint: Log in with `docker login HOST`, or give --registry-username and --registry-password.',
    ],
  },
  {
    trouble: 'it answers 403',
    fault: { path: '/v2/', status: 403 },
    exit: 3,
    says: [
      'inconclusive  HOST/app:v1',
      'HOST/app: the registry does not allow access to the tag "v1" (403)',
      'ERR_REGISTRY_DENIED  hint: Ask whoever runs the registry for access to this repository.',
    ],
  },
  {
    trouble: 'it answers 404',
    fault: { path: '/v2/', status: 404 },
    exit: 11,
    says: ['rejected  HOST/app:v1', 'HOST/app:v1 is not there', 'ERR_NOT_FOUND  hint: Check the spelling of repository, tag and digest.'],
  },
  {
    trouble: 'it answers 429 and says how long to wait',
    fault: { path: '/v2/', status: 429, headers: { 'retry-after': '60' } },
    exit: 4,
    says: [
      'inconclusive  HOST/app:v1',
      'HOST/app: the registry asks to wait for 60 seconds before it is asked again for the tag "v1" (429)',
      'ERR_REGISTRY_THROTTLED  hint: Try again later, or log in: many registries allow more to known users.',
    ],
  },
  {
    trouble: 'it answers 500',
    fault: { path: '/v2/', status: 500 },
    exit: 4,
    says: [
      'inconclusive  HOST/app:v1',
      'HOST/app: the registry failed when asked for the tag "v1" (500)',
      'ERR_REGISTRY_FAILED  hint: Try again; if it stays, tell whoever runs the registry.',
    ],
  },
  {
    trouble: 'it closes the connection',
    fault: { path: '/v2/', drop: 'before' },
    exit: 4,
    says: [
      'inconclusive  HOST/app:v1',
      '"HOST" could not be reached: it closed the connection',
      'ERR_REGISTRY_UNREACHABLE  hint: Check the host name, the network and the proxy settings, then try again.',
    ],
  },
  {
    trouble: 'it never answers',
    fault: { path: '/v2/', before: gate() },
    exit: 4,
    says: [
      'inconclusive  HOST/app:v1',
      'the deadline passed before the tag "v1" of HOST/app had arrived',
      'ERR_DEADLINE  hint: Try again, or give more time with --timeout.',
    ],
  },
  {
    trouble: 'it changes the signature',
    fault: { path: /\/blobs\//, body: 'something else' },
    exit: 4,
    says: [
      'inconclusive  HOST/app:v1@DIGEST',
      'it could not be found out: the referrers API: HOST/app: asked for sha256:HEX, and the answer has sha256:HEX',
      'ERR_DIGEST_MISMATCH  hint: The registry, a mirror or a proxy changed the content: do not use it, and tell whoever runs it.',
    ],
  },
  {
    trouble: 'it speaks of something else',
    fault: { path: '/v2/', body: '<html>Welcome</html>', headers: { 'content-type': 'text/html' } },
    exit: 4,
    says: [
      'inconclusive  HOST/app:v1@DIGEST',
      'it could not be found out: the referrers API: HOST/app: *',
      'ERR_MANIFEST_INVALID  hint: The registry serves something that is not a valid OCI document; push the image again.',
    ],
  },
];

test('a registry in trouble: every kind of it in words, and never "unsigned"', async (t) => {
  const registry = await MemoryRegistry.start();
  const workshop = new Workshop();
  t.after(async () => {
    workshop.remove();
    await registry.close();
  });
  const keys = await workshop.keys();
  const image = await pushImage(registry.host, 'app');
  assert.equal((await workshop.sign(image.tagged, keys)).code, 0);
  const plain = ({ stdout }: CliResult): string[] => {
    const text = stdout.replaceAll(image.digest, 'DIGEST').replaceAll(registry.host, 'HOST');
    const lines = text
      .replaceAll(/[0-9a-f]{64}/g, 'HEX')
      .trimEnd()
      .split('\n');
    return lines.map((line) => line.trim());
  };
  const seen = new Set<string>();
  for (const { trouble, fault, exit, says } of TROUBLES) {
    await t.test(trouble, async () => {
      registry.fault(fault);
      try {
        // Time enough for every try on a busy machine, unless it is the time that has to run out.
        const result = await workshop.verify(image.tagged, keys, '-t', fault.before ? '1s' : '20s', '-o', 'text');
        const lines = plain(result);
        assert.equal(result.code, exit, result.stdout);
        assert.equal(lines.length, says.length, result.stdout);
        for (const [at, line] of says.entries()) {
          if (line.endsWith('*')) assert.ok(lines[at]?.startsWith(line.slice(0, -1)), result.stdout);
          else assert.equal(lines[at], line);
        }
        assert.doesNotMatch(result.stdout, /Nothing is signed/);
        assert.ok(!seen.has(lines[1] as string), 'two troubles have the same sentence');
        seen.add(lines[1] as string);
      } finally {
        fault.before?.open();
        registry.clearFaults();
      }
      // As soon as the registry has recovered, so has the answer.
      verifiedBy(await workshop.verify(image.tagged, keys));
    });
  }

  await t.test('signing through the same troubles publishes nothing, and says the same', async () => {
    for (const { trouble, fault, says } of TROUBLES) {
      if (fault.before !== undefined || fault.body !== undefined) continue;
      const other = await pushImage(registry.host, 'unsigned', anImage(trouble));
      registry.fault(fault);
      const signing = await workshop.sign(other.tagged, keys, '-t', '20s', '-o', 'text');
      registry.clearFaults();
      const [code] = (says.at(-1) as string).split(' ');
      assert.equal(signing.stdout, '');
      assert.match(signing.stderr, new RegExp(`code: ${code} `));
      refusedWith(await workshop.verify(other.tagged, keys), 10, 'NO_SIGNATURE');
    }
  });
});

test('one place in trouble: what another place holds still counts, and what none holds is not called unsigned', async (t) => {
  const registry = await MemoryRegistry.start();
  const workshop = new Workshop();
  t.after(async () => {
    workshop.remove();
    await registry.close();
  });
  const keys = await workshop.keys();
  const unsigned = await pushImage(registry.host, 'unsigned');
  const signed = await pushImage(registry.host, 'signed');
  assert.equal((await workshop.sign(signed.tagged, keys)).code, 0);
  for (const [path, status, exit, code] of [
    [/\/referrers\//, 403, 3, 'ERR_REGISTRY_DENIED'],
    [/\/referrers\//, 500, 4, 'ERR_REGISTRY_FAILED'],
    [/\.sig$/, 401, 3, 'ERR_REGISTRY_UNAUTHENTICATED'],
    [/\.sig$/, 500, 4, 'ERR_REGISTRY_FAILED'],
    [/\/manifests\/sha256-[0-9a-f]{64}$/, 500, 4, 'ERR_REGISTRY_FAILED'],
  ] as const) {
    registry.fault({ path, status });
    const { reason } = refusedWith(await workshop.verify(unsigned.tagged, keys), exit, code);
    assert.match(reason ?? '', /^it could not be found out: the /);
    assert.doesNotMatch(reason ?? '', /Nothing is signed/);
    // The image that is signed is found in the first place that is asked, unless that is the one in trouble.
    const other = await workshop.verify(signed.tagged, keys);
    assert.equal(other.code, path.source.includes('referrers') ? exit : 0, `${path} ${status}`);
    registry.clearFaults();
  }
});
