/** What was gathered while the registry stood is judged the same when it is gone, here and at a site that it never reached. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { answerOf, refusedWith, verifiedBy } from './answers.ts';
import { atWork } from './on-every-registry.ts';
import { anIndex, pushImage, startDockerRegistry, startMemoryRegistry } from './registries.ts';

for (const [name, start] of [
  ['docker-registry', startDockerRegistry],
  ['MemoryRegistry', startMemoryRegistry],
] as const) {
  atWork(`an outage of ${name}`, ['cosign2', 'cosign3', 'docker-registry'], async (t, workshop) => {
    const registry = await start();
    let stopped = false;
    const stop = async (): Promise<void> => {
      if (!stopped) await registry.stop();
      stopped = true;
    };
    t.after(stop);
    const keys = await workshop.keys();
    const push = (image: string, built?: ReturnType<typeof anIndex>) => pushImage(registry.host, `outage/${image}`, built);
    const [second, third, own, unsigned, fresh] = [
      await push('second'),
      await push('third'),
      await push('own', anIndex('outage/own')),
      await push('no'),
      await push('new'),
    ];
    await workshop.cosign2Sign(second.byDigest, keys);
    await workshop.cosign3Sign(third.byDigest, keys);
    assert.equal((await workshop.sign(own.tagged, keys)).code, 0);
    const predicate = workshop.file('predicate.json', '{"tested":true}');
    const attested = await workshop.sealward(['attest', '--key', keys.key, '--type', 'https://example.test/tested/v1', '--predicate', predicate, own.tagged]);
    assert.equal(attested.code, 0, attested.stderr);

    const [folder, elsewhere, archive] = ['evidence', 'elsewhere', 'site.tar'].map((file) => workshop.path(file)) as [string, string, string];
    const pods = workshop.file(
      'pods.json',
      JSON.stringify({
        items: [
          {
            spec: { containers: [{ image: second.tagged }], initContainers: [{ image: third.tagged }] },
            status: { containerStatuses: [{ imageID: `docker-pullable://${second.byDigest}` }] },
          },
        ],
      }),
    );
    const list = workshop.file('images.txt', `# all of them\n${unsigned.tagged}\n\n`);
    const evidence = (...args: readonly string[]) => workshop.sealward(['evidence', ...args, '--evidence', folder, '-o', 'json']);
    const gathered = await evidence('gather', own.tagged, '--from-file', list, '--from-cluster-list', pods);
    assert.equal(gathered.code, 0, gathered.stderr + gathered.stdout);
    const rows = JSON.parse(gathered.stdout) as { image: string; artifacts: { documents: number }[] }[];
    assert.deepEqual(
      rows.map(({ image, artifacts }) => [image, artifacts.length]),
      [[own.tagged, 3], ...[unsigned.tagged, second.tagged, third.tagged, second.byDigest].map((image) => [image, 1])],
    );

    const judge = (image: string, ...more: readonly string[]) => workshop.verify(image, keys, '-o', 'json', ...more);
    const before = new Map<string, unknown>();
    for (const { tagged } of [second, third, own, unsigned]) {
      const { outcome, code, digest } = answerOf(await judge(tagged));
      before.set(tagged, { outcome, code, digest });
    }
    assert.deepEqual(
      [...before.values()].map((one) => (one as { outcome: string }).outcome),
      ['verified', 'verified', 'verified', 'rejected'],
    );
    await stop();

    const sameAsBefore = async (...flags: readonly string[]): Promise<void> => {
      for (const [tagged, answer] of before) {
        const { outcome, code, digest } = answerOf(await judge(tagged, ...flags));
        assert.deepEqual({ outcome, code, digest }, answer, `${tagged} ${flags.join(' ')}`);
      }
      refusedWith(await judge(fresh.byDigest, ...flags), 4, 'ERR_EVIDENCE_MISSING');
      const by = ['--evidence', flags.at(-1) as string, '--offline', '--key', keys.pub, '--insecure-ignore-tlog'];
      const attestation = await workshop.sealward(['verify-attestation', '--type', 'https://example.test/tested/v1', ...by, own.tagged]);
      assert.equal(attestation.code, 0, attestation.stderr);
      assert.equal((await workshop.sealward(['gate', ...by, second.tagged])).code, 0);
    };
    await sameAsBefore('--offline', '--evidence', folder);
    await sameAsBefore('--offline', '--evidence', folder);

    verifiedBy(await judge(second.byDigest, '--timeout', '20s', '--evidence', folder));
    assert.equal((await judge(fresh.byDigest, '--timeout', '20s', '--evidence', folder)).code, 4, 'a registry that is down, and nothing held');

    assert.equal((await evidence('export', archive)).code, 0);
    await sameAsBefore('--offline', '--evidence', archive);
    const taken = await workshop.sealward(['evidence', 'import', archive, '--evidence', elsewhere, '-o', 'json']);
    assert.equal(taken.code, 0, taken.stderr);
    await sameAsBefore('--offline', '--evidence', elsewhere);

    const shown = JSON.parse((await evidence('show', third.tagged)).stdout) as { digest: string; answers: { listed: { held: boolean }[] }[] }[];
    assert.deepEqual([shown[0]?.digest, shown[0]?.answers.every(({ listed }) => listed.every(({ held }) => held))], [third.digest, true]);
    assert.equal((JSON.parse((await evidence('list')).stdout) as unknown[]).length, 6);

    // One archive of one image, and one that was damaged on its way.
    const small = workshop.path('small.tar');
    assert.equal((await evidence('export', small, second.tagged)).code, 0);
    verifiedBy(await judge(second.tagged, '--offline', '--evidence', small));
    assert.equal((await judge(third.tagged, '--offline', '--evidence', small)).code, 4);
    const bytes = readFileSync(small);
    const at = bytes.lastIndexOf('dev.cosignproject.cosign/signature');
    bytes[at] = 0x78;
    writeFileSync(small, bytes);
    const partial = workshop.path('third');
    const refused = await workshop.sealward(['evidence', 'import', small, '--evidence', partial]);
    assert.deepEqual([refused.code === 0, /ERR_EVIDENCE_ARCHIVE/.test(refused.stderr)], [false, true], refused.stderr);
    const without = await workshop.sealward(['evidence', 'import', small, '--skip-broken', '--evidence', partial]);
    assert.deepEqual([without.code, /do not have that digest/.test(without.stderr)], [0, true]);
    assert.equal((await judge(second.tagged, '--offline', '--evidence', partial)).code, 4, 'what was left out is not known');

    const nowhere = ['--evidence', workshop.path('nowhere')];
    for (const args of [
      ['evidence', 'list'],
      ['evidence', 'show', second.tagged],
      ['evidence', 'export', archive],
      ['evidence', 'verify'],
      ['evidence', 'prune', '--max-size', '1GiB'],
      ['verify', '--offline', '--key', keys.pub, second.tagged],
    ])
      assert.match((await workshop.sealward([...args, ...nowhere])).stderr, /nowhere cannot be read: there is no such file/, args.join(' '));
    assert.ok(!existsSync(workshop.path('nowhere')), 'and nothing is made there');
    mkdirSync(workshop.path('nowhere'));
    assert.match((await workshop.sealward(['evidence', 'export', archive, ...nowhere])).stderr, /nothing is held that could be carried/);

    assert.equal((await evidence('verify')).code, 0);
    assert.equal((await evidence('prune', '--max-size', '1GiB', '--from-cluster-list', pods)).code, 0);
    await sameAsBefore('--offline', '--evidence', folder);
  });
}
