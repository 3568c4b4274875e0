import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { createTlsAuthority } from '../../testing/index.ts';
import { openCredentials } from './credentials.ts';

test('authorities of callers: a file without any is refused, for to Node that means all that are public; what was good goes on', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-credentials-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const authority = createTlsAuthority();
  const { cert, key } = authority.issue('localhost');
  const open = () =>
    openCredentials({
      tls: { kind: 'files', configurations: [], certificates: file('tls.crt', cert), key: file('tls.key', key) },
      caller: { kind: 'mtls', authorities: join(folder, 'authorities.pem'), names: ['kube-apiserver'] },
      secretKeeper: () => assert.fail('nothing is kept in a cluster'),
      publisher: { publish: async () => {} },
      logger: pino({ level: 'silent' }),
      now: Date.now,
    });
  for (const text of ['', '\n', 'no authority', key]) {
    file('authorities.pem', text);
    await assert.rejects(open(), { code: 'ERR_PEM_INVALID' }, JSON.stringify(text));
  }
  file('authorities.pem', authority.ca);
  const credentials = await open();
  t.after(() => credentials.close());
  assert.equal(credentials.failure(), undefined);
  file('authorities.pem', '');
  assert.equal(await credentials.look(), false);
  assert.deepEqual([credentials.failure()?.code, credentials.certificate.clientAuthorities], ['ERR_PEM_INVALID', authority.ca]);
  const next = authority.ca + createTlsAuthority('another').ca;
  file('authorities.pem', next);
  assert.deepEqual([await credentials.look(), credentials.failure(), credentials.certificate.clientAuthorities], [true, undefined, next]);
});
