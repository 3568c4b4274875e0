/** cosign 3, as it is released, and this project with one server of its own: who signs with one is verified by the other. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { controlRecords, type OwnServer, startOwnServer, WORKLOAD } from '../own-server.ts';
import { requirePeers } from '../peers.ts';
import { repositoryRoot } from '../vectors.ts';
import { verifiedBy } from './answers.ts';
import { type PushedImage, pushImage, startMemoryRegistry, type StoryRegistry } from './registries.ts';
import { type Ran, Workshop } from './workshop.ts';

const ASKED = ['--use-signed-timestamps'];
const TYPE = 'https://sealward.test/checked/v1';

describe('a server of one’s own, with cosign 3', () => {
  let server: OwnServer;
  let registry: StoryRegistry;
  let workshop: Workshop;
  let who: string[];
  let images = 0;
  const image = (): Promise<PushedImage> => pushImage(registry.host, `own/app${images++}`);
  const token = async (): Promise<string[]> => ['--identity-token', workshop.file('token', await server.token())];
  const passes = (ran: Ran): string => {
    assert.equal(ran.code, 0, ran.stderr);
    return ran.stdout;
  };
  const ours = async (...args: readonly string[]): Promise<string> => passes(await workshop.sealward(args));
  const theirs = async (...args: readonly string[]): Promise<string> => passes(await workshop.run('cosign3', args));

  before(async () => {
    [server, registry] = await Promise.all([startOwnServer(), startMemoryRegistry()]);
    workshop = new Workshop();
    who = ['--certificate-identity', WORKLOAD, '--certificate-oidc-issuer', `${server.url}/oidc`, ...ASKED];
    workshop.file('blob', 'a release');
    workshop.file('predicate.json', '{"checked":true}');
  });
  after(async () => {
    await Promise.all([server.stop(), registry.stop()]);
    workshop.remove();
  });

  it('is initialised from its first root, and then needs no flag to sign and to verify', async (t) => {
    if (!requirePeers(t, 'cosign3')) return;
    await theirs('initialize', '--mirror', `${server.url}/trust`, '--root', server.tufRoot);
    const signed = await image();
    await theirs('sign', '--yes', ...(await token()), signed.byDigest);
    await theirs('verify', ...who, signed.byDigest);
    // What cosign fetched is what this project trusts, too.
    const found = verifiedBy(await workshop.sealward(['verify', ...who, signed.byDigest]));
    assert.equal(found.certificate?.identity, WORKLOAD);
    const own = await image();
    await ours('sign', ...(await token()), own.tagged);
    await ours('verify', ...who, own.tagged);
    await theirs('verify', ...who, own.byDigest);
    const attested = await image();
    await theirs('attest', '--yes', ...(await token()), '--type', TYPE, '--predicate', workshop.path('predicate.json'), attested.byDigest);
    await ours('verify-attestation', ...who, '--type', TYPE, attested.tagged);
    await ours('attest', ...(await token()), '--type', TYPE, '--predicate', workshop.path('predicate.json'), own.tagged);
    await theirs('verify-attestation', ...who, '--type', TYPE, own.byDigest);
    await ours('verify-attestation', ...who, '--type', TYPE, own.tagged);
  });

  it('is judged by a policy for identities, with the statements of cosign and of this project', async (t) => {
    if (!requirePeers(t, 'cosign3')) return;
    const policyOf = (subject: string): string =>
      JSON.stringify({
        apiVersion: 'sealward.dev/v1alpha1',
        kind: 'ImagePolicy',
        metadata: { name: 'own' },
        spec: {
          match: { images: [`${registry.host}/own/**`] },
          authorities: [{ name: 'ci', keyless: { identities: [{ issuer: `${server.url}/oidc`, subject }] } }],
          signatures: 'ci',
          attestations: [
            { name: 'spdx', sbom: { formats: ['spdx'] }, from: ['ci'] },
            { name: 'cyclonedx', sbom: { formats: ['cyclonedx'], components: { denied: ['pkg:npm/left-pad'] } }, from: ['ci'] },
            { name: 'scan', vulnerabilities: { maximum: 'medium' }, from: ['ci'] },
          ],
          strictness: { dated: 'both' },
        },
      });
    const judged = async (one: PushedImage, subject = WORKLOAD): Promise<[code: number, requirements: Record<string, string>]> => {
      const policy = workshop.file('own.json', policyOf(subject));
      const { code, stdout, stderr } = await workshop.sealward(['verify', '--policy', policy, '--trusted-root', server.trustedRoot, one.tagged]);
      const [answer] = JSON.parse(stdout) as [{ policies: { requirements: { name: string; outcome: string }[] }[] }];
      assert.ok(answer, stderr);
      return [code, Object.fromEntries(answer.policies.flatMap(({ requirements }) => requirements.map(({ name, outcome }) => [name, outcome])))];
    };
    const services = ['--signing-config', server.signingConfig, '--trusted-root', server.trustedRoot];
    const bom = (...purls: string[]): string =>
      workshop.file(
        'bom.json',
        JSON.stringify({ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1, components: purls.map((purl) => ({ type: 'library', name: 'x', purl })) }),
      );
    const report = (severity: string): string =>
      workshop.file(
        'vuln.json',
        JSON.stringify({
          invocation: { uri: '', event_id: '', 'builder.id': '' },
          scanner: {
            uri: 'pkg:github/aquasecurity/trivy',
            version: '0.60.0',
            db: { uri: '', version: '' },
            result: { SchemaVersion: 2, Results: [{ Target: 't', Vulnerabilities: [{ VulnerabilityID: 'CVE-2026-1', Severity: severity, PkgName: 'a' }] }] },
          },
          metadata: { scanStartedOn: '2026-03-04T10:20:00Z', scanFinishedOn: '2026-03-04T10:20:07Z' },
        }),
      );
    const statements = (severity: string, ...purls: string[]): [type: string, file: string][] => [
      ['spdxjson', join(repositoryRoot, 'vectors/predicates/valid/spdx-2.3.json')],
      ['cyclonedx', bom(...purls)],
      ['vuln', report(severity)],
    ];
    for (const [who, program] of [
      ['cosign', theirs],
      ['Sealward', ours],
    ] as const) {
      const yes = program === theirs ? ['--yes'] : [];
      const made = async (one: PushedImage, severity: string, purl: string): Promise<void> => {
        await program('sign', ...yes, ...services, ...(await token()), one.byDigest);
        for (const [type, file] of statements(severity, purl))
          await program('attest', ...yes, ...services, ...(await token()), '--type', type, '--predicate', file, one.byDigest);
      };
      const [good, bad] = [await image(), await image()];
      await made(good, 'MEDIUM', 'pkg:npm/right-pad@1.0.0');
      assert.deepEqual(await judged(good), [0, { signatures: 'verified', spdx: 'verified', cyclonedx: 'verified', scan: 'verified' }], who);
      assert.deepEqual((await judged(good, `${WORKLOAD}x`))[1]['signatures'], 'rejected', 'by another identity');
      await made(bad, 'HIGH', 'pkg:npm/left-pad@1.3.0');
      assert.deepEqual(await judged(bad), [1, { signatures: 'verified', spdx: 'verified', cyclonedx: 'rejected', scan: 'rejected' }], who);
    }
  });

  it('is reached by TLS, with the authority that `init` made and nobody else knows', async (t) => {
    if (!requirePeers(t, 'cosign3')) return;
    const own = await startOwnServer({ tls: true });
    const elsewhere = { TUF_ROOT: workshop.path('tuf-by-tls'), SSL_CERT_FILE: join(own.folder, 'tls/ca.pem') };
    const identity = ['--certificate-identity', WORKLOAD, '--certificate-oidc-issuer', `${own.url}/oidc`];
    const withToken = async (): Promise<string[]> => ['--identity-token', workshop.file('token-by-tls', await own.token())];
    try {
      const [first, second] = [await image(), await image()];
      passes(await workshop.run('cosign3', ['initialize', '--mirror', `${own.url}/trust`, '--root', own.tufRoot], elsewhere));
      passes(await workshop.run('cosign3', ['sign', '--yes', ...(await withToken()), first.byDigest], elsewhere));
      passes(await workshop.sealward(['verify', ...identity, first.byDigest], { env: elsewhere }));
      passes(await workshop.sealward(['sign', ...(await withToken()), second.byDigest], { env: elsewhere }));
      passes(await workshop.run('cosign3', ['verify', ...identity, second.byDigest], elsewhere));
      const { SSL_CERT_FILE: _, ...unknown } = elsewhere;
      assert.notEqual((await workshop.sealward(['sign', ...(await withToken()), second.byDigest], { env: unknown })).code, 0);
    } finally {
      await own.stop();
    }
  });

  it('takes the root over the air, and refuses another one', async (t) => {
    if (!requirePeers(t, 'cosign3', 'cosign2')) return;
    for (const cosign of ['cosign3', 'cosign2'] as const) {
      const elsewhere = { TUF_ROOT: workshop.path(`tuf-of-${cosign}`) };
      passes(await workshop.run(cosign, ['initialize', '--mirror', `${server.url}/trust`, '--root', server.tufRoot], elsewhere));
    }
    const other = await startOwnServer();
    try {
      const foreign = await workshop.run('cosign3', ['initialize', '--mirror', `${server.url}/trust`, '--root', other.tufRoot], {
        TUF_ROOT: workshop.path('foreign'),
      });
      assert.notEqual(foreign.code, 0);
    } finally {
      await other.stop();
    }
  });

  it('dates what a key signs, and what is dated passes with either program', async (t) => {
    if (!requirePeers(t, 'cosign3')) return;
    const { key, pub } = await workshop.keys();
    const services = ['--signing-config', server.signingConfig, '--trusted-root', server.trustedRoot];
    const asked = ['--key', pub, '--trusted-root', server.trustedRoot, ...ASKED];
    const [first, second] = [await image(), await image()];
    await theirs('sign', '--yes', ...services, '--key', key, first.byDigest);
    await ours('sign', ...services, '--key', key, second.tagged);
    for (const one of [first, second]) {
      await theirs('verify', ...asked, one.byDigest);
      assert.equal(verifiedBy(await workshop.sealward(['verify', ...asked, one.byDigest])).time?.datedBy.length, 1);
    }
  });

  it('gives bundles of files that @sigstore/verify takes, whoever of the two made them', async (t) => {
    if (!requirePeers(t, 'cosign3')) return;
    const services = ['--signing-config', server.signingConfig, '--trusted-root', server.trustedRoot];
    const root = TrustedRoot.fromJSON(JSON.parse(readFileSync(server.trustedRoot, 'utf8')));
    const verifier = new Verifier(toTrustMaterial(root), { tlogThreshold: 1, tsaThreshold: 1, ctlogThreshold: 1 });
    const policy = { subjectAlternativeName: WORKLOAD, extensions: { issuer: `${server.url}/oidc` } };
    await theirs('sign-blob', '--yes', ...services, ...(await token()), '--bundle', workshop.path('theirs.json'), workshop.path('blob'));
    await ours('sign-blob', ...services, ...(await token()), '--bundle', workshop.path('ours.json'), workshop.path('blob'));
    for (const name of ['theirs.json', 'ours.json']) {
      const question = ['--trusted-root', server.trustedRoot, ...who, '--bundle', workshop.path(name), workshop.path('blob')];
      await ours('verify-blob', ...question);
      await theirs('verify-blob', ...question);
      const bundle = bundleFromJSON(JSON.parse(workshop.read(name)));
      const signer = verifier.verify(toSignedEntity(bundle, Buffer.from('a release')), policy);
      assert.equal(signer.identity?.subjectAlternativeName, WORKLOAD);
    }
  });

  it('writes down what it does as attestations that either program verifies', async (t) => {
    if (!requirePeers(t, 'cosign3')) return;
    const at = (name: string): string => join(server.folder, 'certificates', name);
    const records = await controlRecords(server);
    for (const kind of ['key/v1', 'policy/v1', 'access/v1']) {
      const index = records.findIndex(({ type }) => type === kind);
      const event = workshop.file('event.json', await (await fetch(`${server.operations}/control/bundle/${index}`)).text());
      const asked = [
        '--key',
        at('auditor.pub'),
        '--trusted-root',
        at('control-root.json'),
        '--type',
        `https://sealward.dev/control/${kind}`,
        '--bundle',
        event,
      ];
      const digest = records[index]?.sha256 ?? '';
      await theirs('verify-blob-attestation', ...asked, '--digest', digest, '--digestAlg', 'sha256');
      await ours('verify-blob-attestation', ...asked, '--digest', digest);
      assert.notEqual((await workshop.run('cosign3', ['verify-blob-attestation', ...asked, '--digest', 'ab'.repeat(32), '--digestAlg', 'sha256'])).code, 0);
    }
  });

  it('gives nothing for a token that was used, and says so', async (t) => {
    if (!requirePeers(t, 'cosign3')) return;
    const services = ['--signing-config', server.signingConfig, '--trusted-root', server.trustedRoot];
    const again = await token();
    await ours('sign-blob', ...services, ...again, '--bundle', workshop.path('once.json'), workshop.path('blob'));
    const replayed = await workshop.sealward(['sign-blob', ...services, ...again, '--bundle', workshop.path('twice.json'), workshop.path('blob')]);
    assert.match(replayed.stderr, /ERR_TOKEN_REPLAYED/);
    const byCosign = await workshop.run('cosign3', [
      'sign-blob',
      '--yes',
      ...services,
      ...again,
      '--bundle',
      workshop.path('thrice.json'),
      workshop.path('blob'),
    ]);
    assert.match(byCosign.stderr, /ERR_TOKEN_REPLAYED/);
  });
});
