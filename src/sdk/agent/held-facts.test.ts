import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Evidence, EvidenceDocument } from '../../core/verify/index.ts';
import { overlay } from './held-facts.ts';

const beside = (signature: string): EvidenceDocument => ({
  digest: `sha256:${'a'.repeat(64)}`,
  place: 'sig-tag',
  source: { kind: 'simple-signing', annotations: { 'dev.cosignproject.cosign/signature': signature } },
  entities: [],
});
const evidence = (...documents: EvidenceDocument[]): Evidence => ({ subject: { digests: {} }, places: [], documents });

test('signatures that stand beside one payload are several, held or new', () => {
  const signatures = (held: Evidence): (string | undefined)[] => held.documents.map(({ source }) => source?.annotations['dev.cosignproject.cosign/signature']);
  assert.deepEqual(signatures(overlay(evidence(beside('one'), beside('two')), evidence(beside('two'), beside('three')))), ['one', 'two', 'three']);
});
