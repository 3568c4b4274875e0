/** Images signed and attested by cosign 2, cosign 3 and Sealward, judged by a policy; then the registry is stopped. */
import assert from 'node:assert/strict';
import { createHash, createPublicKey } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CliResult } from '../cli.ts';
import { requirePeers } from '../peers.ts';
import { repositoryRoot } from '../vectors.ts';
import { pushImage, startMemoryRegistry } from './registries.ts';
import { type KeyFiles, Workshop } from './workshop.ts';

interface Judged {
  readonly outcome: string;
  readonly code: string;
  readonly message: string;
  readonly action: string;
  readonly exceptions: readonly string[];
  readonly byDefault: boolean;
  readonly policies: readonly { readonly requirements: readonly { readonly name: string; readonly outcome: string; readonly code: string }[] }[];
}

function judged(result: CliResult): Judged {
  const [first] = JSON.parse(result.stdout) as Judged[];
  assert.ok(first, result.stderr);
  return first;
}

const policyOf = (host: string, maria: KeyFiles, jan: KeyFiles, eve: KeyFiles): string => `apiVersion: sealward.dev/v1alpha1
kind: ImagePolicy
metadata: { name: shop }
spec:
  contact: "#platform"
  match:
    images: ["${host}/shop/**"]
  authorities:
    - { name: maria, key: { file: ${maria.pub} } }
    - { name: jan, key: { file: ${jan.pub} } }
    - { name: eve, key: { file: ${eve.pub} } }
  signatures: { atLeast: 2, of: [maria, jan, eve] }
  attestations:
    - name: provenance
      slsa: { builders: ["https://ci.example"] }
      from: [maria]
    - name: scan
      vulnerabilities: { maximum: none, vex: [jan] }
      from: [maria]
---
apiVersion: sealward.dev/v1alpha1
kind: ImageException
metadata: { name: hotfix }
spec:
  match: { images: ["${host}/shop/hotfix"] }
  reason: the incident of last night
  approvedBy: [maria@example.test]
  from: 2026-01-01T00:00:00Z
  until: 2026-01-31T00:00:00Z
`;

const completePolicyOf = (host: string, maria: KeyFiles, jan: KeyFiles): string => `apiVersion: sealward.dev/v1alpha1
kind: ImagePolicy
metadata: { name: complete }
spec:
  match: { images: ["${host}/complete/**"] }
  authorities:
    - { name: maria, key: { file: ${maria.pub} } }
    - { name: jan, key: { file: ${jan.pub} } }
  signatures: { atLeast: 2, of: [maria, jan] }
  attestations:
    - { name: provenance, slsa: { builders: ["https://ci.example"] }, from: [maria] }
    - { name: spdx, sbom: { formats: [spdx] }, from: [maria] }
    - { name: cyclonedx, sbom: { formats: [cyclonedx] }, from: [maria] }
    - { name: scan, vulnerabilities: { maximum: none, vex: [jan] }, from: [maria] }
`;
const PROVENANCE = {
  buildDefinition: { buildType: 'https://ci.example/build', externalParameters: {} },
  runDetails: { builder: { id: 'https://ci.example' }, metadata: {} },
};
const BOM = { bomFormat: 'CycloneDX', specVersion: '1.5', version: 1, components: [{ type: 'library', name: 'a', version: '1', purl: 'pkg:npm/a@1' }] };
const SCAN = {
  invocation: { parameters: [], uri: '', event_id: '', 'builder.id': '' },
  scanner: {
    uri: 'pkg:github/aquasecurity/trivy@1',
    version: '1',
    db: { uri: '', version: '' },
    result: {
      SchemaVersion: 2,
      ArtifactName: 'x',
      Results: [{ Target: 't', Vulnerabilities: [{ VulnerabilityID: 'CVE-2026-1', Severity: 'HIGH', PkgName: 'a', InstalledVersion: '1' }] }],
    },
  },
  metadata: { scanStartedOn: '2026-03-04T10:20:00Z', scanFinishedOn: '2026-03-04T10:20:07Z' },
};
const VEX = {
  '@context': 'https://openvex.dev/ns/v0.2.0',
  '@id': 'https://v.test/1',
  author: 'jan',
  timestamp: '2026-03-05T00:00:00Z',
  version: 1,
  statements: [{ vulnerability: { name: 'CVE-2026-1' }, status: 'not_affected', justification: 'component_not_present' }],
};

