/** What Sealward attests to, of every type and from every source, is read by cosign 2 and 3 and by Sealward; a wrong file is not signed. */
import assert from 'node:assert/strict';
import { ftruncateSync, openSync, closeSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PREDICATE_TYPES, predicateTypeOf } from '../../src/core/bundle/index.ts';
import { MemoryRegistry } from '../../src/testing/index.ts';
import type { CliResult } from '../cli.ts';
import { commandLines, sealwardArguments } from '../documentation.ts';
import { ciCases, predicateFile, scanCases, validCases } from '../predicates.ts';
import { repositoryRoot } from '../vectors.ts';
import { refusedWith, verifiedBy } from './answers.ts';
import { atWork, onEveryRegistry } from './on-every-registry.ts';
import { pushImage } from './registries.ts';
import type { KeyFiles, Ran, Workshop } from './workshop.ts';

const attest = (workshop: Workshop, image: string, { key }: KeyFiles, ...more: readonly string[]): Promise<CliResult> =>
  workshop.sealward(['attest', '--key', key, ...more, image]);
const verify = (workshop: Workshop, image: string, { pub }: KeyFiles, type: string): Promise<CliResult> =>
  workshop.sealward(['verify-attestation', '--insecure-ignore-tlog', '--key', pub, '--type', type, image]);

function predicateOf({ stdout }: CliResult): unknown {
  return (JSON.parse(stdout) as { signatures: { predicate: unknown }[] }[])[0]?.signatures[0]?.predicate;
}

/** What cosign says it has verified: the envelope, or several, one a line. */
function predicateOfCosign({ code, stdout, stderr }: Ran): unknown {
  assert.equal(code, 0, stderr);
  const { payload } = JSON.parse(stdout.split('\n')[0] ?? '') as { payload: string };
  return (JSON.parse(Buffer.from(payload, 'base64').toString()) as { predicate: unknown }).predicate;
}

async function cosign3Reads(workshop: Workshop, image: string, { pub }: KeyFiles, type: string): Promise<unknown> {
  const { verifying } = await workshop.offline();
  return predicateOfCosign(
    await workshop.run('cosign3', ['verify-attestation', '--insecure-ignore-tlog=true', ...verifying, '--key', pub, '--type', type, image]),
  );
}

async function cosign2Reads(workshop: Workshop, image: string, { pub }: KeyFiles, type: string): Promise<unknown> {
  return predicateOfCosign(await workshop.run('cosign2', ['verify-attestation', '--insecure-ignore-tlog=true', '--key', pub, '--type', type, image]));
}

onEveryRegistry('what Sealward attests to, both generations of cosign read', ['cosign2', 'cosign3'], async (t, { registry, workshop }) => {
  const keys = await workshop.keys();
  // Every type on one registry; the others differ in how attestations are found, for which the first will do.
  const cases = registry.name === 'MemoryRegistry' ? validCases : validCases.slice(0, 1);
  for (const [at, { file, types }] of cases.entries()) {
    await t.test(`${file} as ${types.join(' and ')}`, async () => {
      const image = await pushImage(registry.host, `types/n${at}`);
      const [type] = types;
      const path = workshop.file('predicate.json', predicateFile(file));
      const made = await attest(workshop, image.tagged, keys, '--type', type, '--predicate', path, '--signature-format', 'both');
      assert.equal(made.code, 0, made.stderr);
      const predicate: unknown = JSON.parse(predicateFile(file).toString());
      for (const asked of types.filter((one) => predicateTypeOf(one) === predicateTypeOf(type))) {
        const result = await verify(workshop, image.tagged, keys, asked);
        assert.equal(verifiedBy(result).predicateType, predicateTypeOf(type));
        assert.deepEqual(predicateOf(result), predicate);
        assert.deepEqual(await cosign3Reads(workshop, image.byDigest, keys, asked), predicate);
        assert.deepEqual(await cosign2Reads(workshop, image.byDigest, keys, asked), predicate);
      }
      refusedWith(await verify(workshop, image.tagged, keys, 'custom'), 1, 'PREDICATE_TYPE_MISMATCH');
    });
  }
});

