/** sigstore-python, as it is released, with one server of its own: it verifies what this project signs, and the other way round. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { type OwnServer, startOwnServer, WORKLOAD } from '../own-server.ts';
import { requirePeers } from '../peers.ts';
import { sigstorePython } from '../sigstore-python.ts';
import { type Ran, Workshop } from './workshop.ts';

describe('a server of one’s own, with sigstore-python', () => {
  const workshop = new Workshop();
  let server: OwnServer | undefined;
  const own = (): OwnServer => {
    assert.ok(server);
    return server;
  };
  before(async () => {
    if (!requirePeers({ skip: () => undefined }, 'sigstore')) return;
    server = await startOwnServer();
    workshop.file('blob', 'a release');
    workshop.file('other', 'another release');
  });
  after(async () => {
    await server?.stop();
    workshop.remove();
  });

  const passes = (ran: Ran): void => assert.equal(ran.code, 0, ran.stderr);
  const services = (): string[] => ['--signing-config', own().signingConfig, '--trusted-root', own().trustedRoot];
  const token = async (): Promise<string[]> => ['--identity-token', workshop.file('token', await own().token())];
  const who = (name = WORKLOAD): string[] => ['--cert-identity', name, '--cert-oidc-issuer', `${own().url}/oidc`];
  /** What it takes as one file: the trusted root and the signing configuration, as the server publishes them. */
  const trustConfig = (): string[] => {
    const [trustedRoot, signingConfig] = [own().trustedRoot, own().signingConfig].map((path) => JSON.parse(readFileSync(path, 'utf8')) as unknown);
    const mediaType = 'application/vnd.dev.sigstore.clienttrustconfig.v0.1+json';
    return ['--trust-config', workshop.file('trust.json', JSON.stringify({ mediaType, trustedRoot, signingConfig }))];
  };
  const theirs = (...args: readonly string[]) => sigstorePython(workshop.folder, args);

  it('verifies files that this project signed without a key, and refuses another name and another file', async (t) => {
    if (!requirePeers(t, 'sigstore')) return;
    passes(await workshop.sealward(['sign-blob', ...services(), ...(await token()), '--bundle', workshop.path('ours.json'), workshop.path('blob')]));
    const verify = async (name: string, file: string) =>
      theirs(...trustConfig(), 'verify', 'identity', '--bundle', workshop.path('ours.json'), ...who(name), workshop.path(file));
    const { code, said } = await verify(WORKLOAD, 'blob');
    assert.equal(code, 0, said);
    assert.match(said, /^OK: /m);
    assert.notEqual((await verify(WORKLOAD, 'other')).code, 0);
    assert.match((await verify('https://somebody.test', 'blob')).said, /do not match/);
  });

  it('signs with this server, and this project verifies it', async (t) => {
    if (!requirePeers(t, 'sigstore')) return;
    const signed = await theirs(
      ...trustConfig(),
      'sign',
      '--identity-token',
      await own().token(),
      '--bundle',
      workshop.path('theirs.json'),
      workshop.path('blob'),
    );
    assert.equal(signed.code, 0, signed.said);
    const asked = ['--trusted-root', own().trustedRoot, '--certificate-identity', WORKLOAD, '--certificate-oidc-issuer', `${own().url}/oidc`];
    passes(await workshop.sealward(['verify-blob', ...asked, '--bundle', workshop.path('theirs.json'), workshop.path('blob')]));
    const other = await workshop.sealward(['verify-blob', ...asked, '--bundle', workshop.path('theirs.json'), workshop.path('other')]);
    assert.equal(other.code, 1, other.stderr);
  });

  it('takes its trust from the repository that the server serves', async (t) => {
    if (!requirePeers(t, 'sigstore')) return;
    const instance = ['--instance', `${own().url}/trust`];
    const trusted = await theirs(...instance, 'trust-instance', own().tufRoot);
    assert.equal(trusted.code, 0, trusted.said);
    passes(await workshop.sealward(['sign-blob', ...services(), ...(await token()), '--bundle', workshop.path('again.json'), workshop.path('blob')]));
    const { code, said } = await theirs(...instance, 'verify', 'identity', '--bundle', workshop.path('again.json'), ...who(), workshop.path('blob'));
    assert.equal(code, 0, said);
  });
});
