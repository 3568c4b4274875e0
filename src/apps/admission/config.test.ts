import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { SealwardError } from '../../core/errors.ts';
import { parseAdmissionConfig, readAdmissionConfig } from './config.ts';

const WHOLE = `listen: 0.0.0.0:9443
operations: 127.0.0.1:9444
tls:
  selfMade: { folder: authority, names: [sealward.sealward-system.svc], configurations: [sealward], life: 7d, authorityLife: 365d, settle: 10m }
caller: { proof: mtls, authorities: api-server-ca.pem, names: [kube-apiserver] }
trust: { from: https://trust.example/, root: root.json, memory: trust, every: 30s, tier: production }
evidence: evidence
decisions: { folder: decisions, mode: strict, share: 60s, keep: 90d }
watch: { namespaceLabels: true, namespacedPolicies: false }
registries: { allowed: ['registry.example:5000'], mirrors: { docker.io: mirror.example }, credentialsFile: config.json, authoritiesFile: ca.pem, http: loopback, workloadIdentity: [aws] }
cluster: eu-1
environment: production
customKinds:
  - { kind: argoproj.io/Rollout, podSpecs: [spec.template.spec] }
exemptNamespaces: [sealward-system, kube-system]
margin: 500ms
drain: 15s
limits: { buffered: 128MiB, connections: 1024, threads: 1, heldDigests: 20000, held: 96MiB }
logLevel: info
`;

function faults(text: string): string {
  try {
    parseAdmissionConfig('/etc/sealward/admission.yaml', text);
  } catch (error) {
    assert.ok(error instanceof SealwardError && error.code === 'ERR_CONFIG_INVALID', String(error));
    return error.message;
  }
  return '';
}

