/**
 * Where the real programs of other projects lie: cosign2, cosign3, skopeo, oras, crane, docker-registry, notation,
 * helm, and sigstore (sigstore-python).
 * `.ci/run` puts them into `.peers`; SEALWARD_PEERS names another folder. Without them a laptop skips those tests by
 * name; CI fails loudly.
 */
import { join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { repositoryRoot, requirePath } from './vectors.ts';

export type Peer = 'cosign2' | 'cosign3' | 'skopeo' | 'oras' | 'crane' | 'docker-registry' | 'notation' | 'helm' | 'sigstore';

const peersBin: string = resolve(process.env['SEALWARD_PEERS'] ?? join(repositoryRoot, '.peers'), 'bin');

/** The absolute path of a peer, for `spawn`. */
export function peerPath(peer: Peer): string {
  return join(peersBin, peer);
}

/** Call first in a test that starts peers, and return when it answers false: `if (!requirePeers(t, 'cosign3')) return;` */
export function requirePeers(t: Pick<TestContext, 'skip'>, ...peers: readonly Peer[]): boolean {
  return peers.every((peer) => requirePath(t, peerPath(peer), `the program ${peer}`, 'see "Peers and vectors" in CONTRIBUTING.md'));
}
