/** Inclusion, consistency and subtree proofs against the vectors of transparency-dev/merkle: 518 cases, most of which must fail. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeBase64 } from '../../src/core/encoding/index.ts';
import { verifyConsistency, verifyInclusion, verifySubtreeConsistency, verifySubtreeInclusion } from '../../src/core/tlog/index.ts';
import { requireVectors, vectorsPath } from '../vectors.ts';

interface Case {
  readonly path: string;
  readonly wantErr: boolean;
  number(name: string): bigint;
  bytes(name: string): Uint8Array;
  readonly proof: Uint8Array[];
}

/** Some sizes are beyond 2^53, so numbers are read from their source text. */
function readCase(path: string): Case {
  const reviver = (_key: string, value: unknown, context: { source: string }): unknown => (typeof value === 'number' ? BigInt(context.source) : value);
  const json = JSON.parse(readFileSync(path, 'utf8'), reviver as (key: string, value: unknown) => unknown) as Record<string, unknown>;
  const proof = (json['proof'] ?? []) as string[];
  return {
    path,
    wantErr: json['wantErr'] as boolean,
    number: (name) => json[name] as bigint,
    bytes: (name) => decodeBase64(json[name] as string),
    proof: proof.map((hash) => decodeBase64(hash)),
  };
}

function readCases(suite: string): Case[] {
  const folder = vectorsPath('merkle-proofs', suite);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'));
  return files.sort().map((name) => readCase(join(folder, name)));
}

const SUITES: Record<string, { count: number; accepted: number; verify: (c: Case) => boolean }> = {
  inclusion: {
    count: 98,
    accepted: 6,
    verify: (c) =>
      verifyInclusion({ index: c.number('leafIdx'), size: c.number('treeSize'), leafHash: c.bytes('leafHash'), proof: c.proof, root: c.bytes('root') }),
  },
  consistency: {
    count: 98,
    accepted: 6,
    verify: (c) => verifyConsistency({ size1: c.number('size1'), size2: c.number('size2'), root1: c.bytes('root1'), root2: c.bytes('root2'), proof: c.proof }),
  },
  subtreeinclusion: {
    count: 204,
    accepted: 12,
    verify: (c) => {
      const range = { index: c.number('leafIdx'), start: c.number('start'), end: c.number('end') };
      return verifySubtreeInclusion({ ...range, leafHash: c.bytes('leafHash'), proof: c.proof, root: c.bytes('root') });
    },
  },
  subtreeconsistency: {
    count: 118,
    accepted: 12,
    verify: (c) => {
      const range = { start: c.number('start'), end: c.number('end'), size: c.number('size') };
      return verifySubtreeConsistency({ ...range, subtreeRoot: c.bytes('root1'), root: c.bytes('root2'), proof: c.proof });
    },
  },
};

for (const [suite, { count, accepted, verify }] of Object.entries(SUITES)) {
  test(`merkle vectors agree: ${suite}`, (t) => {
    if (!requireVectors(t, 'merkle-proofs')) return;
    const cases = readCases(suite);
    assert.equal(cases.length, count);
    assert.equal(cases.filter((c) => !c.wantErr).length, accepted);
    for (const c of cases) assert.equal(verify(c), !c.wantErr, c.path);
  });
}
