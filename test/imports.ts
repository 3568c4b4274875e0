/** What came out of an import, in a form that is short to write down: documents, and the report as `outcome path: detail`. */
import assert from 'node:assert/strict';
import type { JsonObject } from '../src/core/encoding/index.ts';
import { loadPolicyCompiler, loadPolicyImporter, type PolicySet } from '../src/core/policy/index.ts';
import { policyFile } from './policies.ts';

const { compilePolicies } = await loadPolicyCompiler();
const { importPolicies } = await loadPolicyImporter();

/** A public key, and the certificate of an authority, in PEM; in quotes they stand in YAML as they stand in JSON. */
export const PEM = policyFile('release.pub');
/** Another key. */
export const OTHER =
  '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAER1XpDhUwse8n1a3io6b0LgqsoPnB\nGk4/b8ufEvN54vYFGVwZkCdZBzzqY8f9Bwjw0S8avN7jBRdu4Hc1GqgXPg==\n-----END PUBLIC KEY-----\n';
export const AUTHORITY = policyFile('authority.pem');
export const quotedPem = JSON.stringify(PEM);
export const quotedAuthority = JSON.stringify(AUTHORITY);
/** Of that authority. */
export const FINGERPRINT = 'aaf00af79a78d8ff5e2ee1989b6576b2051fe8993c32c659e0539c7e8e4da47d';

export interface Imported {
  readonly set: PolicySet;
  readonly specs: readonly JsonObject[];
  readonly names: readonly string[];
  readonly report: readonly string[];
}

/** Imports, and compiles what came out: an importer that writes what the compiler refuses has carried over nothing. */
export function imported(...texts: readonly string[]): Imported {
  const result = importPolicies(texts.map((text, i) => ({ name: `file${i}.yaml`, text })));
  if (!result.ok) assert.fail(JSON.stringify(result.problems));
  const compiled = compilePolicies([{ name: 'imported', text: result.text }], { readFile: (path) => (path.endsWith('.pem') ? AUTHORITY : PEM) });
  if (!compiled.ok) assert.fail(`${JSON.stringify(compiled.problems, null, 1)}\n${result.text}`);
  return {
    set: compiled.policies,
    specs: result.documents.map(({ spec }) => spec as JsonObject),
    names: result.documents.map(({ metadata }) => (metadata as { name: string }).name),
    report: result.report.map(({ outcome, path, detail }) => `${outcome} ${path}${detail === undefined ? '' : `: ${detail}`}`),
  };
}

/** Why the only policy that came out refuses; undefined when it does not. */
export function refusalOf(...texts: readonly string[]): unknown {
  const { specs } = imported(...texts);
  assert.equal(specs.length, 1);
  return specs[0]?.['refuse'];
}

/** Asserts all that came out: each document's spec by its name, and the report; what is mapped is one line of paths. */
export function same(texts: readonly string[], specs: Readonly<Record<string, unknown>>, report: readonly string[]): void {
  const result = imported(...texts);
  assert.deepEqual(Object.fromEntries(result.specs.map((spec, i) => [result.names[i] as string, spec])), specs);
  assert.deepEqual(shortened(result.report), report);
}

/** The lines of a report with what is mapped in one, and without the places that every path begins with. */
export function shortened(report: readonly string[]): string[] {
  const lines = report.map((line) => line.replace(' spec.rules[0].verifyImages[0].', ' ').replace(' transports.docker.', ' '));
  const mapped = lines.filter((line) => line.startsWith('mapped ')).map((line) => line.slice('mapped'.length));
  return [...(mapped.length > 0 ? [`mapped${mapped.join('')}`] : []), ...lines.filter((line) => !line.startsWith('mapped '))];
}
