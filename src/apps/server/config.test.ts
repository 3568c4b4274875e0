import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SealwardError } from '../../core/errors.ts';
import { parseServerConfig } from './index.ts';

const WHOLE = `url: https://sigstore.example
listen: 0.0.0.0:443
roles: [authority, timestamp]
database: { folder: state }
authority:
  key: pkcs11:token=ca;object=authority
  certificates: authority.pem
  certificateLog: { key: keys/log.key }
  rate: { burst: 5, perMinute: 6 }
  issuers:
    - { kind: github, where: { repository: [acme/*], event_name: push } }
    - { kind: uri, url: 'https://issuer.example', subjectDomain: 'https://ci.example', maxAge: 10m }
timestamp:
  key: keys/timestamp.key
  certificates: timestamp.pem
clock: { sources: [a.example, b.example, c.example], tolerance: 250ms }
`;

function faults(text: string): string {
  try {
    parseServerConfig('/etc/sealward/server.yaml', text);
  } catch (error) {
    assert.ok(error instanceof SealwardError && error.code === 'ERR_CONFIG_INVALID', String(error));
    return error.message;
  }
  return '';
}

describe('the configuration of a server', () => {
  it('is read whole: paths from its file, references as they stand, times in milliseconds', () => {
    const config = parseServerConfig('/etc/sealward/server.yaml', WHOLE);
    assert.equal(config.authority?.key, 'pkcs11:token=ca;object=authority');
    assert.equal(config.certificateLog?.key, '/etc/sealward/keys/log.key');
    assert.deepEqual(config.database, { folder: '/etc/sealward/state' });
    assert.deepEqual(config.listen, { host: '0.0.0.0', port: 443 });
    assert.deepEqual([...config.roles], ['authority', 'timestamp']);
    assert.deepEqual([config.clock.toleranceMs, config.clock.quorum], [250, 2]);
    assert.deepEqual(
      config.authority.issuers.map(({ url, where, maxAgeMs }) => [url, where, maxAgeMs]),
      [
        ['https://token.actions.githubusercontent.com', { repository: ['acme/*'], event_name: ['push'] }, 3_600_000],
        ['https://issuer.example', {}, 600_000],
      ],
    );
  });

  it('takes witnesses for each log, fails closed unless told otherwise, and is a witness only where that is a role', () => {
    const witnesses = 'witnesses: { policy: w.policy, patience: 250ms, certificateAuthorities: ca.pem }';
    const text = WHOLE.replace('certificateLog: { key: keys/log.key }', `certificateLog: { key: keys/log.key, ${witnesses} }`);
    const asked = { policy: '/etc/sealward/w.policy', required: true, patienceMs: 250, trusted: '/etc/sealward/ca.pem' };
    assert.deepEqual(parseServerConfig('/etc/sealward/server.yaml', text).certificateLog?.witnesses, asked);
    assert.match(faults(text.replace('patience', 'required: no, patience')), /witnesses\.required must be true or false/);
    const witness = 'witness: { key: keys/w.key, logs: logs.policy }\n';
    assert.equal(parseServerConfig('/etc/sealward/server.yaml', WHOLE + witness).witness, undefined);
    const played = parseServerConfig('/etc/sealward/server.yaml', WHOLE.replace('roles: [', 'roles: [witness, ') + witness).witness;
    assert.deepEqual([played?.name, played?.memory], ['sigstore.example/witness', '/etc/sealward/state/witness.db']);
    assert.match(faults(WHOLE.replace('roles: [', 'roles: [witness, ')), /witness is missing/);
    assert.match(faults(WHOLE.replace('roles: [', 'roles: [witness, ') + witness.replace('logs:', 'name: a+b, logs:')), /without spaces and \+/);
  });

  it('takes former shards with names, keys and places of their own, and somebody who signs that one follows the other', () => {
    const control = 'control: { key: keys/control.key, auditor: keys/auditor.key }\n';
    const log = (former: string): string =>
      `log: { key: keys/log-2.key, origin: log2.example, folder: state/log-2, mark: keys/log-2.mark, former: [${former}] }\n`;
    const text = (former: string, more = control): string => WHOLE.replace('roles: [', 'roles: [log, ') + log(former) + more;
    const config = parseServerConfig('/etc/sealward/server.yaml', text('{ key: keys/log.key, origin: sigstore.example }'));
    assert.deepEqual(
      config.log?.former.map(({ origin, folder, mark }) => [origin, folder, mark]),
      [['sigstore.example', '/etc/sealward/state/log', '/etc/sealward/keys/log.mark']],
    );
    assert.match(faults(text('{ key: keys/log-2.key, origin: sigstore.example }')), /has a shard with the same key as another one/);
    assert.match(faults(text('{ key: keys/log.key, origin: sigstore.example, folder: state/log-2 }')), /the same folder/);
    assert.match(faults(text('{ key: keys/log.key }')), /former\[0\]\.origin is missing/);
    assert.match(faults(text('{ key: keys/log.key, origin: sigstore.example }', '')), /needs control/);
  });

  it('names every fault at once, with line and column', () => {
    const text = WHOLE.replace('burst: 5', 'burst: many').replace('tolerance: 250ms', 'tolerance: 250').replace('maxAge: 10m', 'maxage: 10m');
    const said = faults(text).split(/; (?=\/etc\/sealward\/server\.yaml:)/);
    assert.equal(said.length, 3, said.join('\n'));
    assert.doesNotMatch(faults(text), /\n/, 'it is shown in one line');
    assert.match(
      said.find((line) => line.includes('burst')) ?? '',
      /^\/etc\/sealward\/server\.yaml:9:18: authority\.rate\.burst must be a whole number from 1/,
    );
    assert.match(said.find((line) => line.includes('tolerance')) ?? '', /:16:\d+: clock\.tolerance must be a time with its unit, as in 1s/);
    assert.match(said.find((line) => line.includes('maxage')) ?? '', /:12:\d+: authority\.issuers\[1\]\.maxage is not known; it has kind, url/);
  });

  const wrong: readonly [what: string, change: (text: string) => string, says: RegExp][] = [
    ['without a URL', (text) => text.replace('url: https://sigstore.example', ''), /url is missing/],
    ['with a URL that is none', (text) => text.replace('https://sigstore.example', 'sigstore.example'), /url must be a URL/],
    ['with an address without a port', (text) => text.replace('0.0.0.0:443', '0.0.0.0'), /listen must be HOST:PORT/],
    ['with a role that is none', (text) => text.replace('authority, timestamp', 'authority, time'), /roles must be some of/],
    ['without the settings of a role', (text) => text.replace(/timestamp:\n(?: .*\n)*/, ''), /timestamp is missing, and stands among the roles/],
    ['with two databases', (text) => text.replace('folder: state', 'folder: state, urlFile: url'), /database must have either folder or urlFile/],
    ['with more sources wanted than there are', (text) => text.replace('tolerance', 'quorum: 4, tolerance'), /asks for more sources than there are/],
    ['that lets the whole world in', (text) => text.replace(/, where: .*push \}/, ''), /no condition says whose are taken/],
    ['with a list where a text must be', (text) => text.replace('certificates: authority.pem', 'certificates: [a]'), /authority\.certificates must be a text/],
    ['with a key twice', (text) => `${text}url: https://other.example\n`, /Map keys must be unique/],
    ['that is no YAML', () => 'a: [', /server\.yaml: /],
    ['that is empty', () => '', /holds no settings/],
    ['that is a list', () => '- a', /holds no settings/],
  ];
  for (const [what, change, says] of wrong) it(`${what} is refused`, () => assert.match(faults(change(WHOLE)), says));
});