atWork('reports, SBOMs and the environment of a CI job become attestations that cosign 3 reads', ['cosign3'], async (t, workshop) => {
  const keys = await workshop.keys();
  const registry = await MemoryRegistry.start();
  t.after(() => registry.close());
  for (const [at, { file, scanner }] of scanCases.entries()) {
    await t.test(file, async () => {
      const image = await pushImage(registry.host, `scans/n${at}`);
      const made = await attest(workshop, image.tagged, keys, '--scan', workshop.file('report.json', predicateFile(file)));
      assert.equal(made.code, 0, made.stderr);
      assert.equal(made.stderr.includes('does not say when the scan ran'), file.includes('undated'), made.stderr);
      const predicate = predicateOf(await verify(workshop, image.tagged, keys, 'vuln')) as { scanner: unknown; metadata: { scanFinishedOn: string } };
      assert.deepEqual(predicate.scanner, { ...scanner, result: JSON.parse(predicateFile(file).toString()) });
      assert.ok(Math.abs(Date.now() - Date.parse(predicate.metadata.scanFinishedOn)) < 600_000 === file.includes('undated'));
      assert.deepEqual(await cosign3Reads(workshop, image.byDigest, keys, 'vuln'), predicate);
    });
  }
  for (const [file, type] of [
    ['valid/spdx-2.3.json', 'spdxjson'],
    ['valid/cyclonedx-1.6.json', 'cyclonedx'],
    ['valid/spdx-3.json', 'https://spdx.dev/Document/v3'],
  ] as const) {
    await t.test(file, async () => {
      const image = await pushImage(registry.host, file.replace(/[^a-z0-9/]/g, ''));
      const made = await attest(workshop, image.tagged, keys, '--sbom', workshop.file('sbom.json', predicateFile(file)));
      assert.equal(made.code, 0, made.stderr);
      assert.deepEqual(await cosign3Reads(workshop, image.byDigest, keys, type), JSON.parse(predicateFile(file).toString()));
    });
  }
  for (const { name, environment, now, predicate } of ciCases.filter((one) => one.predicate !== undefined)) {
    await t.test(name, async () => {
      const image = await pushImage(registry.host, `ci/${name.replace('.json', '')}`);
      const env = { ...environment, COSIGN_PASSWORD: workshop.environment['COSIGN_PASSWORD'] ?? '', SOURCE_DATE_EPOCH: String(Date.parse(now) / 1000) };
      const made = await workshop.sealward(['attest', '--key', keys.key, '--from-ci', image.tagged], { env });
      assert.equal(made.code, 0, made.stderr);
      assert.deepEqual(await cosign3Reads(workshop, image.byDigest, keys, 'slsaprovenance1'), predicate);
    });
  }
});

interface Custom {
  readonly Data: string;
  readonly Timestamp: string;
}

