/** The end of the story: a cluster that asks before it starts anything. The webhook is the real one; the API server's part is spoken by hand. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import packageJson from '../../../package.json' with { type: 'json' };
import { SealwardError } from '../../core/errors.ts';
import { createTlsAuthority, type MemoryRegistry } from '../../testing/index.ts';
import { readAdmissionConfig, runAdmission } from '../admission/index.ts';
import type { Stage } from './stage.ts';

export interface ClusterAct {
  readonly stage: Stage;
  readonly folder: string;
  readonly registry: MemoryRegistry;
  /** Without a tag. */
  readonly image: string;
  readonly good: string;
  readonly evil: string;
}

interface Reviewed {
  readonly allowed: boolean;
  /** 403: it was judged and may not run. 503: it could not be found out. */
  readonly status?: number;
  readonly image?: string;
  readonly message: string;
}

/** A policy, a trust state and a configuration, in the folder of the demonstration. */
function writeFiles({ folder, image }: Pick<ClusterAct, 'folder' | 'image'>): { readonly secret: string; readonly ca: string } {
  const authority = createTlsAuthority('sealward quickstart');
  const { key, cert } = authority.issue('127.0.0.1', 'localhost');
  const secret = randomBytes(32).toString('hex');
  const file = (name: string, text: string): void => writeFileSync(join(folder, name), text, { mode: 0o600 });
  file('tls.key', key);
  file('tls.crt', cert);
  file('path', `${secret}\n`);
  file(
    'policy.yaml',
    `apiVersion: sealward.dev/v1alpha1
kind: ImagePolicy
metadata: { name: signed-by-release }
spec:
  match: { images: ["${image.slice(0, image.lastIndexOf('/'))}/*"] }
  authorities: [{ name: release, key: { trustKey: release } }]
  signatures: release
`,
  );
  file(
    'admission.yaml',
    `listen: 127.0.0.1:0
operations: 127.0.0.1:0
tls: { files: { certificates: tls.crt, key: tls.key } }
caller: { proof: path-secret, secretFile: path }
trust: { from: published, memory: remembered, every: 1s }
evidence: evidence
decisions: { folder: decisions }
drain: 0s
`,
  );
  mkdirSync(join(folder, 'published'), { recursive: true });
  return { secret, ca: authority.ca };
}

