import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { SealwardError } from '../../core/errors.ts';
import { readConfig, stateFolder } from './config.ts';
import { cacheFolder } from './environment.ts';

test('without an environment everything has its default', () => {
  const config = readConfig({ HOME: '/nowhere/u' });
  assert.deepEqual([config.password, config.signatureRepository, config.sourceDate, config.withoutEffect], [undefined, undefined, undefined, []]);
  assert.equal(config.dockerConfig, join('/nowhere/u', '.docker'));
  assert.equal(config.tufRoot, join('/nowhere/u', '.sigstore', 'root'));
  assert.ok(Object.isFrozen(config));
});

test('an empty password is one, other empty variables are none', () => {
  const config = readConfig({ HOME: '/h', COSIGN_PASSWORD: '', COSIGN_REPOSITORY: '', DOCKER_CONFIG: '', TUF_ROOT: '', NO_COLOR: '', SOURCE_DATE_EPOCH: '' });
  assert.equal(config.password, '');
  assert.equal(config.signatureRepository, undefined);
  assert.equal(config.dockerConfig, join('/h', '.docker'));
  assert.equal(config.noColor, false);
});

test('values are read in their own form', () => {
  const config = readConfig({
    HOME: '/h',
    SOURCE_DATE_EPOCH: '1700000000',
    CI: 'yes',
    FORCE_COLOR: '0',
    NO_COLOR: '1',
    COSIGN_EXPERIMENTAL: 'false',
    https_proxy: 'http://p',
  });
  assert.deepEqual([config.sourceDate, config.ci, config.forceColor, config.noColor, config.withoutEffect], [1_700_000_000_000, true, false, true, []]);
  assert.equal(config.proxyEnvironment['https_proxy'], 'http://p');
});

for (const [name, value] of [
  ['SOURCE_DATE_EPOCH', '-1'],
  ['SOURCE_DATE_EPOCH', '2024-01-01'],
  ['COSIGN_EXPERIMENTAL', 'maybe'],
  ['COSIGN_MAX_ATTACHMENT_SIZE', '1 elephant'],
] as const) {
  test(`${name}=${value} is refused by name, without repeating the value`, () => {
    assert.throws(
      () => readConfig({ [name]: value }),
      (error: unknown) =>
        error instanceof SealwardError && error.code === 'ERR_CONFIG_INVALID' && error.message.includes(name) && !error.message.includes(value),
    );
  });
}

test('the cache lies below the home folder of the user, or nowhere', () => {
  assert.equal(cacheFolder({ HOME: '/h' }), join('/h', '.cache', 'sealward'));
  assert.equal(cacheFolder({ HOME: '/h', XDG_CACHE_HOME: '/c' }), join('/c', 'sealward'));
  assert.equal(cacheFolder({}), undefined);
});

test('what must not be forgotten lies apart from the cache', () => {
  assert.equal(stateFolder({ HOME: '/h', XDG_CACHE_HOME: '/c' }), join('/h', '.local', 'state', 'sealward'));
  assert.equal(stateFolder({ HOME: '/h', XDG_STATE_HOME: '/s' }), join('/s', 'sealward'));
  assert.equal(stateFolder({}), undefined);
});
