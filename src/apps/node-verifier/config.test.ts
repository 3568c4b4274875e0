import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SealwardError } from '../../core/errors.ts';
import { parseNodeVerifierConfig, readNodeVerifierConfig } from './config.ts';

const WHOLE = `trust: { from: trust, memory: memory, every: 60s, tier: edge }
evidence: evidence
registries: { allowed: ['registry.example'], credentialsFile: config.json, authoritiesFile: ca.pem, http: allow }
cluster: eu-1
environment: production
timeout: 5s
trustTimeout: 1s
records: { folder: records, most: 500 }
`;
const parse = (text: string) => parseNodeVerifierConfig('/etc/sealward/node-verifier.yaml', text);

describe('the configuration of the node verifier', () => {
  it('is read whole', () => {
    assert.deepEqual(parse(WHOLE), {
      file: '/etc/sealward/node-verifier.yaml',
      trust: { from: '/etc/sealward/trust', memory: '/etc/sealward/memory', everyMs: 60_000, tier: 'edge' },
      evidenceFolder: '/etc/sealward/evidence',
      registries: {
        allowed: ['registry.example'],
        mirrors: {},
        privateHosts: {},
        credentialsFile: '/etc/sealward/config.json',
        authoritiesFile: '/etc/sealward/ca.pem',
        allowHttp: true,
        clouds: [],
        metadata: false,
      },
      cluster: 'eu-1',
      environment: 'production',
      timeoutMs: 5000,
      trustTimeoutMs: 1000,
      records: { folder: '/etc/sealward/records', most: 500 },
    });
  });

  it('is short where nothing is asked for', () => {
    const { records, cluster, timeoutMs, trustTimeoutMs, registries } = parse('trust: { from: /trust }\nevidence: /evidence\n');
    assert.deepEqual(
      [records, cluster, timeoutMs, trustTimeoutMs, registries],
      [undefined, undefined, 8000, 2000, { mirrors: {}, privateHosts: {}, clouds: [], metadata: false, allowHttp: false }],
    );
  });

  it('is refused with every fault at once, at its place', () => {
    const broken = 'trust: { from: https://t.example }\ntimeout: 5\nmore: 1\nregistries: { allowed: ["a b"] }\n';
    assert.throws(
      () => parse(broken),
      (error: SealwardError) => {
        for (const part of [
          '1:8: trust.root is missing',
          'evidence is missing',
          '2:10: timeout must be',
          '3:1: more is not known',
          'registries.allowed must be',
        ])
          assert.ok(error.message.includes(part), `${part} in\n${error.message}`);
        return error.code === 'ERR_CONFIG_INVALID';
      },
    );
    assert.throws(() => readNodeVerifierConfig('/nowhere/x.yaml'), { code: 'ERR_FILE_UNREADABLE' });
  });
});