atWork('a custom predicate is wrapped as cosign 2 and 3 wrap it', ['cosign2', 'cosign3'], async (_, workshop) => {
  const { key } = await workshop.keys();
  const { signing, verifying } = await workshop.offline();
  const file = workshop.file('file', 'a file');
  const payload = (envelope: string): Custom => {
    const { payload } = JSON.parse(envelope) as { payload: string };
    return (JSON.parse(Buffer.from(payload, 'base64').toString()) as { predicate: Custom }).predicate;
  };
  const bundled = (path: string): Custom => payload(JSON.stringify((JSON.parse(workshop.read(path)) as { dsseEnvelope: unknown }).dsseEnvelope));
  for (const content of ['{"b":1, "a":"<x>&", "n": 1.0, "big": 12345678901234567890}\n', 'not JSON', '"quoted" \\ \u{1f600} \u2028\r\n\t', '']) {
    const predicate = workshop.file('predicate', content);
    const asked = ['--type', 'custom', '--predicate', predicate];
    await workshop.must('cosign2', ['attest-blob', '--yes', '--tlog-upload=false', '--key', key, ...asked, '--output-signature', workshop.path('two'), file]);
    await workshop.must('cosign3', ['attest-blob', '--yes', ...signing, ...verifying, '--key', key, ...asked, '--bundle', workshop.path('three'), file]);
    const made = await workshop.sealward(['attest-blob', '--key', key, ...asked, '--bundle', workshop.path('ours'), file]);
    assert.equal(made.code, 0, made.stderr);
    const [two, three, ours] = [payload(workshop.read('two')), bundled('three'), bundled('ours')];
    for (const one of [two, three, ours]) {
      assert.deepEqual(Object.keys(one), ['Data', 'Timestamp']);
      assert.equal(one.Data, content);
      assert.match(one.Timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    }
  }
});

atWork('the short names of types are those of cosign 3', ['cosign3'], async (_, workshop) => {
  const { stdout } = await workshop.run('cosign3', ['attest', '--help']);
  const [, names = ''] = /specify a predicate type \(([\w|]+)\) or an URI/.exec(stdout) ?? [];
  assert.deepEqual(Object.keys(PREDICATE_TYPES).sort(), names.split('|').sort());
});

atWork('a file that is not what it shall be is not signed, and nothing is published', [], async (t, workshop) => {
  const keys = await workshop.keys();
  const registry = await MemoryRegistry.start();
  t.after(() => registry.close());
  const image = await pushImage(registry.host, 'refused');
  const before = registry.journal.length;
  const large = workshop.path('large.json');
  const handle = openSync(large, 'w');
  ftruncateSync(handle, 200 * 1024 * 1024);
  closeSync(handle);
  const file = (name: string): string => workshop.file('given.json', predicateFile(name));
  for (const [flags, code, says] of [
    [
      () => ['--type', 'slsaprovenance1', '--predicate', file('valid/slsa-v02.json')],
      'ERR_PREDICATE_INVALID',
      'buildDefinition must be an object, and it is missing',
    ],
    [() => ['--scan', file('other/snyk.json')], 'ERR_PREDICATE_INVALID', 'a report of Snyk'],
    [() => ['--scan', file('valid/cyclonedx-1.6.json')], 'ERR_PREDICATE_INVALID', 'a CycloneDX SBOM'],
    [() => ['--sbom', file('other/syft.json')], 'ERR_PREDICATE_INVALID', 'syft convert'],
    [() => ['--sbom', large], 'ERR_TOO_LARGE', 'is larger than 33554432 bytes'],
    [() => ['--type', 'cyclonedx', '--predicate', large], 'ERR_TOO_LARGE', 'is larger than 33554432 bytes'],
    [() => ['--from-ci'], 'ERR_CI_ENVIRONMENT', 'GITHUB_ACTIONS=true'],
    [() => ['--type', 'slsaprovenance3', '--predicate', file('valid/slsa-v1.json')], 'ERR_USAGE', 'slsaprovenance1'],
    [() => ['--predicate', file('valid/slsa-v1.json')], 'ERR_FLAG_CONFLICT', '--type is missing'],
    [() => ['--from-ci', '--sbom', file('valid/spdx-2.3.json')], 'ERR_FLAG_CONFLICT', 'contradict each other'],
    [() => ['--type', 'cyclonedx', '--sbom', file('valid/spdx-2.3.json')], 'ERR_FLAG_CONFLICT', 'https://spdx.dev/Document'],
    [() => [], 'ERR_FLAG_CONFLICT', 'nothing says what is attested'],
    [() => ['--scan', workshop.path('no-such-file')], 'ERR_FILE_UNREADABLE', 'there is no such file'],
  ] as const) {
    const { code: exit, stdout, stderr } = await attest(workshop, image.tagged, keys, ...flags());
    assert.deepEqual([exit, stdout], [2, ''], stderr);
    assert.ok(stderr.includes(code) && stderr.includes(says), stderr);
  }
  assert.equal(registry.journal.length, before, 'the registry was not even asked');
});

atWork('the commands of docs/how-to/attest.md do what it says', [], async (t, workshop) => {
  const registry = await MemoryRegistry.start();
  t.after(() => registry.close());
  await pushImage(registry.host, 'app', undefined, '1.2');
  const { key, pub } = await workshop.keys();
  workshop.file('provenance.json', predicateFile('valid/slsa-v1.json'));
  workshop.file('report.json', predicateFile('reports/trivy.json'));
  workshop.file('sbom.json', predicateFile('valid/cyclonedx-1.6.json'));
  const { environment } = ciCases.find(({ name }) => name === 'github-push.json') ?? assert.fail();
  const env = { ...environment, COSIGN_PASSWORD: workshop.environment['COSIGN_PASSWORD'] ?? '' };
  const seen: string[] = [];
  for (const line of commandLines(readFileSync(join(repositoryRoot, 'docs', 'how-to', 'attest.md'), 'utf8'))) {
    const argv = sealwardArguments(line);
    if (argv === undefined) continue;
    const here = argv.map((word) =>
      /^\w+\.json$/.test(word)
        ? workshop.path(word)
        : word
            .replace('registry.example', registry.host)
            .replace(/^cosign\.key$/, key)
            .replace(/^cosign\.pub$/, pub),
    );
    const { code, stderr } = await workshop.sealward(here, { env });
    assert.equal(code, 0, `${line}\n${stderr}`);
    seen.push(argv.find((word) => /^--(?:predicate|from-ci|scan|sbom)$/.test(word)) ?? argv[0] ?? '');
  }
  assert.deepEqual(seen, ['--predicate', '--from-ci', '--scan', '--sbom', 'verify-attestation']);
});
