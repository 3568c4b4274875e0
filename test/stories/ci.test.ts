/** What deploy/ci gives to CI systems: the scripts out of its files, run as each system would run them, in an environment like its own. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { explicitCredentials, RegistryClient } from '../../src/clients/registry/index.ts';
import { MemoryRegistry, pushArtifact } from '../../src/testing/index.ts';
import { PAGES } from '../../tools/generate-reference.ts';
import { repositoryRoot } from '../vectors.ts';
import { answerOf, verifiedBy } from './answers.ts';
import { anImage, type PushedImage, pushImage } from './registries.ts';
import { PASSWORD, type Ran, Workshop } from './workshop.ts';

const COMMIT = '4f2c1e9b7a8d6c5e4f3a2b1c0d9e8f7a6b5c4d3e';
const ci = join(repositoryRoot, 'deploy', 'ci');
const read = (path: string): string => readFileSync(join(ci, path), 'utf8');

type Texts = Readonly<Record<string, string>>;

/** One job: what the system makes of its file and these inputs, and what it keeps of the job. */
interface Job {
  readonly shell: readonly string[];
  readonly scripts: readonly string[];
  readonly environment: Texts;
}

interface System {
  readonly name: string;
  readonly job: (inputs: Texts, workshop: Workshop) => Job;
  /** The digest that the job hands on. */
  readonly digest: (workshop: Workshop) => string;
  readonly builder: string;
  /** What people see in the log or in the summary of a job whose image is not signed. */
  readonly refusal: readonly RegExp[];
  readonly summary: (ran: Ran, workshop: Workshop) => string;
}

function replaced(text: string, pattern: RegExp, values: Texts): string {
  return text.replace(pattern, (_, name: string) => {
    const value = values[name];
    assert.ok(value !== undefined, `${name} is not there`);
    return value;
  });
}

const replacedIn = (texts: Texts, pattern: RegExp, values: Texts): Record<string, string> =>
  Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, replaced(text, pattern, values)]));

type Inputs = Readonly<Record<string, { readonly default?: string | boolean; readonly required?: boolean }>>;

function withDefaults(declared: Inputs, given: Texts): Texts {
  for (const name of Object.keys(given)) assert.ok(name in declared, `there is no input ${name}`);
  return Object.fromEntries(Object.entries(declared).map(([name, { default: value }]) => [name, given[name] ?? String(value ?? '')]));
}

