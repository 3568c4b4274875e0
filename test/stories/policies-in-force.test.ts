/** Images judged by the policies of a trust state; changes of policies, keys and time tried over everything that is held; cases for CI. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { CliOptions, CliResult } from '../cli.ts';
import { pushImage, startMemoryRegistry, type StoryRegistry } from './registries.ts';
import { type KeyFiles, Workshop } from './workshop.ts';

const DAY = 86_400_000;
const inDays = (days: number): string => new Date(Date.now() + days * DAY).toISOString();

const policy = (name: string, images: string, authority: string): string => `apiVersion: sealward.dev/v1alpha1
kind: ImagePolicy
metadata: { name: ${name} }
spec:
  match: { images: ["${images}"] }
  authorities: [{ name: signer, key: ${authority} }]
  signatures: signer
`;
const exception = (images: string): string => `apiVersion: sealward.dev/v1alpha1
kind: ImageException
metadata: { name: hotfix }
spec:
  match: { images: ["${images}"] }
  policies: [shop]
  reason: the incident of last night
  approvedBy: [maria@example.test]
  from: ${inDays(-1)}
  until: ${inDays(1)}
`;
const RULE = 'apiVersion: sealward.dev/v1alpha1\nkind: DefaultRule\nmetadata: { name: d }\nspec: { action: allow }\n';

interface Row {
  readonly name: string;
  readonly outcome: string;
  readonly code: string;
  readonly exceptions: readonly string[];
}

describe('the policies of a trust state', () => {
  const workshop = new Workshop();
  const published = workshop.path('published');
  const store = workshop.path('held');
  let registry: StoryRegistry;
  let maria: KeyFiles;
  let jan: KeyFiles;
  const images: Record<'app' | 'hotfix' | 'unsigned' | 'other', { readonly tagged: string; readonly byDigest: string }> = {} as never;

  const ask = (args: readonly string[], options?: CliOptions): Promise<CliResult> => workshop.sealward(args, options);
  const must = async (args: readonly string[], options?: CliOptions): Promise<CliResult> => {
    const result = await ask(args, options);
    assert.equal(result.code, 0, `${args.join(' ')}\n${result.stdout}${result.stderr}`);
    return result;
  };
  const refused = async (args: readonly string[], says: RegExp): Promise<void> => {
    const { code, stderr } = await ask(args);
    assert.equal(code, 2, `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, says);
  };
  const rows = ({ stdout }: CliResult): Row[] => JSON.parse(stdout) as Row[];
  const first = (result: CliResult): Row => {
    const [row] = rows(result);
    assert.ok(row, result.stderr);
    return row;
  };
  const trust = (...args: string[]): Promise<CliResult> => must(['trust', ...args, '--folder', workshop.path('work')]);

  before(async () => {
    registry = await startMemoryRegistry();
    [maria, jan] = await Promise.all([workshop.keys(), workshop.keys('ecdsa-p384')]);
    for (const name of ['app', 'hotfix', 'unsigned', 'other'] as const)
      images[name] = await pushImage(registry.host, `${name === 'other' ? 'other' : 'shop'}/${name}`);
    for (const name of ['app', 'other'] as const) await must(['sign', '--key', maria.key, images[name].byDigest]);
    await must(['sign', '--key', jan.key, images.app.byDigest]);
    const alice = await workshop.keys('ed25519');
    await trust('init', '--signer', `alice=${alice.pub}`, '--key', alice.key);
    await trust('key', 'add', 'release', '--public-key', maria.pub, '--from', inDays(-2), '--key', alice.key);
    await trust('publish', workshop.path('without'), '--key', alice.key);
    await trust('policy', 'add', workshop.file('shop.yaml', policy('shop', `${registry.host}/shop/**`, '{ trustKey: release }')), '--key', alice.key);
    await trust('except', 'add', workshop.file('hotfix.yaml', exception(`${registry.host}/shop/hotfix`)), '--key', alice.key);
    await trust('publish', published, '--key', alice.key);
  });
  after(async () => {
    await registry.stop();
    workshop.remove();
  });

  it('judge when nothing else says who must have signed, their exceptions and default included', async () => {
    for (const command of ['verify', 'gate']) {
      const by = (image: string): Promise<CliResult> => ask([command, '--trust-url', published, image]);
      const good = await by(images.app.tagged);
      assert.deepEqual([good.code, first(good).name, first(good).outcome], [0, images.app.tagged, 'verified'], good.stderr);
      const bad = await by(images.unsigned.tagged);
      assert.deepEqual([bad.code, first(bad).code], [10, 'NO_SIGNATURE']);
      const lifted = await by(images.hotfix.tagged);
      assert.deepEqual([lifted.code, first(lifted).exceptions], [0, ['hotfix']]);
      const uncovered = await by(images.other.tagged);
      assert.deepEqual([uncovered.code, first(uncovered).code], [1, 'NO_POLICY']);
    }
    const explained = await ask(['policy', 'explain', '-o', 'text', '--trust', published, images.app.tagged]);
    assert.match(explained.stdout, /verified policy shop \(policy\/shop\.yaml:1, enforce\)/);
    const checked = await must(['policy', 'check', '-o', 'text', '--trust', published]);
    assert.match(checked.stdout, /^1 policy, 1 exception, default deny/m);
  });

  it('hold beside --policy, which only asks for more; without any the trust state says nothing of images', async () => {
    const more = workshop.file('more.yaml', policy('more', `${registry.host}/shop/**`, `{ file: ${jan.pub} }`));
    const both = await must(['verify', '--trust-url', published, '--policy', more, images.app.tagged]);
    assert.match(both.stderr, /the policies of the trust state hold \(1\), and what --policy names is asked on top of them/);
    const lifted = await ask(['verify', '--trust-url', published, '--policy', more, images.hotfix.tagged]);
    assert.equal(first(lifted).code, 'NO_SIGNATURE', 'the exception lifts the policy that it names, and no other');
    const open = workshop.file('open.yaml', RULE);
    await refused(['verify', '--trust-url', published, '--policy', open, images.app.tagged], /a DefaultRule stands beside the policies of a trust state/);
    const own = workshop.file('own.yaml', exception('**').replace('policies: [shop]', 'policies: []').replace('  policies: []\n', ''));
    await refused(['verify', '--trust-url', published, '--policy', own, images.app.tagged], /the ImageException hotfix stands beside/);
    await refused(['verify', '--trust-url', workshop.path('without'), images.app.tagged], /the trust state of .* has no policies/);
    const alone = workshop.file('alone.yaml', `${policy('all', '**', '{ trustKey: release }')}---\n${RULE}`);
    await must(['verify', '--trust-url', workshop.path('without'), '--policy', alone, images.app.tagged, images.other.tagged]);
  });

  it('are not asked when flags say who must have signed, and that is said', async () => {
    const byKey = await ask(['verify', '--trust-url', published, '--key', maria.pub, '--insecure-ignore-tlog', images.other.tagged]);
    assert.equal(byKey.code, 0, byKey.stderr);
    assert.match(byKey.stderr, /the policies of the trust state are not asked/);
    const none = await ask(['verify', '--trust-url', workshop.path('without'), '--key', maria.pub, '--insecure-ignore-tlog', images.other.tagged]);
    assert.deepEqual([none.code, none.stderr], [0, '']);
  });

  it('leave no flag without effect', async () => {
    const image = images.app.tagged;
    const key = ['--key', maria.pub];
    for (const [args, says] of [
      [
        ['verify', '--trust-url', published, '--insecure-ignore-tlog', image],
        /--insecure-ignore-tlog is for judging by flags, and nothing says who must have signed/,
      ],
      [['verify', '--trust-url', published, ...key, '--namespace', 'shop', image], /--namespace is for judging by policies, and there are none/],
      [['verify', '--trust-url', published, '--trusted-root', 'x', image], /--trust-url and --trusted-root contradict each other/],
      [['verify', '--trust-root', 'root.json', ...key, image], /--trust-root says nothing without --trust-url/],
      [['gate', '--trust-root', 'root.json', '--policy', 'shop.yaml', image], /--trust-root says nothing without --trust-url/],
      [['verify-blob', '--trust-root', 'root.json', ...key, '--bundle', 'b', 'f'], /--trust-root says nothing without --trust-url/],
      [['sign', '--trust-root', 'root.json', '--key', maria.key, image], /--trust-root says nothing without --trust-url/],
      [['replay', '--trust-root', 'root.json', '--policy', 'p', 'record'], /--trust-root says nothing without --trust/],
      [['policy', 'check', '--trust-root', 'root.json', 'p'], /--trust-root says nothing without --trust/],
      [['policy', 'explain', '--trust-root', 'root.json', '--policy', 'p', image], /--trust-root says nothing without --trust/],
      [['policy', 'diff', '--trust-root', 'root.json', 'p', 'q'], /--trust-root says nothing without --trust/],
      [['policy', 'diff', '--trust', published, published, workshop.path('without')], /--trust says nothing beside trust states/],
      [['policy', 'test', '--namespace-label', 'a=b', 'p'], /--namespace-label is not for `sealward policy test`/],
      [['policy', 'test', '--image', image, 'p'], /--image is not for `sealward policy test`/],
    ] as const)
      await refused(args, says);
  });

  it('make a decision again from its record, with the trust state alone', async () => {
    await must(['evidence', 'gather', '--evidence', store, ...Object.values(images).map(({ tagged }) => tagged)]);
    const records = workshop.path('records');
    await must(['verify', '--trust-url', published, '--evidence', store, '--record', records, images.app.byDigest]);
    const replayed = await must(['replay', '--trust', published, '--evidence', store, ...readdirSync(records).map((name) => join(records, name))]);
    assert.equal((JSON.parse(replayed.stdout) as { same: boolean }).same, true);
  });

  describe('over everything that is held, with no registry', () => {
    const diff = async (...args: string[]): Promise<{ said: string; lines: string[] }> => {
      const { stdout, stderr } = await must(['policy', 'diff', '-o', 'text', '--evidence', store, ...args]);
      const lines = stdout.trim().split('\n');
      return { said: stderr, lines };
    };

    it('another trust state, or other policies under the same keys', async () => {
      const stricter = workshop.file('stricter.yaml', policy('shop', `${registry.host}/**`, '{ trustKey: release }'));
      const { lines } = await diff(published, stricter);
      assert.equal(lines.at(-1), '2 of 4 images would get another answer');
      const [hotfix, other] = ['shop/hotfix:v1@', 'other/other:v1@'].map((name) => lines.find((line) => line.includes(name)) ?? '');
      assert.match(hotfix ?? '', /verified \(EXCEPTED\) -> rejected \(NO_SIGNATURE\): .*may not run by the policy shop/);
      assert.match(other ?? '', /rejected \(NO_POLICY\) -> verified: no longer: .*no policy|rejected \(NO_POLICY\) -> verified: no longer/);
      const back = await diff(stricter, published);
      assert.equal(back.lines.at(-1), '2 of 4 images would get another answer');
      assert.equal((await diff(published, published, '--at', inDays(-0.5))).lines.at(-1), '0 of 4 images would get another answer');
    });

    it('a revocation, from when on the key counts for nothing', async () => {
      const { lines } = await diff('--revoke', 'release', published);
      assert.match(lines[0] ?? '', /shop\/app:v1@sha256:[0-9a-f]{64}: verified -> rejected \(KEY_COMPROMISED\)/);
      // That nothing signed it is not what keeps out an image whose only signer counts for nothing.
      assert.match(lines[1] ?? '', /shop\/unsigned:v1@sha256:[0-9a-f]{64}: rejected \(NO_SIGNATURE\) -> rejected \(KEY_COMPROMISED\)/);
      assert.equal(lines.at(-1), '2 of 4 images would get another answer');
      const named = await diff('--revoke', `release@${inDays(-1)}`, '--trust', published);
      assert.deepEqual(named.lines, lines);
      const one = await diff('--revoke', 'release', '--image', images.other.tagged, published);
      assert.equal(one.lines.at(-1), '0 of 1 image would get another answer');
    });

    it('a moment: the exception ends, and that the lease is not renewed by then is not what is asked', async () => {
      const { lines, said } = await diff('--at', inDays(30), published);
      assert.match(said, /the lease of the trust state ends before then .* it is taken to be renewed/);
      assert.match(lines[0] ?? '', /shop\/hotfix:v1@.*verified \(EXCEPTED\) -> rejected \(NO_SIGNATURE\)/);
      assert.equal(lines.at(-1), '1 of 4 images would get another answer');
    });

    it('and of an archive as well; of a place that holds nothing that is said', async () => {
      await must(['evidence', 'export', '--evidence', store, workshop.path('site.tar')]);
      const { stdout } = await must(['policy', 'diff', '--evidence', workshop.path('site.tar'), '--revoke', 'release', published]);
      assert.deepEqual(
        (JSON.parse(stdout) as { image: string; before: { code: string }; after: { code: string } }[]).map((row) => [row.before.code, row.after.code]),
        [
          ['VERIFIED', 'KEY_COMPROMISED'],
          ['NO_SIGNATURE', 'KEY_COMPROMISED'],
        ],
      );
      mkdirSync(workshop.path('empty'));
      const empty = await ask(['policy', 'diff', '--evidence', workshop.path('empty'), '--revoke', 'release', published]);
      assert.match(empty.stderr, /nothing is held in .*ERR_EVIDENCE_MISSING/s);
      await refused(['policy', 'diff', '--revoke', 'release', published], /no images are named/);
      await refused(['policy', 'diff', '--evidence', workshop.path('nothing'), '--revoke', 'release', published], /nothing cannot be read|no such file/);
    });
  });

  describe('and evidence in one archive', () => {
    const archive = workshop.path('site-with-trust.tar');
    /** Another machine, on which nothing was remembered. */
    const elsewhere = (name: string): CliOptions => ({
      env: { HOME: workshop.path(name), XDG_CACHE_HOME: workshop.path(name), XDG_STATE_HOME: workshop.path(name) },
    });

    it('are all that a site without a network needs, besides the root that it was given', async () => {
      await must(['evidence', 'export', '--evidence', store, '--trust', published, archive]);
      const root = ['--trust-root', `${published}/1.root.json`];
      const ask = (image: string) =>
        workshop.sealward(['verify', '--offline', '--evidence', archive, '--trust-url', archive, ...root, image], elsewhere('site'));
      const good = await ask(images.app.tagged);
      assert.deepEqual([good.code, first(good).outcome], [0, 'verified'], good.stderr);
      assert.deepEqual(first(await ask(images.hotfix.tagged)).exceptions, ['hotfix']);
      assert.equal(first(await ask(images.unsigned.tagged)).code, 'NO_SIGNATURE');
      const taken = await workshop.sealward(['evidence', 'import', '-o', 'text', archive, '--evidence', workshop.path('there')], elsewhere('site'));
      assert.match(taken.stdout, /documents taken in, a trust repository travels with it \(--trust-url /);
      const byKey = await workshop.sealward(
        ['verify', '--key', maria.pub, '--insecure-ignore-tlog', '--offline', '--evidence', archive, '--trust-url', archive, ...root, images.other.tagged],
        elsewhere('by-key'),
      );
      assert.equal(byKey.code, 0, byKey.stderr);
    });

    it('are held against that root, and against the bytes that they name', async () => {
      const other = await workshop.keys('ecdsa-p384');
      await must(['trust', 'init', '--folder', workshop.path('other-work'), '--signer', `eve=${other.pub}`, '--key', other.key]);
      await must(['trust', 'publish', workshop.path('other-trust'), '--folder', workshop.path('other-work'), '--key', other.key]);
      const args = ['verify', '--offline', '--evidence', archive, '--trust-url', archive, '--trust-root', `${workshop.path('other-trust')}/1.root.json`];
      const strange = await workshop.sealward([...args, images.app.tagged], elsewhere('strange'));
      assert.equal(strange.code, 2, strange.stdout);
      assert.match(strange.stderr, /ERR_TRUST/);
      const bytes = readFileSync(archive);
      const at = bytes.indexOf(readFileSync(join(published, 'timestamp.json')));
      assert.ok(at > 0);
      bytes[at + 9] = (bytes[at + 9] as number) ^ 1;
      const broken = workshop.file('broken.tar', bytes);
      const tampered = await workshop.sealward(
        ['policy', 'explain', '--trust', broken, '--offline', '--evidence', store, images.app.tagged],
        elsewhere('tampered'),
      );
      assert.match(tampered.stderr, /ERR_TRUST_MISMATCH/);
      const whole = await workshop.sealward(['evidence', 'import', broken, '--evidence', workshop.path('whole')]);
      assert.deepEqual(
        [whole.code, /broken\.tar is broken: sha256:[0-9a-f]{64}: its bytes do not have that digest/.test(whole.stderr)],
        [2, true],
        whole.stderr,
      );
      const parts = await must(['evidence', 'import', '--skip-broken', broken, '--evidence', workshop.path('whole')]);
      assert.match(parts.stderr, /its bytes do not have that digest/);
      const without = await ask(['policy', 'explain', '--trust', workshop.path('site.tar'), images.app.tagged], elsewhere('without'));
      assert.match(without.stderr, /no trust repository travels with|ERR_TRUST/);
    });
  });

  it('go back in one command, and which images that would change is shown first', async () => {
    const alice = await workshop.keys('ed25519');
    const stricter = policy('shop', `${registry.host}/**`, '{ trustKey: release }').replace(
      'signatures: signer',
      'signatures: signer\n  strictness: { dated: log }',
    );
    await trust('policy', 'add', workshop.file('next/shop.yaml', stricter), '--key', alice.key);
    const waiting = await must(['trust', 'diff', '--folder', workshop.path('work'), '--evidence', store, '-o', 'text']);
    assert.match(waiting.stdout, /policy\/shop\.yaml is written anew/);
    assert.match(waiting.stdout, /shop\/app:v1@sha256:[0-9a-f]{64}: verified -> rejected \(\w+\): /);
    assert.match(waiting.stdout, /\d of 4 images would get another answer/);
    await trust('publish', '--key', alice.key);
    const revoking = ['trust', 'diff', '--folder', workshop.path('work'), '--evidence', store];
    assert.deepEqual((JSON.parse((await must(revoking)).stdout) as { images: string[] }).images, ['0 of 4 images would get another answer']);
    const back = ['trust', 'rollback', 'policy', '2', '--folder', workshop.path('work'), '--evidence', store, '-o', 'text'];
    const shown = await must(back);
    assert.match(shown.stdout, /shop\/app:v1@sha256:[0-9a-f]{64}: rejected \(\w+\) -> verified: no longer: /);
    assert.match(shown.stdout, /\d of 4 images would get another answer/);
    assert.match(shown.stderr, /Nothing was done/);
    await refused([...back, '--yes'], /--evidence is for seeing what would change/);
    await trust('rollback', 'policy', '2', '--yes', '--key', alice.key);
    await trust('publish', workshop.path('rolled-back'), '--key', alice.key);
    await must(['verify', '--trust-url', workshop.path('rolled-back'), '--offline', '--evidence', store, images.app.tagged]);
  });

  it('need the images of volumes, too, and what a pod calls an image and is none stops nobody', async () => {
    const pods = workshop.file(
      'pods.json',
      JSON.stringify({
        items: [
          {
            spec: {
              containers: [{ image: 'NOT an image' }],
              volumes: [
                { name: 'a', emptyDir: {} },
                { name: 'b', image: { reference: images.other.tagged } },
              ],
            },
          },
        ],
      }),
    );
    const gathered = await ask(['evidence', 'gather', '--evidence', workshop.path('volumes'), '--from-cluster-list', pods]);
    const answers = JSON.parse(gathered.stdout) as { image: string; digest?: string; error?: { code: string } }[];
    assert.deepEqual(
      answers.map(({ image, digest, error }) => [image, digest !== undefined, error?.code]),
      [
        [images.other.tagged, true, undefined],
        ['NOT an image', false, 'ERR_REFERENCE_INVALID'],
      ],
    );
    assert.notEqual(gathered.code, 0);
  });

  describe('cases for CI', () => {
    const cases = (): string => `policies: [../shop.yaml]
tests:
  - { name: released, image: "${images.app.tagged}", outcome: verified, action: allow, code: VERIFIED }
  - { name: held, image: "${images.app.byDigest}", evidence: ../held, outcome: verified }
  - { name: carried over, image: "${images.unsigned.byDigest}", evidence: ../site.tar, outcome: rejected, code: NO_SIGNATURE, action: deny }
  - { name: not held, image: "${registry.host}/shop/new:1", evidence: ../site.tar, outcome: inconclusive }
  - name: in a place and at a time
    image: "${images.app.tagged}"
    namespace: shop
    namespaceLabels: { team: shop }
    cluster: c
    environment: production
    at: "${inDays(-0.5)}"
    admittedBefore: true
    outcome: verified
`;
    const test = (...args: string[]): Promise<CliResult> => ask(['policy', 'test', '-o', 'text', ...args]);

    it('pass and fail by outcome, code and action, with a report for the CI system', async () => {
      workshop.file('cases/sealward-test.yaml', cases());
      const report = workshop.path('report.xml');
      const good = await test('--trust', published, '--junit', report, workshop.path('cases'));
      assert.equal(good.code, 0, good.stdout + good.stderr);
      assert.match(good.stdout, /^5 of 5 passed$/m);
      assert.match(workshop.read('report.xml'), /<testsuites tests="5" failures="0" errors="0">/);
      workshop.file('cases/sealward-test.yaml', cases().replace('action: deny', 'action: warn').replace('code: VERIFIED', 'code: EXCEPTED'));
      const bad = await test('--trust', published, '--junit', report, workshop.path('cases'));
      assert.equal(bad.code, 1);
      assert.match(bad.stdout, /FAIL carried over \(.*sealward-test\.yaml:5\): the answer is deny and not warn: /);
      assert.match(bad.stdout, /FAIL released \(.*sealward-test\.yaml:3\): its code is VERIFIED and not EXCEPTED/);
      assert.match(workshop.read('report.xml'), /failures="2"[^]*name="carried over" file=".*" line="5">\s*<failure message="the answer is deny/);
    });

    it('take the policies that are in force, and all images of an evidence', async () => {
      workshop.file('force/sealward-test.yaml', 'evidence: ../site.tar\ntests:\n  - { name: all, outcome: verified }\n');
      const all = await ask(['policy', 'test', '--trust', published, workshop.path('force')]);
      assert.equal(all.code, 1);
      const [row] = JSON.parse(all.stdout) as { image: string[]; failure: string }[];
      assert.ok(row);
      assert.equal(row.image.length, 4);
      assert.match(row.failure, /other\/other:v1@sha256:[0-9a-f]{64}: it is rejected \(NO_POLICY\) and not verified/);
      await refused(['policy', 'test', workshop.path('force')], /sealward-test\.yaml names no policies/);
    });

    it('say what is wrong with them, and where', async () => {
      for (const [text, says] of [
        ['policies: [a]\n', /:1: tests must be a list of cases/],
        ['policies: []\ntests: [{ image: a, outcome: verified }]\n', /:1: policies must be a list of files/],
        ['policy: [a]\ntests: []\n', /:1: policy is not known here/],
        ['policies: [a]\ntests:\n  - { outcome: verified }\n', /:3: image is missing, and so is evidence/],
        ['policies: [a]\ntests:\n  - { image: a, outcome: verified,\n      kode: X }\n', /:4: kode is not known in a case/],
        ['policies: [a]\ntests:\n  - { image: a, outcome: verified, action: let }\n', /:3: action must be one of allow, warn, deny/],
        ['policies: [a]\ntests:\n  - { image: a, outcome: verified, at: "2026-02-31T00:00:00Z" }\n', /:3: at is not a time/],
        ['policies: [a]\ntests:\n  - { image: a, outcome: verified, admittedBefore: "yes" }\n', /:3: admittedBefore must be true or false/],
        ['policies: [a]\ntests:\n  - { image: a, outcome: verified, namespaceLabels: [a] }\n', /:3: namespaceLabels must be a map of texts/],
        ['policies: [a]\ntests:\n  - { image: a, outcome: verified, namespaceLabels: { a: 1 } }\n', /:3: the value of a label must be a text/],
        ['policies: [a]\ntests:\n  - { image: "oci:x", evidence: y, outcome: verified }\n', /:3: an image in a folder is there itself/],
        ['policies: [a]\ntests:\n  - { image: a, image: b, outcome: verified }\n', /:3: .*unique/i],
        ['- a\n', /:1: this is no file of cases/],
        ['', /:1: this is no file of cases/],
        ['tests: []\n---\ntests: []\n', /:1: this is no file of cases/],
        [`tests: ${'['.repeat(50_000)}`, /sealward-test\.yaml:1: /],
        ['policies: [a]\ntests:\n  - &a { image: a, outcome: verified, namespaceLabels: *a }\n', /:3: namespaceLabels must be a map of texts/],
        ['policies: [a]\ntests:\n  - ? [a]\n    : b\n', /:3: a key that is no text is not known in a case/],
      ] as const) {
        workshop.file('broken/sealward-test.yaml', text);
        await refused(['policy', 'test', workshop.path('broken')], says);
      }
    });
  });

  describe('a gate', () => {
    const NAMES: readonly (readonly [string, Record<string, string>])[] = [
      ['github', { GITHUB_ACTIONS: 'true' }],
      ['gitlab', { GITLAB_CI: 'true' }],
      ['buildkite', { BUILDKITE: 'true' }],
      ['circleci', { CIRCLECI: 'true' }],
      ['none', {}],
    ];
    const LINES: Readonly<Record<string, RegExp>> = {
      github:
        /^::group::sealward gate\n✔ verified .*shop\/app:v1@sha256:[0-9a-f]{64}\n✘ rejected .*shop\/unsigned:v1@sha256:.*\(NO_SIGNATURE\).*\n::endgroup::\n::error title=rejected%3A NO_SIGNATURE::[^\n]*shop\/unsigned[^\n]*\n/,
      gitlab: /^\u001b\[0Ksection_start:\d+:sealward_gate\r\u001b\[0Ksealward gate\n✔ .*\n✘ .*NO_SIGNATURE.*\n\u001b\[0Ksection_end:\d+:sealward_gate/,
      buildkite: /^\+\+\+ sealward gate\n✔ .*\n✘ .*NO_SIGNATURE/,
      circleci: /^✔ .*\n✘ .*NO_SIGNATURE/,
      none: /^✔ .*\n✘ .*NO_SIGNATURE/,
    };
    for (const [name, env] of NAMES) {
      it(`by policies says in the log of ${name} what stops the pipeline`, async () => {
        const summary = workshop.path(`summary-${name}`);
        const results = workshop.path(`results-${name}`);
        mkdirSync(results);
        const args = ['gate', '--trust-url', published, '--results', results, images.app.tagged, images.unsigned.tagged];
        const { code, stdout, stderr } = await ask(args, { env: { ...env, GITHUB_STEP_SUMMARY: summary } });
        assert.equal(code, 10);
        assert.match(stderr, LINES[name] as RegExp);
        assert.deepEqual(
          rows({ code, stdout, stderr }).map((row) => [row.outcome, row.code]),
          [
            ['verified', 'VERIFIED'],
            ['rejected', 'NO_SIGNATURE'],
          ],
        );
        assert.deepEqual([readFileSync(`${results}/outcome`, 'utf8'), readFileSync(`${results}/code`, 'utf8')], ['rejected', 'NO_SIGNATURE']);
        if (name === 'github') assert.match(readFileSync(summary, 'utf8'), /\| ✘ rejected \| .*shop\/unsigned:v1 \| sha256:[0-9a-f]{64} \| NO_SIGNATURE: /);
      });
    }

    it('lets through with no annotation, and takes what an image or a policy says for no command', async () => {
      const env = { GITHUB_ACTIONS: 'true' };
      const good = await must(['gate', '--trust-url', published, images.app.tagged, images.hotfix.tagged], { env });
      assert.doesNotMatch(good.stderr, /^::error/m);
      assert.match(good.stderr, /✔ verified .*shop\/hotfix/);
      const evil = policy('evil', '**', `{ file: ${jan.pub} }`).replace('spec:\n', 'spec:\n  message: "100%\\n::warning::no\\r::stop-commands::x"\n');
      const bad = await ask(['gate', '--policy', workshop.file('evil.yaml', evil), images.unsigned.tagged], { env });
      assert.equal(bad.code, 10);
      assert.deepEqual(
        bad.stderr
          .split('\n')
          .filter((line) => line.startsWith('::'))
          .map((line) => line.split(' ')[0]?.replace(/::sealward$/, '')),
        ['::group', '::endgroup::', '::error'],
      );
      assert.match(bad.stderr, /100%25/);
    });

    it('is stopped by what cannot be found out, too, and by policies that cannot be read', async () => {
      const gone = await ask(['gate', '--trust-url', published, `${registry.host}/shop/nowhere:1`], { env: { GITHUB_ACTIONS: 'true' } });
      assert.equal(gone.code, 11);
      assert.match(gone.stderr, /^::error /m);
      writeFileSync(workshop.path('broken.yaml'), 'kind: none');
      await refused(['gate', '--policy', workshop.path('broken.yaml'), images.app.tagged], /broken\.yaml:1:7/);
      rmSync(workshop.path('broken.yaml'));
    });
  });
});