describe('the configuration of the webhook', () => {
  it('is read whole: paths from its file, times in milliseconds, sizes in bytes', () => {
    const config = parseAdmissionConfig('/etc/sealward/admission.yaml', WHOLE);
    assert.deepEqual(config.tls, {
      kind: 'self-made',
      keptIn: { folder: '/etc/sealward/authority' },
      configurations: ['sealward'],
      names: ['sealward.sealward-system.svc'],
      lifeMs: 604_800_000,
      authorityLifeMs: 31_536_000_000,
      settleMs: 600_000,
    });
    assert.deepEqual(config.caller, { kind: 'mtls', authorities: '/etc/sealward/api-server-ca.pem', names: ['kube-apiserver'] });
    assert.deepEqual(config.trust, {
      from: 'https://trust.example/',
      rootFile: '/etc/sealward/root.json',
      memory: '/etc/sealward/trust',
      everyMs: 30_000,
      tier: 'production',
    });
    assert.deepEqual(config.decisions, { folder: '/etc/sealward/decisions', mode: 'strict', shareMs: 60_000, keepMs: 7_776_000_000 });
    assert.deepEqual(config.registries, {
      allowed: ['registry.example:5000'],
      mirrors: { 'docker.io': ['mirror.example'] },
      privateHosts: {},
      clouds: ['aws'],
      metadata: false,
      credentialsFile: '/etc/sealward/config.json',
      authoritiesFile: '/etc/sealward/ca.pem',
      allowHttp: false,
    });
    assert.deepEqual([...config.custom], [['argoproj.io/Rollout', ['spec.template.spec']]]);
    assert.deepEqual([config.marginMs, config.drainMs, config.limits.bufferedBytes], [500, 15_000, 134_217_728]);
    assert.equal(config.exemptNamespaces.has('kube-system'), true);
  });

  it('needs no more than who serves, who calls and whom to trust', () => {
    const config = parseAdmissionConfig(
      'a.yaml',
      'tls: { files: { certificates: a.crt, key: a.key } }\ncaller: { proof: network }\ntrust: { from: trust }\nevidence: held\n',
    );
    assert.deepEqual(
      [config.listen.port, config.operations.port, config.drainMs, config.exemptNamespaces.size, config.decisions],
      [9443, 9444, 15_000, 0, undefined],
    );
  });

  it('may say by which webhook configurations it is called, whoever makes its certificates', () => {
    const text = (tls: string): string => `tls: { ${tls} }\ncaller: { proof: network }\ntrust: { from: trust }\nevidence: held\n`;
    for (const tls of ['files: { certificates: a, key: b, configurations: [mine] }', 'selfMade: { folder: a, names: [b], configurations: [mine] }'])
      assert.deepEqual(parseAdmissionConfig('a.yaml', text(tls)).tls.configurations, ['mine']);
  });

  const wrong: readonly [what: string, change: (text: string) => string, says: RegExp][] = [
    ['with a setting that is not known', (text) => `${text}failOpen: true\n`, /:20:1: failOpen is not known; there are .*listen/],
    ['with a setting in a section that is not known', (text) => text.replace('mode: strict', 'mode: strict, fsync: never'), /decisions\.fsync is not known/],
    ['without TLS', (text) => text.replace(/tls:\n.*\n/, ''), /tls is missing/],
    [
      'with two kinds of certificates',
      (text) => text.replace('selfMade:', 'files: { certificates: a, key: b }\n  selfMade:'),
      /must have either files or selfMade/,
    ],
    ['with a certificate for nobody', (text) => text.replace('names: [sealward.sealward-system.svc]', 'names: []'), /tls\.selfMade\.names must be the names/],
    ['without a proof of callers', (text) => text.replace(/caller: .*\n/, ''), /caller is missing/],
    ['with a proof that is none', (text) => text.replace('proof: mtls', 'proof: none'), /caller\.proof must be one of mtls, path-secret, network/],
    ['that believes every client of the authority', (text) => text.replace(', names: [kube-apiserver]', ''), /caller\.names must be/],
    [
      'with a path that is written down in it',
      (text) => text.replace(/caller: .*/, 'caller: { proof: path-secret, secret: abc }'),
      /caller\.secret is not known/,
    ],
    [
      'with an authority in two places',
      (text) => text.replace('folder: authority', 'folder: authority, secret: a/b'),
      /tls\.selfMade\.folder or secret must say/,
    ],
    [
      'with an authority in a Secret of no namespace',
      (text) => text.replace('folder: authority', 'secret: b'),
      /tls\.selfMade\.secret must name an object of the cluster/,
    ],
    [
      'with certificates in files and a path that nobody makes',
      (text) => text.replace(/tls:\n.*\n/, 'tls: { files: { certificates: a, key: b } }\n').replace(/caller: .*/, 'caller: { proof: path-secret }'),
      /caller\.secretFile is missing/,
    ],
    ['with trust in a ConfigMap of no namespace', (text) => text.replace('https://trust.example/', 'configmap:trust'), /trust\.from must name an object/],
    ['with a yes that is a word', (text) => text.replace('namespaceLabels: true', 'namespaceLabels: "yes"'), /watch\.namespaceLabels must be true or false/],
    ['with a cloud that is none', (text) => text.replace('[aws]', '[aws, ibm]'), /registries\.workloadIdentity must be some of aws, google, azure/],
    ['with a pattern for namespaces that opt in', (text) => `${text}pullSecretsOf: ["*"]\n`, /pullSecretsOf must be names/],
    ['without trust', (text) => text.replace(/trust: .*\n/, ''), /trust is missing/],
    ['that believes whatever a server says first', (text) => text.replace('root: root.json, ', ''), /trust\.root is missing/],
    ['with a time without a unit', (text) => text.replace('margin: 500ms', 'margin: 500'), /margin must be a time with its unit/],
    ['with a size without a unit', (text) => text.replace('128MiB', '128'), /limits\.buffered must be a size with its unit, as in 128MiB/],
    ['with a size in other units', (text) => text.replace('128MiB', '128MB'), /limits\.buffered must be a size/],
    ['with a pattern for namespaces', (text) => text.replace('kube-system]', '"kube-*"]'), /exemptNamespaces must be names/],
    ['with a custom kind without a group', (text) => text.replace('argoproj.io/Rollout', 'Rollout'), /customKinds\[0\]\.kind must be GROUP\/KIND/],
    ['with a path that is no path', (text) => text.replace('[spec.template.spec]', '["spec..x"]'), /podSpecs must be paths/],
    ['with a registry that is a URL', (text) => text.replace("'registry.example:5000'", "'https://registry.example/a'"), /registries\.allowed must be hosts/],
  ];
  for (const [what, change, says] of wrong) it(`${what} is refused`, () => assert.match(faults(change(WHOLE)), says));

  it('of the reference is sound, and names every setting', () => {
    const page = readFileSync(new URL('../../../docs/reference/admission.md', import.meta.url), 'utf8');
    const [, yaml = ''] = /```yaml\n([^]*?)```/.exec(page) ?? [];
    const config = parseAdmissionConfig('admission.yaml', yaml);
    assert.equal(config.tls.kind, 'self-made');
    const source = readFileSync(new URL('config.ts', import.meta.url), 'utf8');
    const settings = new Set(
      Array.from(
        source.matchAll(/\.(?:text|optionalText|texts|textLists|section|sections|duration|size|integer|flag|choice|address)\('(\w+)'/g),
        ([, name]) => name,
      ),
    );
    assert.ok(settings.size > 35);
    for (const name of settings) assert.match(page, new RegExp(`\\b${name}\\b`));
  });

  it('that is not there is refused by its name', () => {
    assert.throws(() => readAdmissionConfig('/nonexistent/admission.yaml'), { code: 'ERR_FILE_UNREADABLE' });
  });
});
