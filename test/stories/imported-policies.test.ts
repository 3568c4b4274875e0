/** Policies of other tools, as their documentation writes them, imported and then judging real images as it is said there. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { pushImage, startMemoryRegistry, type StoryRegistry } from './registries.ts';
import { type KeyFiles, Workshop } from './workshop.ts';

type Name = 'released' | 'strange' | 'unsigned';

const indented = (text: string, by: number): string => text.trim().replace(/^/gm, ' '.repeat(by));

/** One policy for everything in `shop`, which must be signed with a key, in the words of each tool. */
const POLICIES: Readonly<Record<string, readonly [file: string, text: (host: string, pem: string) => string]>> = {
  'policy-controller, ClusterImagePolicy v1beta1': [
    'cip.yaml',
    (host, pem) => `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: image-policy
spec:
  images:
    - glob: "${host}/shop/**"
  authorities:
    - name: release
      key:
        data: |
${indented(pem, 10)}
`,
  ],
  'Kyverno, verifyImages': [
    'kyverno.yaml',
    (host, pem) => `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: check-image
spec:
  validationFailureAction: Enforce
  rules:
    - name: check-image
      match:
        any:
          - resources:
              kinds: [Pod]
      verifyImages:
        - imageReferences:
            - "${host}/shop/*"
          attestors:
            - count: 1
              entries:
                - keys:
                    publicKeys: |
${indented(pem, 22)}
                    rekor:
                      ignoreTlog: true
                      url: https://rekor.sigstore.dev
`,
  ],
  'Kyverno, ImageValidatingPolicy': [
    'ivpol.yaml',
    (host, pem) => `apiVersion: policies.kyverno.io/v1alpha1
kind: ImageValidatingPolicy
metadata:
  name: check-images
spec:
  validationActions: [Deny]
  matchConstraints:
    resourceRules:
      - apiGroups: [""]
        apiVersions: [v1]
        operations: [CREATE]
        resources: [pods]
  matchImageReferences:
    - glob: "${host}/shop/*"
  attestors:
    - name: cosign
      cosign:
        key:
          data: |
${indented(pem, 12)}
        ctlog:
          insecureIgnoreTlog: true
  validations:
    - expression: images.containers.map(image, verifyImageSignatures(image, [attestors.cosign])).all(e, e > 0)
      message: failed to verify image with the cosign key
`,
  ],
  "containers' policy.json": [
    'policy.json',
    (host, pem) =>
      JSON.stringify({
        default: [{ type: 'reject' }],
        transports: {
          docker: {
            [`${host}/shop`]: [{ type: 'sigstoreSigned', keyData: Buffer.from(pem).toString('base64'), signedIdentity: { type: 'matchRepository' } }],
          },
        },
      }),
  ],
  'OpenShift, ClusterImagePolicy': [
    'openshift.yaml',
    (host, pem) => `apiVersion: config.openshift.io/v1
kind: ClusterImagePolicy
metadata:
  name: p1
spec:
  scopes:
    - ${host}/shop
  policy:
    rootOfTrust:
      policyType: PublicKey
      publicKey:
        keyData: ${Buffer.from(pem).toString('base64')}
    signedIdentity:
      matchPolicy: MatchRepository
`,
  ],
};

describe('an imported policy', () => {
  const workshop = new Workshop();
  const images = new Map<Name, string>();
  let registry: StoryRegistry;
  let release: KeyFiles;

  before(async () => {
    registry = await startMemoryRegistry();
    const [key, other] = [await workshop.keys(), await workshop.keys('ed25519')];
    release = key;
    for (const name of ['released', 'strange', 'unsigned'] as const) images.set(name, (await pushImage(registry.host, `shop/${name}`)).tagged);
    for (const [name, by] of [
      ['released', key],
      ['strange', other],
    ] as const) {
      const signed = await workshop.sealward(['sign', '--key', by.key, '--signature-format', 'both', images.get(name) ?? '']);
      assert.equal(signed.code, 0, signed.stderr);
    }
  });
  after(async () => {
    await registry.stop();
    workshop.remove();
  });

  for (const [what, [file, text]] of Object.entries(POLICIES)) {
    it(`of ${what} lets in what its key signed, and nothing else`, async () => {
      const foreign = workshop.file(file, text(registry.host, readFileSync(release.pub, 'utf8')));
      const imported = await workshop.sealward(['policy', 'import', foreign]);
      assert.equal(imported.code, 0, imported.stderr);
      const policy = workshop.file(`${file}.imported.yaml`, imported.stdout);
      const codes: Record<string, string> = {};
      for (const [name, image] of images) {
        const [first] = JSON.parse((await workshop.sealward(['verify', '--policy', policy, image])).stdout) as { outcome: string; code: string }[];
        codes[name] = `${first?.outcome} ${first?.code}`;
      }
      assert.deepEqual(codes, { released: 'verified VERIFIED', strange: 'rejected KEY_MISMATCH', unsigned: 'rejected NO_SIGNATURE' }, imported.stderr);
    });
  }
});
