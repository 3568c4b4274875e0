/** Facts in one canonical spelling, without the bytes that carried them: two bundles that say the same give the same text. */
import { encodeHex } from '../../src/core/encoding/index.ts';
import type { ProvenFacts, ProvenSignature } from '../../src/core/verify/index.ts';

export function factsText({ digests, signatures, unreadable }: ProvenFacts): string {
  return JSON.stringify(
    { digests, signatures: signatures.map(signatureFacts), unreadable: unreadable.map(({ code, detail }) => ({ code, detail })) },
    plain,
    1,
  );
}

function signatureFacts(signature: ProvenSignature): unknown {
  const { about, signers, entries, times, findings, broken, entity } = signature;
  return { about, signers, entries, times, findings, broken, claim: entity.claim, signature: entity.signature };
}

function plain(_: string, value: unknown): unknown {
  return value instanceof Uint8Array ? encodeHex(value) : value;
}
