/** Each role of a server in a process of its own would run like this: one configuration, one database, other roles and addresses. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { pino } from 'pino';
import { type OpenServer, openServer, readServerConfig } from '../../src/apps/server/index.ts';
import { freePort, startOwnServer, WORKLOAD } from '../own-server.ts';
import { requirePostgres, startPostgres } from '../postgres.ts';
import { type Ran, Workshop } from './workshop.ts';

const ROLES = ['identity', 'authority', 'log', 'timestamp', 'trust'] as const;

it('a server whose roles run apart signs and is verified as one that has them all', async (t) => {
  if (!requirePostgres(t)) return;
  const postgres = await startPostgres();
  const workshop = new Workshop();
  const opened: OpenServer[] = [];
  const whole = await startOwnServer({ init: { database: await postgres.database() } });
  // The database last: what the servers have to write at their end goes there.
  t.after(async () => {
    for (const server of opened) await server.close();
    await whole.stop();
    await postgres.stop();
    workshop.remove();
  });
  await whole.halt();
  const ports = new Map<string, number>();
  for (const role of ROLES) ports.set(role, await freePort());
  const url = (role: (typeof ROLES)[number]): string => `http://localhost:${ports.get(role)}`;
  const yaml = readFileSync(whole.config, 'utf8')
    // The issuer is known by where it is; an authority that does not run beside it fetches its keys as it does those of any other.
    .replace('identity:\n', `identity:\n  url: ${url('identity')}/oidc\n`)
    .replace('issuers: []', `issuers: [{ kind: local, url: '${url('identity')}/oidc', privateHosts: [localhost] }]`);
  const operations = new Map<string, number>();
  for (const role of ROLES) {
    const file = join(whole.folder, `${role}.yaml`);
    const text = yaml
      .replace(/^roles: .*$/m, `roles: [${role}]`)
      .replace(/^listen: .*$/m, `listen: 127.0.0.1:${ports.get(role)}`)
      .replace(/^operations: .*$/m, 'operations: 127.0.0.1:0');
    writeFileSync(file, text);
    const config = readServerConfig(file);
    const server = await openServer({ config, logger: pino({ level: 'silent' }), version: 'test', keyOptions: {}, failed: assert.ifError });
    opened.push(server);
    operations.set(role, server.operationsPort);
  }
  const passes = (ran: Ran): void => assert.equal(ran.code, 0, ran.stderr);
  const signing = JSON.parse(readFileSync(whole.signingConfig, 'utf8')) as Record<string, { url: string }[]>;
  const apart = (member: string, at: string): unknown => [{ ...signing[member]?.[0], url: at }];
  const config = workshop.file(
    'signing.json',
    JSON.stringify({
      ...signing,
      caUrls: apart('caUrls', url('authority')),
      rekorTlogUrls: apart('rekorTlogUrls', url('log')),
      tsaUrls: apart('tsaUrls', `${url('timestamp')}/api/v1/timestamp`),
    }),
  );
  const token = workshop.file('token', await whole.token(url('identity')));
  const blob = workshop.file('blob', 'a release');
  const services = ['--signing-config', config, '--trusted-root', whole.trustedRoot, '--identity-token', token];
  passes(await workshop.sealward(['sign-blob', ...services, '--bundle', workshop.path('bundle.json'), blob]));
  const who = ['--certificate-identity', WORKLOAD, '--certificate-oidc-issuer', `${url('identity')}/oidc`, '--bundle', workshop.path('bundle.json'), blob];
  passes(await workshop.sealward(['verify-blob', '--trust-url', `${url('trust')}/trust`, '--trust-root', whole.tufRoot, ...who]));
  // What one does not play it does not answer for.
  for (const role of ROLES) {
    const { parts } = (await (await fetch(`http://127.0.0.1:${operations.get(role)}/status`)).json()) as { parts: Record<string, unknown> };
    assert.deepEqual(Object.keys(parts).sort(), ['clock', 'control', 'keys', role].sort());
    const checkpoint = await fetch(`${url(role)}/checkpoint`);
    assert.equal(checkpoint.status, role === 'log' ? 200 : 404, role);
  }
});