const SYSTEMS: readonly System[] = [
  {
    name: 'GitHub Actions',
    job(inputs, workshop) {
      const action = parse(read('github/action.yml')) as { inputs: Inputs; runs: { steps: { shell: string; env?: Texts; run: string }[] } };
      const [, step] = action.runs.steps;
      assert.ok(step?.env);
      assert.ok(
        action.runs.steps.every(({ run }) => !run.includes('${{')),
        'no input becomes part of a script',
      );
      return {
        shell: ['sh', '-e'],
        scripts: [step.run],
        environment: {
          ...replacedIn(step.env, /\$\{\{ inputs\.([\w-]+) \}\}/g, withDefaults(action.inputs, inputs)),
          GITHUB_ACTION_PATH: join(ci, 'github'),
          GITHUB_ACTIONS: 'true',
          GITHUB_SERVER_URL: 'https://github.com',
          GITHUB_REPOSITORY: 'example/app',
          GITHUB_REPOSITORY_ID: '1',
          GITHUB_REPOSITORY_OWNER_ID: '2',
          GITHUB_WORKFLOW_REF: 'example/app/.github/workflows/release.yml@refs/heads/main',
          GITHUB_REF: 'refs/heads/main',
          GITHUB_SHA: COMMIT,
          GITHUB_RUN_ID: '12345',
          GITHUB_RUN_ATTEMPT: '1',
          GITHUB_EVENT_NAME: 'push',
          GITHUB_OUTPUT: workshop.file('github-output', ''),
          GITHUB_STEP_SUMMARY: workshop.file('github-summary', '# Of another step\n'),
          RUNNER_ENVIRONMENT: 'github-hosted',
        },
      };
    },
    digest: (workshop) => /^digest=(.+)$/m.exec(workshop.read('github-output'))?.[1] ?? '',
    builder: 'https://github.com/example/app/.github/workflows/release.yml@refs/heads/main',
    refusal: [/^::group::sealward gate$/m, /^::endgroup::$/m, /^::error title=rejected%3A NO_SIGNATURE::127\.0\.0\.1:\d+\/\S+: .+/m],
    summary: (_, workshop) => workshop.read('github-summary'),
  },
  {
    name: 'GitLab CI',
    job(inputs, workshop) {
      const [head, body] = parseAllDocuments(read('gitlab/templates/sealward.yml')).map((document) => document.toJS() as Record<string, unknown>);
      const { spec } = head as unknown as { spec: { inputs: Inputs } };
      const values = withDefaults(spec.inputs, { 'tools-image': 'tools', ...inputs });
      const [job] = Object.values(body ?? {}) as { variables: Texts; script: string[]; artifacts: { reports: { dotenv: string } } }[];
      assert.ok(job);
      const predefined = { CI_REGISTRY: 'registry.example', CI_REGISTRY_USER: 'gitlab-ci-token', CI_REGISTRY_PASSWORD: 'of this job' };
      assert.ok(
        job.script.every((line) => !line.includes('$[[')),
        'no input becomes part of a script',
      );
      assert.equal(job.artifacts.reports.dotenv, job.variables['SEALWARD_DOTENV']);
      return {
        shell: ['bash', '-e'],
        scripts: job.script,
        environment: {
          ...replacedIn(replacedIn(job.variables, /\$\[\[ inputs\.([\w-]+) \]\]/g, values), /\$(CI_\w+)/g, predefined),
          PATH: pathWithProgram(workshop),
          GITLAB_CI: 'true',
          CI: 'true',
          CI_PROJECT_URL: 'https://gitlab.example/team/app',
          CI_PROJECT_ID: '3',
          CI_JOB_NAME: 'sealward',
          CI_JOB_ID: '99',
          CI_JOB_URL: 'https://gitlab.example/team/app/-/jobs/99',
          CI_JOB_STARTED_AT: '2026-11-22T10:00:00Z',
          CI_COMMIT_SHA: COMMIT,
          CI_COMMIT_BRANCH: 'main',
          CI_COMMIT_REF_NAME: 'main',
          CI_RUNNER_ID: '7',
        },
      };
    },
    digest: (workshop) => /^SEALWARD_DIGEST=(.+)$/m.exec(workshop.read('sealward.env'))?.[1] ?? '',
    builder: 'https://gitlab.example/team/app/-/runners/7',
    refusal: [/section_start:\d+:sealward_gate\r/, /✘ rejected 127\.0\.0\.1:\d+\/\S+: .+\(NO_SIGNATURE\)/, /section_end:\d+:sealward_gate\r/],
    summary: ({ stderr }) => stderr,
  },
  {
    name: 'Tekton',
    job(inputs, workshop) {
      const task = parse(read('tekton/sealward.yaml')) as {
        spec: {
          params: ({ name: string } & Inputs[string])[];
          results: { name: string }[];
          steps: { env: { name: string; value: string }[]; script: string }[];
        };
      };
      const [step] = task.spec.steps;
      assert.ok(step);
      assert.doesNotMatch(step.script, /\$\((?:params|context|workspaces|results)\./, 'no parameter becomes part of a script');
      assert.deepEqual(
        task.spec.results.map(({ name }) => name),
        ['digest', 'outcome', 'code'],
      );
      const declared = Object.fromEntries(task.spec.params.map(({ name, ...one }) => [name, one]));
      const values = withDefaults(declared, { 'tools-image': 'tools', 'builder-id': 'https://tekton.example/cluster', 'git-commit': COMMIT, ...inputs });
      const context = { 'task.name': 'sealward', 'taskRun.name': 'run', 'taskRun.namespace': 'ci', 'taskRun.uid': '0b5a4bd6-9e55-4ad7-8f5e-6a1ef2a3f001' };
      const folders = { 'secrets.path': dirname(workshop.file('secrets/password', PASSWORD)), 'dockerconfig.path': workshop.path('docker') };
      const environment = Object.fromEntries(
        step.env.map(({ name, value }) => {
          const known = replaced(replaced(value, /\$\(params\.([\w-]+)\)/g, values), /\$\(context\.([\w.]+)\)/g, context);
          return [name, replaced(known, /\$\(workspaces\.([\w.]+)\)/g, folders).replace('/tekton/results', workshop.path('results'))];
        }),
      );
      mkdirSync(workshop.path('results'), { recursive: true });
      // The password comes from the workspace.
      return { shell: [], scripts: [step.script], environment: { ...environment, PATH: pathWithProgram(workshop), COSIGN_PASSWORD: 'another one' } };
    },
    digest: (workshop) => workshop.read('results/digest'),
    builder: 'https://tekton.example/cluster',
    refusal: [/^rejected NO_SIGNATURE sha256:/m, /✘ rejected 127\.0\.0\.1:\d+\/\S+: .+\(NO_SIGNATURE\)/],
    summary: ({ stderr }, workshop) => `${['outcome', 'code', 'digest'].map((name) => workshop.read(`results/${name}`)).join(' ')}\n${stderr}`,
  },
];

/** As in an image with the program in it. */
function pathWithProgram(workshop: Workshop): string {
  return `${join(ci, 'github', 'bin')}:${workshop.environment['PATH']}`;
}

async function runJob(workshop: Workshop, { shell, scripts, environment }: Job, more: Texts = {}): Promise<Ran> {
  const script = workshop.file('script', scripts.join('\n'));
  const node = { PATH: `${dirname(process.execPath)}:${environment['PATH'] ?? workshop.environment['PATH']}` };
  const env = { ...workshop.environment, ...environment, ...node, ...more };
  const [program = 'sh', ...flags] = shell;
  return new Promise((resolve) => {
    execFile(program, [...flags, script], { cwd: workshop.folder, env, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ code: error ? (typeof error.code === 'number' ? error.code : -1) : 0, stdout, stderr });
    });
  });
}