test('a policy with a threshold, provenance, a scan with VEX and an exception judges what cosign and Sealward have made', async (t) => {
  if (!requirePeers(t, 'cosign2', 'cosign3')) return;
  const workshop = new Workshop();
  t.after(() => workshop.remove());
  const registry = await startMemoryRegistry();
  t.after(() => registry.stop());
  const [maria, jan, eve] = await Promise.all([workshop.keys(), workshop.keys('ecdsa-p384'), workshop.keys('ed25519')]);
  mkdirSync(workshop.path('policies'), { recursive: true });
  const policy = workshop.file('policies/shop.yaml', policyOf(registry.host, maria, jan, eve));
  const store = workshop.path('evidence');
  const verify = (image: string, ...more: readonly string[]): Promise<CliResult> =>
    workshop.sealward(['verify', '--policy', policy, '--evidence', store, ...more, image]);
  const { signing, verifying } = await workshop.offline();
  const sign2 = (image: string, { key }: KeyFiles): Promise<unknown> => workshop.must('cosign2', ['sign', '--yes', '--tlog-upload=false', '--key', key, image]);
  const sign3 = (image: string, { key }: KeyFiles): Promise<unknown> =>
    workshop.must('cosign3', ['sign', '--yes', ...signing, ...verifying, '--key', key, image]);
  const attest3 = (image: string, { key }: KeyFiles, type: string, predicate: string): Promise<unknown> =>
    workshop.must('cosign3', ['attest', '--yes', ...signing, ...verifying, '--key', key, '--type', type, '--predicate', predicate, image]);

  const mustSealward = async (args: readonly string[]): Promise<void> => {
    const { code, stderr } = await workshop.sealward(args);
    assert.equal(code, 0, stderr);
  };

  const image = await pushImage(registry.host, 'shop/app');
  const hotfix = await pushImage(registry.host, 'shop/hotfix');
  const elsewhere = await pushImage(registry.host, 'other/app');

  await t.test('what nothing covers is denied by the default, and that is said', async () => {
    const result = await verify(elsewhere.tagged);
    assert.notEqual(result.code, 0);
    assert.equal(judged(result).byDefault, true);
  });

  await t.test('unsigned, with one signature, and with two of one person it is refused', async () => {
    const unsigned = await verify(image.tagged);
    assert.equal(unsigned.code, 10, unsigned.stderr);
    assert.equal(judged(unsigned).code, 'NO_SIGNATURE');
    await sign2(image.byDigest, maria);
    await sign3(image.byDigest, maria);
    const twice = await verify(image.tagged);
    assert.notEqual(twice.code, 0);
    assert.equal(judged(twice).policies[0]?.requirements[0]?.outcome, 'rejected', 'the same person twice counts once');
  });

  await t.test('two people, provenance and a clean scan let it through', async () => {
    await mustSealward(['sign', '--key', jan.key, image.byDigest]);
    await attest3(image.byDigest, maria, 'slsaprovenance1', workshop.file('provenance.json', JSON.stringify(PROVENANCE)));
    const half = judged(await verify(image.tagged));
    assert.deepEqual(
      half.policies[0]?.requirements.map(({ name, outcome }) => [name, outcome]),
      [
        ['signatures', 'verified'],
        ['provenance', 'verified'],
        ['scan', 'rejected'],
      ],
    );
    const report = workshop.file(
      'report.json',
      JSON.stringify({
        SchemaVersion: 2,
        ArtifactName: 'x',
        CreatedAt: '2026-03-04T10:20:07Z',
        Results: [{ Target: 't', Vulnerabilities: [{ VulnerabilityID: 'CVE-2026-1', Severity: 'HIGH', PkgName: 'a', InstalledVersion: '1' }] }],
      }),
    );
    await mustSealward(['attest', '--key', maria.key, '--scan', report, image.byDigest]);
    const found = judged(await verify(image.tagged));
    assert.equal(found.outcome, 'rejected');
    assert.match(found.message, /CVE-2026-1/);
    await attest3(image.byDigest, jan, 'openvex', workshop.file('vex.json', JSON.stringify(VEX)));
    const good = await verify(image.tagged);
    assert.equal(good.code, 0, good.stdout + good.stderr);
    assert.deepEqual([judged(good).outcome, judged(good).action, judged(good).byDefault], ['verified', 'allow', false]);
  });

  const complete = await pushImage(registry.host, 'complete/app');
  const all = workshop.file('policies/complete.yaml', completePolicyOf(registry.host, maria, jan));
  const verifyAll = (name: string): Promise<CliResult> => workshop.sealward(['verify', '--policy', policy, '--policy', all, '--evidence', store, name]);

  await t.test('everything that cosign attests is asked for at once: provenance, both SBOMs, a scan and what excuses its finding', async () => {
    await sign2(complete.byDigest, maria);
    await sign3(complete.byDigest, jan);
    const write = (name: string, predicate: object): string => workshop.file(`complete-${name}.json`, JSON.stringify(predicate));
    const attest2 = (type: string, predicate: string): Promise<unknown> =>
      workshop.must('cosign2', ['attest', '--yes', '--tlog-upload=false', '--key', maria.key, '--type', type, '--predicate', predicate, complete.byDigest]);
    const outcomes = async (): Promise<Record<string, string>> =>
      Object.fromEntries(
        judged(await verifyAll(complete.tagged)).policies.flatMap(({ requirements }) => requirements.map(({ name, outcome }) => [name, outcome])),
      );
    await attest3(complete.byDigest, maria, 'slsaprovenance1', write('slsa', PROVENANCE));
    await attest2('spdxjson', join(repositoryRoot, 'vectors/predicates/valid/spdx-2.3.json'));
    await attest3(complete.byDigest, maria, 'cyclonedx', write('bom', BOM));
    await attest2('vuln', write('vuln', SCAN));
    assert.deepEqual(await outcomes(), { signatures: 'verified', provenance: 'verified', spdx: 'verified', cyclonedx: 'verified', scan: 'rejected' });
    await attest3(complete.byDigest, jan, 'openvex', write('vex', VEX));
    assert.deepEqual(await outcomes(), { signatures: 'verified', provenance: 'verified', spdx: 'verified', cyclonedx: 'verified', scan: 'verified' });
    assert.equal((await verifyAll(complete.tagged)).code, 0);
  });

  await t.test('an exception lets through what is not signed, within its time alone, and is named', async () => {
    const within = await verify(hotfix.tagged, '--at', '2026-01-15T00:00:00Z');
    assert.equal(within.code, 0, within.stderr);
    assert.deepEqual(judged(within).exceptions, ['hotfix']);
    assert.notEqual((await verify(hotfix.tagged)).code, 0, 'it has ended');
    assert.match((await verify(hotfix.tagged, '--at', '2026-02-31T00:00:00Z')).stderr, /--at is not a time: "2026-02-31T00:00:00Z"/);
  });

  await t.test('the tree says which policy, which signature and why', async () => {
    const { stdout } = await verify(image.tagged, '--explain');
    assert.match(stdout, /policy shop/);
    assert.match(stdout, /signatures: wanted/);
    assert.match(stdout, /counts sha256:/);
  });

  await t.test('cases in a file say what must come out, for CI too', async () => {
    const cases = `policies: [shop.yaml]
tests:
  - { name: released, image: "${image.tagged}", outcome: verified }
  - { name: the hotfix in January, image: "${hotfix.tagged}", outcome: verified, at: "2026-01-15T00:00:00Z" }
  - { name: the hotfix today, image: "${hotfix.tagged}", outcome: rejected, code: NO_SIGNATURE }
`;
    workshop.file('policies/sealward-test.yaml', cases);
    const report = workshop.path('report.xml');
    const good = await workshop.sealward(['policy', 'test', '-o', 'text', '--junit', report, workshop.path('policies')]);
    assert.equal(good.code, 0, good.stdout + good.stderr);
    assert.match(good.stdout, /3 of 3 passed/);
    assert.match(workshop.read('report.xml'), /tests="3" failures="0"/);
    workshop.file('policies/sealward-test.yaml', cases.replace('outcome: rejected, code: NO_SIGNATURE', 'outcome: verified'));
    const bad = await workshop.sealward(['policy', 'test', '-o', 'text', '--junit', report, workshop.path('policies')]);
    assert.equal(bad.code, 1);
    assert.match(bad.stdout, /FAIL the hotfix today .*sealward-test\.yaml:5.*: it is rejected \(NO_SIGNATURE\) and not verified/);
    assert.match(workshop.read('report.xml'), /failures="1"/);
    workshop.file('policies/broken/sealward-test.yaml', 'policies: [x]\ntests:\n  - { image: a, outcome: maybe }\n');
    const broken = await workshop.sealward(['policy', 'test', workshop.path('policies/broken')]);
    assert.equal(broken.code, 2);
    assert.match(broken.stderr, /sealward-test\.yaml:3: outcome must be one of/);
    mkdirSync(workshop.path('odd/sealward-test.yaml'), { recursive: true });
    assert.match((await workshop.sealward(['policy', 'test', workshop.path('odd')])).stderr, /sealward-test\.yaml cannot be read: it is a folder/);
  });

  await t.test('the tree of policy explain names policies that are not about the image', async () => {
    const explained = await workshop.sealward(['policy', 'explain', '-o', 'text', '--policy', policy, elsewhere.tagged]);
    assert.notEqual(explained.code, 0);
    assert.match(explained.stdout, /no policy is about it: the default rule decides \(deny, because none is stated\)/);
    assert.match(explained.stdout, /not asked policy shop .*: its patterns do not match the image/);
    assert.equal((await workshop.sealward(['policy', 'explain', image.tagged])).code, 2, 'by which policies?');
  });

  await t.test('a gate stops a pipeline by policies, and says so where its people look', async () => {
    const gate = (name: string): Promise<CliResult> =>
      workshop.sealward(['gate', '--policy', policy, '--results', workshop.path('policies'), name], { env: { GITHUB_ACTIONS: 'true' } });
    const good = await gate(image.tagged);
    assert.equal(good.code, 0, good.stderr);
    assert.equal(workshop.read('policies/outcome'), 'verified');
    const bad = await gate(hotfix.tagged);
    assert.equal(bad.code, 10, bad.stderr);
    assert.match(bad.stderr, /^::error .*shop\/hotfix/m);
    assert.deepEqual([judged(bad).code, workshop.read('policies/code')], ['NO_SIGNATURE', 'NO_SIGNATURE']);
  });

  await t.test('signatures that lie in another repository are looked for there, and the whole image is read where that is asked', async () => {
    const own = workshop.file(
      'own.yaml',
      policyOf(registry.host, maria, jan, eve)
        .replace(/ {2}attestations:[^]*?---/, '---')
        .replace('atLeast: 2', 'atLeast: 1'),
    );
    const apart = await pushImage(registry.host, 'shop/apart');
    const home = { env: { COSIGN_REPOSITORY: `${registry.host}/signatures` } };
    assert.equal((await workshop.sealward(['sign', '--key', jan.key, apart.byDigest], home)).code, 0);
    const ask = (options: object): Promise<CliResult> => workshop.sealward(['verify', '--policy', own, '--check-content', apart.tagged], options);
    const found = await ask(home);
    assert.equal(found.code, 0, found.stdout + found.stderr);
    assert.equal((await ask({})).code, 10, 'beside the image there is none');
  });

  await t.test('a decision is made again when more is known of the image now, and nothing of it is pruned', async () => {
    const own = workshop.file(
      'past.yaml',
      policyOf(registry.host, maria, jan, eve)
        .replace(/ {2}attestations:[^]*?---/, '---')
        .replace('atLeast: 2', 'atLeast: 1'),
    );
    const past = await pushImage(registry.host, 'shop/past');
    const [held, records] = [workshop.path('past-evidence'), workshop.path('past-records')];
    const ask = (...more: readonly string[]): Promise<CliResult> => workshop.sealward(['verify', '--policy', own, '--evidence', held, ...more, past.byDigest]);
    assert.equal((await ask('--record', records)).code, 10, 'not signed yet');
    assert.equal((await workshop.sealward(['sign', '--key', jan.key, past.byDigest])).code, 0);
    assert.equal((await ask('--record', records)).code, 0);
    assert.equal((await workshop.sealward(['sign', '--key', maria.key, past.byDigest])).code, 0);
    assert.equal((await ask()).code, 0);
    assert.equal((await workshop.sealward(['evidence', 'prune', '--evidence', held, '--max-size', '1'])).code, 0);
    const replay = (name: string): Promise<CliResult> => workshop.sealward(['replay', '-o', 'text', '--evidence', held, '--policy', own, join(records, name)]);
    const made = await Promise.all(readdirSync(records).map(replay));
    assert.deepEqual(
      made.map(({ code, stdout }) => [code, stdout.startsWith('the same, byte for byte')]),
      [
        [0, true],
        [0, true],
      ],
      made.map(({ stdout, stderr }) => stdout + stderr).join('\n'),
    );
  });

  await t.test('policy diff says which images would get another answer, and why', async () => {
    const stricter = workshop.file('stricter.yaml', policyOf(registry.host, maria, jan, eve).replace('atLeast: 2', 'atLeast: 3'));
    const images = ['--image', image.tagged, '--image', hotfix.tagged];
    const byPolicy = await workshop.sealward(['policy', 'diff', '-o', 'text', ...images, policy, stricter]);
    assert.equal(byPolicy.code, 0, byPolicy.stderr);
    assert.match(byPolicy.stdout, /shop\/app:v1: verified -> rejected/);
    assert.match(byPolicy.stdout, /1 of 2 images would get another answer/);
    const fingerprint = createHash('sha256')
      .update(createPublicKey(readFileSync(jan.pub)).export({ type: 'spki', format: 'der' }))
      .digest('hex');
    const byRevocation = await workshop.sealward(['policy', 'diff', '-o', 'text', '--revoke', fingerprint, ...images, policy]);
    assert.match(byRevocation.stdout, /shop\/app:v1: verified -> rejected/, byRevocation.stderr);
    const byTime = await workshop.sealward(['policy', 'diff', '-o', 'json', '--at', '2026-01-15T00:00:00Z', ...images, policy]);
    assert.deepEqual(
      (JSON.parse(byTime.stdout) as { image: string; after: { outcome: string } }[]).map((row) => [row.image, row.after.outcome]),
      [[hotfix.tagged, 'verified']],
    );
    assert.equal((await workshop.sealward(['policy', 'diff', ...images, policy])).code, 2, 'nothing differs');
  });

  await t.test('with the registry gone, what is held is judged the same, and what is new is inconclusive', async () => {
    const names = [image.tagged, image.byDigest, hotfix.tagged, elsewhere.tagged, complete.tagged];
    const answers = async (): Promise<unknown[]> => {
      const said: unknown[] = [];
      for (const name of names) {
        const result = await verifyAll(name);
        const { outcome, code, message, policies } = judged(result);
        said.push([name, result.code, outcome, code, message, policies]);
      }
      return said;
    };
    const before = await answers();
    await registry.stop();
    assert.deepEqual(await answers(), before);
    assert.deepEqual(
      before.map((one) => (one as unknown[])[1]),
      [0, 0, 10, 1, 0],
    );
    const fresh = await verify(`${registry.host}/shop/new:1`);
    assert.equal(fresh.code, 4, fresh.stdout + fresh.stderr);
  });

  await t.test('a decision of the past is made again from its record, byte for byte, with no registry', async () => {
    const records = workshop.path('records');
    assert.equal((await verify(image.tagged, '--record', records, image.byDigest)).code, 0);
    const [record, another, ...more] = readdirSync(records).map((name) => join(records, name)) as [string, string];
    assert.deepEqual([typeof another, more], ['string', []], 'one for each name');
    const replay = (...more: readonly string[]): Promise<CliResult> => workshop.sealward(['replay', '-o', 'text', '--evidence', store, ...more, record]);
    const same = await replay('--policy', policy);
    assert.equal(same.code, 0, same.stdout + same.stderr);
    assert.match(same.stdout, /the same, byte for byte/);
    const other = await replay('--policy', workshop.file('other.yaml', policyOf(registry.host, maria, jan, eve).replace('atLeast: 2', 'atLeast: 3')));
    assert.equal(other.code, 1);
    assert.match(other.stdout, /the policies are others[^]*now it is rejected/);
    writeFileSync(record, readFileSync(record, 'utf8').replace('"action":"allow"', '"action":"deny"'));
    assert.equal((await replay('--policy', policy)).code, 1, 'a record that was changed is not the same');
    assert.equal((await replay('--policy', policy, policy)).code, 2, 'one record at a time');
    assert.equal((await workshop.sealward(['replay', '--evidence', store, '--policy', policy, policy])).code, 2, 'policies are no record');
    for (const [missing, ...given] of [
      ['--evidence', '--policy', policy],
      ['--policy', '--evidence', store],
    ] as [string, ...string[]][])
      assert.match((await workshop.sealward(['replay', ...given, record])).stderr, new RegExp(`${missing} is missing`));
  });

  await t.test('a flag that would be without effect is refused', async () => {
    const refuses = async (flag: string, args: readonly string[]): Promise<void> => {
      const { code, stderr } = await workshop.sealward(args);
      assert.deepEqual([code, /ERR_FLAG_CONFLICT/.test(stderr), new RegExp(`${flag}\\s`).test(stderr)], [2, true, true], `${args.join(' ')}: ${stderr}`);
    };
    for (const command of ['verify', 'gate']) {
      for (const more of [
        ['--key', maria.pub],
        ['--certificate-identity', 'maria@example.test'],
        ['--certificate-github-workflow-ref', 'refs/heads/main'],
        ['--annotations', 'a=b'],
        ['--repository-claim', 'exact'],
        ['--insecure-ignore-tlog'],
        ['--insecure-ignore-sct'],
        ['--use-signed-timestamps'],
        ['--tlog-threshold', '2'],
        ['--timestamp-threshold', '2'],
      ])
        await refuses(more[0] as string, [command, '--policy', policy, ...more, image.tagged]);
      for (const more of [
        ['--namespace', 'shop'],
        ['--namespace-label', 'a=b'],
        ['--cluster', 'c'],
        ['--environment', 'production'],
        ['--at', '2026-01-15T00:00:00Z'],
        ['--record', workshop.path('none')],
      ])
        await refuses(more[0] as string, [command, '--key', maria.pub, ...more, image.tagged]);
    }
    await refuses('--signature', ['verify', '--policy', policy, '--signature', 'x', '--payload', 'y', image.tagged]);
    await refuses('--trusted-root', ['verify', '--policy', policy, '--trust-url', 'x', '--trusted-root', 'y', image.tagged]);
    await refuses('--trusted-root', ['policy', 'explain', '--policy', policy, '--trust', 'x', '--trusted-root', 'y', image.tagged]);
    await refuses('--image', ['policy', 'check', '--image', image.tagged, policy]);
    await refuses('--max-size', ['evidence', 'list', '--max-size', '1GiB']);
  });
});