export async function playInCluster(act: ClusterAct): Promise<void> {
  const { stage, folder, registry, image, good, evil } = act;
  const { secret, ca } = writeFiles(act);
  stage.step('Whom to trust becomes a signed repository that a cluster follows: the key, under a name, and a policy');
  await stage.command(undefined, ['generate-key-pair', '--output-key-prefix', 'online'], { exit: 0 });
  await stage.command(undefined, ['trust', 'init', '--signer', 'you=cosign.pub', '--online-key', 'online.pub', '--key', 'cosign.key'], { exit: 0 });
  await stage.command(undefined, ['trust', 'key', 'add', 'release', '--public-key', 'cosign.pub', '--key', 'cosign.key'], { exit: 0 });
  await stage.command(undefined, ['trust', 'policy', 'add', 'policy.yaml', '--key', 'cosign.key'], { exit: 0 });
  await stage.command(undefined, ['trust', 'publish', 'published', '--key', 'online.key'], { exit: 0 });

  const ended = new AbortController();
  const started = Promise.withResolvers<number>();
  const trusted = Promise.withResolvers<void>();
  stage.step('The admission webhook comes up', '$ sealward admission serve --config admission.yaml &');
  const running = runAdmission({
    config: readAdmissionConfig(join(folder, 'admission.yaml')),
    version: packageJson.version,
    environment: {},
    signal: AbortSignal.any([ended.signal, stage.signal]),
    log: (line) => {
      const { msg, port } = JSON.parse(line) as { readonly msg?: string; readonly port?: number };
      if (msg === 'ready' && port !== undefined) started.resolve(port);
      if (msg === 'trust moved') trusted.resolve();
    },
  });
  running.catch((error: unknown) => started.reject(error instanceof Error ? error : new SealwardError('ERR_INVARIANT', String(error))));
  const review = async (path: 'validate' | 'mutate', name: string): Promise<Reviewed> => ask(await started.promise, `/${secret}/${path}`, ca, name);
  try {
    // What /readyz says: until trust was taken nobody is let in.
    await Promise.race([Promise.all([started.promise, trusted.promise]), running]);
    stage.step('A Pod with the signed image is asked about, as the API server asks: its tag is pinned, and it may run');
    const pinned = await review('mutate', `${image}:v1`);
    stage.saw(`/mutate ${image}:v1`, `allowed, and pinned: ${pinned.image ?? 'not pinned'}`, pinned.allowed && pinned.image === `${image}:v1@${good}`);
    const allowed = await review('validate', pinned.image ?? `${image}:v1`);
    stage.saw(`/validate ${pinned.image ?? ''}`, allowed.allowed ? 'allowed' : allowed.message, allowed.allowed);

    stage.attack('A Pod with the other image is asked about');
    const refused = await review('validate', `${image}@${evil}`);
    stage.saw(`/validate ${image}@${evil}`, refused.message, !refused.allowed && refused.message.includes('signed-by-release'));

    await registry.close();
    stage.attack('The registry is gone: what was verified may run, and what nobody knows is not let in');
    const held = await review('validate', `${image}:v1@${good}`);
    stage.saw(`/validate ${image}:v1@${good}`, held.allowed ? 'allowed, from what is held' : held.message, held.allowed);
    const unknown = await review('validate', `${image}@sha256:${'0'.repeat(64)}`);
    stage.saw(`/validate ${image}@sha256:000...`, unknown.message, !unknown.allowed && !unknown.message.includes('NO_SIGNATURE'));

    stage.step('The key is stolen: one person revokes it, and the image that it signed is refused, with the registry still gone');
    await stage.command(undefined, ['trust', 'key', 'revoke', 'release/1', '--reason', 'laptop stolen', '--key', 'cosign.key'], { exit: 0 });
    await stage.command(undefined, ['trust', 'publish', 'published', '--key', 'online.key'], { exit: 0 });
    const published = performance.now();
    let after = await review('validate', `${image}:v1@${good}`);
    while (after.allowed && performance.now() - published < 10_000) after = await review('validate', `${image}:v1@${good}`);
    stage.saw(`/validate ${image}:v1@${good}`, after.message, after.status === 403 && after.message.includes('laptop stolen'));
  } finally {
    ended.abort('the demonstration ends');
    await running.catch(() => undefined);
  }
}

/** A Pod that is about to be created, as an AdmissionReview over HTTPS. */
function ask(port: number, path: string, ca: string, image: string): Promise<Reviewed> {
  const uid = randomBytes(8).toString('hex');
  const object = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'app', namespace: 'shop' }, spec: { containers: [{ name: 'app', image }] } };
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  const resource = { group: '', version: 'v1', resource: 'pods' };
  const body = JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid,
      kind,
      resource,
      operation: 'CREATE',
      name: 'app',
      namespace: 'shop',
      userInfo: { username: 'you' },
      object,
      oldObject: null,
      dryRun: false,
    },
  });
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port, path: `${path}?timeout=10s`, method: 'POST', ca, headers: { 'content-type': 'application/json' } },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.on('error', reject).on('end', () => {
          try {
            resolve(readAnswer(text));
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        });
      },
    );
    sent.on('error', reject).end(body);
  });
}

function readAnswer(text: string): Reviewed {
  const { response } = JSON.parse(text) as {
    readonly response: { readonly allowed: boolean; readonly patch?: string; readonly status?: { readonly code: number; readonly message: string } };
  };
  const patch =
    response.patch === undefined ? [] : (JSON.parse(Buffer.from(response.patch, 'base64').toString()) as { readonly op: string; readonly value: string }[]);
  const image = patch.find(({ op }) => op === 'replace')?.value;
  const { status } = response;
  return { allowed: response.allowed, ...(image === undefined ? {} : { image }), ...(status ? { status: status.code } : {}), message: status?.message ?? '' };
}