interface Stage {
  readonly workshop: Workshop;
  readonly registry: MemoryRegistry;
  readonly image: PushedImage;
}

async function stage(t: TestContext, name: string): Promise<Stage> {
  const workshop = new Workshop();
  const registry = await MemoryRegistry.start();
  t.after(async () => {
    workshop.remove();
    await registry.close();
  });
  return { workshop, registry, image: await pushImage(registry.host, name) };
}

const SBOM = JSON.stringify({
  spdxVersion: 'SPDX-2.3',
  dataLicense: 'CC0-1.0',
  SPDXID: 'SPDXRef-DOCUMENT',
  name: 'app',
  documentNamespace: 'https://example.com/app/1',
  creationInfo: { created: '2026-11-22T10:00:00Z', creators: ['Tool: syft-1.0'] },
  packages: [],
});
const SCAN = JSON.stringify({ SchemaVersion: 2, CreatedAt: '2026-11-22T10:00:00Z', ArtifactName: 'app', ArtifactType: 'container_image', Results: [] });

for (const system of SYSTEMS) {
  test(`${system.name}: an image is signed, attested to and gated`, async (t) => {
    const { workshop, image } = await stage(t, 'app');
    const keys = await workshop.keys();
    workshop.file('sbom.json', SBOM);
    workshop.file('scan.json', SCAN);
    const inputs = { image: image.tagged, key: keys.key, 'public-key': keys.pub, sbom: 'sbom.json', scan: 'scan.json', 'insecure-ignore-tlog': 'true' };
    const ran = await runJob(workshop, system.job(inputs, workshop));
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stderr, new RegExp(`✔ verified ${image.byDigest.replaceAll('.', '\\.')}`));
    assert.equal(system.digest(workshop), image.digest);
    verifiedBy(await workshop.verify(image.byDigest, keys));
    for (const type of ['slsaprovenance1', 'spdxjson', 'vuln']) {
      const verified = await workshop.sealward(['verify-attestation', '--insecure-ignore-tlog', '--key', keys.pub, '--type', type, image.byDigest]);
      assert.equal(verified.code, 0, verified.stderr);
      if (type !== 'slsaprovenance1') continue;
      const provenance = JSON.stringify(answerOf(verified).signatures);
      assert.ok(provenance.includes(`"builder":{"id":"${system.builder}"`), provenance);
      if (system.name !== 'Tekton') assert.ok(provenance.includes(COMMIT), provenance);
    }
  });

  test(`${system.name}: the job fails by the table when nobody signed, and says so where people look`, async (t) => {
    const { workshop, image } = await stage(t, 'unsigned');
    const { pub } = await workshop.keys();
    const ran = await runJob(workshop, system.job({ image: image.tagged, steps: 'gate', 'public-key': pub, 'insecure-ignore-tlog': 'true' }, workshop));
    assert.equal(ran.code, 10, ran.stderr);
    for (const line of system.refusal) assert.match(`${ran.stderr}\n${system.summary(ran, workshop)}`, line);
    assert.match(system.summary(ran, workshop), /✘ rejected/);
  });

  test(`${system.name}: what the job cannot mean is refused, and nothing is published`, async (t) => {
    const { workshop, registry, image } = await stage(t, 'refused');
    const { key } = await workshop.keys();
    const writes = (): number => registry.journal.filter(({ method }) => !['GET', 'HEAD'].includes(method)).length;
    const before = writes();
    for (const [inputs, sentence] of [
      [{ image: image.tagged }, 'SEALWARD_KEY is empty, and sign needs a key'],
      [{ image: image.tagged, key, steps: ' ' }, 'SEALWARD_STEPS is empty'],
      [{ image: image.tagged, key, steps: 'sign,attest' }, 'SEALWARD_STEPS may be sign, attest and gate'],
      [{ image: image.tagged, key, recursive: 'yes' }, 'SEALWARD_RECURSIVE is true or false'],
      [{ image: image.tagged, key: 'nothing.key', steps: 'sign' }, 'nothing.key cannot be read'],
      [{ image: '--help', key }, 'SEALWARD_IMAGE names no image'],
      [{ image: '$(touch run-by-mistake)`touch run-by-mistake`', key, steps: 'sign' }, 'ERR_REFERENCE_INVALID'],
      [{ image: image.tagged, key: '*', steps: 'sign' }, '* cannot be read'],
    ] as const) {
      const { code, stderr } = await runJob(workshop, system.job(inputs, workshop));
      assert.equal(code, 2, `${JSON.stringify(inputs)}: ${stderr}`);
      assert.ok(stderr.includes(sentence), stderr);
    }
    assert.throws(() => workshop.read('run-by-mistake'), { code: 'ENOENT' });
    assert.equal(writes(), before);
  });
}

