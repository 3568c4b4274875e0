import assert from 'node:assert/strict';
import { it } from 'node:test';
import { EVERYWHERE, policy, set } from '../../../test/hand-made.ts';
import { imageGlob } from '../../core/policy/index.ts';
import { allowedRegistries, type AllowListOptions } from './allow-list.ts';

function allowed(images: readonly string[], hosts: readonly string[], options: AllowListOptions = {}): string[] {
  const allows = allowedRegistries(set([policy([], { scope: { ...EVERYWHERE, images: images.map(imageGlob) } })]), options);
  return hosts.filter(allows);
}

const HOSTS = ['docker.io', 'r.test', 'r.test:5000', 'a.r.test', 'evil.test'];

it('an agent may contact the registries that signed policies speak of', () => {
  assert.deepEqual(allowed(['alpine'], HOSTS), ['docker.io']);
  assert.deepEqual(allowed(['r.test/team/*', 'r.test:5000/**'], HOSTS), ['r.test', 'r.test:5000']);
  assert.deepEqual(allowed(['*.r.test/**'], HOSTS), ['a.r.test']);
  assert.deepEqual(allowed(['r.test*/**'], HOSTS), ['r.test', 'r.test:5000']);
  // What stands behind two stars may be of the repository: such a pattern speaks of every registry, and so does none at all.
  assert.deepEqual(allowed(['**/app'], HOSTS), HOSTS);
  assert.deepEqual(allowed([], HOSTS), HOSTS);
  const local = ['127.0.0.1:5000', '[::1]:5000', '169.254.169.254', 'localhost', 'localhost:5000', 'a.localhost', 'intranet', '10.0.0.1'];
  assert.deepEqual(allowed(['**'], local), [], 'this machine and bare addresses have to be named');
  assert.deepEqual(allowed(['**', '127.0.0.1:*/**', 'localhost/**'], local), ['127.0.0.1:5000', 'localhost']);
});

it('a list that somebody wrote takes the place of that, and mirrors belong to either', () => {
  const mirrors = { 'r.test': ['a.r.test/cache'] };
  assert.deepEqual(allowed(['r.test/**'], HOSTS, { mirrors }), ['r.test', 'a.r.test']);
  assert.deepEqual(allowed(['**'], HOSTS, { registries: ['docker.io', 'r.test:*'], mirrors }), ['docker.io', 'r.test:5000', 'a.r.test']);
  assert.deepEqual(allowed(['**'], HOSTS, { registries: [] }), []);
});
