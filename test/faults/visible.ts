/** What verifiers see of an image: all that counts, by the form in which it lies there. Anything half-made fails the test. */
import assert from 'node:assert/strict';
import { HttpClient } from '../../src/clients/http/index.ts';
import { RegistryClient } from '../../src/clients/registry/index.ts';
import { keySigner, type Signer } from '../../src/clients/signers/index.ts';
import type { Reference } from '../../src/core/artifact/index.ts';
import { generateKeyPair, type KeyKind } from '../../src/core/crypto/index.ts';
import { keyAnchor, NO_ANCHORS } from '../../src/core/trust/index.ts';
import type { FlagRequirement } from '../../src/core/verify/index.ts';
import { verifyImage } from '../../src/sdk/index.ts';
import { FixedClock } from '../../src/testing/index.ts';

export function freshSigner(kind: KeyKind = 'ecdsa-p256'): Signer {
  return keySigner(generateKeyPair(kind).privateKey);
}

/** A process's own client, whose waits take no time. */
export async function withClient<T>(use: (client: RegistryClient) => Promise<T>): Promise<T> {
  const client = new RegistryClient({ http: new HttpClient({ clock: new FixedClock({ skipSleep: true }) }) });
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

/** `ROLE FORMAT ALGORITHM` of every signature and attestation that counts for those who trust all of the signers, each once, sorted. */
export async function visible(reference: Reference, signers: readonly Signer[]): Promise<readonly string[]> {
  const anchors = { ...NO_ANCHORS, keys: signers.map((signer) => keyAnchor(signer.publicKey())) };
  const found = new Set<string>();
  for (const role of ['signature', 'attestation'] as const) {
    const requirement: FlagRequirement = { role, signer: { kind: 'key' }, logs: 0, timestamps: 0, certificateLog: false, undated: 'refuse' };
    const { decision } = await withClient((registry) => verifyImage({ registry, reference, anchors, requirement, exhaustive: true }));
    assert.deepEqual(
      decision.places.filter(({ state }) => state === 'unavailable'),
      [],
      'every place answers',
    );
    for (const { counts, facts, failed } of decision.candidates) {
      if (counts) found.add(`${role} ${facts.entity.format} ${facts.signers[0]?.algorithm}`);
      // What was cut off is never half a signature; only one of several that belong together may stand alone, and is refused for it.
      else assert.equal(failed?.finding.code, 'COMPANION_MISSING', failed?.finding.detail ?? '');
    }
    if (decision.candidates.length === 0) assert.equal(decision.code, 'NO_SIGNATURE', decision.finding?.detail ?? '');
  }
  return [...found].sort();
}