test("GitLab CI: the job logs in to the project's own registry, and shows its password to no other", async (t) => {
  const workshop = new Workshop();
  const [own, foreign] = await Promise.all([
    MemoryRegistry.start({ auth: { kind: 'basic', users: { 'gitlab-ci-token': 'of this job' } } }),
    MemoryRegistry.start({ auth: { kind: 'basic', users: { somebody: 'else' } } }),
  ]);
  t.after(async () => {
    workshop.remove();
    await Promise.all([own.close(), foreign.close()]);
  });
  const [, gitlab] = SYSTEMS;
  assert.ok(gitlab);
  const client = new RegistryClient({
    credentials: explicitCredentials({ kind: 'password', username: 'gitlab-ci-token', password: 'of this job' }, [own.host]),
  });
  await pushArtifact(client, { registry: own.host, repository: 'app' }, anImage('own'), 'v1');
  const { key } = await workshop.keys();
  const run = (image: string): Promise<Ran> => runJob(workshop, gitlab.job({ image, key, steps: 'sign' }, workshop), { SEALWARD_REGISTRY: own.host });
  const signed = await run(`${own.host}/app:v1`);
  assert.equal(signed.code, 0, signed.stderr);
  const refused = await run(`${foreign.host}/app:v1`);
  assert.equal(refused.code, 3, refused.stderr);
  assert.ok(foreign.journal.every(({ authorization }) => authorization === undefined));
});

test('the systems that cannot bring a file along carry the same script', () => {
  for (const path of ['deploy/ci/gitlab/templates/sealward.yml', 'deploy/ci/tekton/sealward.yaml']) {
    assert.equal(readFileSync(join(repositoryRoot, path), 'utf8'), PAGES[path]?.(), 'run `npm run docs` and commit the result');
    assert.ok(PAGES[path]?.().includes('SEALWARD_STEPS is empty'));
  }
});
