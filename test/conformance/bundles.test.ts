/** Bundles that nobody here made: what must be accepted is, and what must be refused is refused for its own reason. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { parseBundle } from '../../src/core/bundle/index.ts';
import { fulcioClaims, hash } from '../../src/core/crypto/index.ts';
import { encodeHex, utf8 } from '../../src/core/encoding/index.ts';
import { type ErrorCode, type FindingCode, SealwardError } from '../../src/core/errors.ts';
import { repositoryRoot, requireVectors, vectorsPath } from '../vectors.ts';
import { type ConformanceCase, conformanceCases, DEFAULT_IDENTITY, DEFAULT_ISSUER } from './cases.ts';
import { judgeBundle, subjectOfFile } from './judge-bundle.ts';

/** Why each case is refused. Where the README of a case names another reason than the code, a comment says why. */
const REASONS: Readonly<Record<string, FindingCode | ErrorCode>> = {
  'bundle-empty-certificate-chain_fail': 'BUNDLE_MALFORMED',
  'bundle-from-wrong-instance_fail': 'CERTIFICATE_UNTRUSTED',
  'bundle-invalid-base64-signature_fail': 'BUNDLE_MALFORMED',
  'bundle-malformed-json_fail': 'BUNDLE_MALFORMED',
  'bundle-negative-log-index_fail': 'BUNDLE_MALFORMED',
  'bundle-unknown-version_fail': 'BUNDLE_MALFORMED',
  // A root in the chain is superfluous; sigstore_bundle.proto has verifiers ignore it or not trust it. The signer is another, too.
  'bundle-with-root-cert_fail': 'IDENTITY_MISMATCH',
  'checkpoint-bad-keyhint_fail': 'CHECKPOINT_INVALID',
  'checkpoint-wrong-roothash_fail': 'LOG_PROOF_INVALID',
  'dsse-invalid-sig_fail': 'SIGNATURE_INVALID',
  'dsse-mismatch-envelope_fail': 'LOG_ENTRY_MISMATCH',
  'dsse-mismatch-sig_fail': 'LOG_ENTRY_MISMATCH',
  'inclusion-proof-corrupted-hash_fail': 'LOG_PROOF_INVALID',
  'incorrect-public-key_fail': 'LOG_ENTRY_MISMATCH',
  'integrated-time-in-future_fail': 'CERTIFICATE_EXPIRED',
  'intoto-expired-certificate_fail': 'CERTIFICATE_EXPIRED',
  'intoto-log-entry-mismatch_fail': 'LOG_ENTRY_MISMATCH',
  'intoto-missing-inclusion-proof_fail': 'LOG_PROOF_MISSING',
  'intoto-set-outside-signing-cert-validity_fail': 'CERTIFICATE_EXPIRED',
  'intoto-tsa-timestamp-outside-cert-validity_fail': 'CERTIFICATE_EXPIRED',
  'invalid-checkpoint-signature_fail': 'CHECKPOINT_INVALID',
  'invalid-ct-key_fail': 'SCT_INVALID',
  'invalid-inclusion-proof_fail': 'LOG_PROOF_INVALID',
  'managed-key-no-key_fail': 'CERTIFICATE_MISSING',
  // The key was spoilt by hand, so that it is no longer base64.
  'managed-key-wrong-key_fail': 'ERR_ENCODING_INVALID',
  'message-digest-mismatch_fail': 'DIGEST_MISMATCH',
  'rekor2-checkpoint-missing-log-signature_fail': 'CHECKPOINT_INVALID',
  'rekor2-checkpoint-missing-origin_fail': 'CHECKPOINT_INVALID',
  'rekor2-checkpoint-missing-root-hash_fail': 'CHECKPOINT_INVALID',
  'rekor2-checkpoint-missing-size_fail': 'CHECKPOINT_INVALID',
  'rekor2-checkpoint-no-matching-signature_fail': 'CHECKPOINT_INVALID',
  'rekor2-dsse-invalid-sig_fail': 'SIGNATURE_INVALID',
  'rekor2-dsse-mismatch-envelope_fail': 'LOG_ENTRY_MISMATCH',
  'rekor2-dsse-mismatch-sig_fail': 'LOG_ENTRY_MISMATCH',
  'rekor2-no-inclusion-proof_fail': 'LOG_PROOF_MISSING',
  'rekor2-no-timestamp_fail': 'TIME_MISSING',
  'rekor2-timestamp-outside-trust-root-tsa-validity_fail': 'TIMESTAMP_OUTSIDE_WINDOW',
  'rekor2-timestamp-outside-tsa-cert-validity_fail': 'TIMESTAMP_OUTSIDE_WINDOW',
  'rekor2-timestamp-payload-mismatch_fail': 'TIMESTAMP_MISMATCH',
  'rekor2-timestamp-untrusted-tsa-with-embedded-cert_fail': 'TIMESTAMP_UNTRUSTED',
  'rekor2-timestamp-untrusted-tsa-without-embedded-cert_fail': 'TIMESTAMP_UNTRUSTED',
  // The token was pasted with line breaks inside its base64; without them see the test of its twin below.
  'rekor2-timestamp-with-incorrect-time_fail': 'BUNDLE_MALFORMED',
  'set-invalid-signature_fail': 'LOG_PROMISE_INVALID',
  'signature-mismatch_fail': 'SIGNATURE_INVALID',
  'trust-root-tlog-missing-validity-start_fail': 'ERR_TRUSTED_ROOT_INVALID',
  'wrong-hashedrekord-artifact_fail': 'LOG_ENTRY_MISMATCH',
  'wrong-hashedrekord-cert-and-sig_fail': 'LOG_ENTRY_MISMATCH',
  'wrong-hashedrekord-entry_fail': 'LOG_ENTRY_MISMATCH',
  'wrong-material_fail': 'DIGEST_MISMATCH',
};

/** What the judge says: VERIFIED, a finding, or the code of the key or root that cannot be read. */
function answer({ question }: Pick<ConformanceCase, 'question'>, subject: ReturnType<typeof subjectOfFile>): string {
  try {
    const { outcome, code, finding } = judgeBundle({ ...question, subject });
    assert.equal(outcome, code === 'VERIFIED' ? 'verified' : 'rejected');
    assert.equal(finding?.code, code === 'VERIFIED' ? undefined : code);
    return code;
  } catch (error) {
    if (error instanceof SealwardError) return error.code;
    throw error;
  }
}

describe('sigstore-conformance', () => {
  it('has a reason for every case that must be refused, and for no other', (t) => {
    if (!requireVectors(t, 'sigstore-conformance')) return;
    const cases = conformanceCases();
    assert.equal(cases.length, 70);
    assert.deepEqual(cases.flatMap(({ name, accept }) => (accept ? [] : [name])).toSorted(), Object.keys(REASONS).toSorted());
  });

  for (const form of ['file', 'digest'] as const) {
    it(`agrees on every case, given the ${form}`, (t) => {
      if (!requireVectors(t, 'sigstore-conformance')) return;
      const answers = conformanceCases().map((example): [string, string] => {
        const subject = subjectOfFile(example.artifact);
        return [example.name, answer(example, form === 'file' ? subject : { digests: subject.digests })];
      });
      assert.deepEqual(Object.fromEntries(answers), Object.fromEntries(answers.map(([name]) => [name, REASONS[name] ?? 'VERIFIED'])));
    });
  }

  it('refuses another artifact in every accepted case, by file and by digest', (t) => {
    if (!requireVectors(t, 'sigstore-conformance')) return;
    const other = subjectOfFile(utf8('another artifact'));
    for (const example of conformanceCases().filter(({ accept }) => accept)) {
      assert.equal(answer(example, other), 'DIGEST_MISMATCH', example.name);
      assert.equal(answer(example, { digests: other.digests }), 'DIGEST_MISMATCH', example.name);
    }
  });

  it('refuses the pasted timestamp without its line breaks for the time that it states', (t) => {
    if (!requireVectors(t, 'sigstore-conformance')) return;
    const example = conformanceCases().find(({ name }) => name === 'rekor2-timestamp-with-incorrect-time_fail') as ConformanceCase;
    const bundle = utf8(
      new TextDecoder()
        .decode(example.question.bundle)
        .replaceAll('\\n', (escape, at: number, text: string) =>
          text.lastIndexOf('"signedTimestamp"', at) > text.lastIndexOf('"envelope"', at) ? '' : escape,
        ),
    );
    assert.equal(answer({ question: { ...example.question, bundle } }, subjectOfFile(example.artifact)), 'CERTIFICATE_EXPIRED');
  });
});

describe('bundles of sigstore-js', () => {
  const suite = vectorsPath('sigstore-js-bundles');

  it('accepts all nine, and refuses each for another digest', (t) => {
    if (!requireVectors(t, 'sigstore-js-bundles')) return;
    const names = readdirSync(suite).filter((name) => name.endsWith('.sigstore'));
    assert.equal(names.length, 9);
    for (const name of names) {
      const bundle = readFileSync(join(suite, name));
      const { certificate, claim } = parseBundle(bundle);
      assert.ok(certificate && claim.kind === 'statement', name);
      const [subject] = claim.statement.subjects;
      const question = {
        bundle,
        trustedRoot: readFileSync(vectorsPath('trusted_root.public-good.json')),
        identity: certificate.leaf.subjectAlternativeNames[0]?.value ?? '',
        issuer: fulcioClaims(certificate.leaf).issuer ?? '',
      };
      assert.equal(answer({ question }, { digests: subject?.digest ?? {} }), 'VERIFIED', name);
      const changed = Object.fromEntries(
        Object.entries(subject?.digest ?? {}).map(([algorithm, hex]) => [algorithm, hex.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'))]),
      );
      assert.equal(answer({ question }, { digests: changed }), 'DIGEST_MISMATCH', name);
    }
  });
});

describe('test/conformance/sigstore-client', () => {
  const client = join(repositoryRoot, 'test', 'conformance', 'sigstore-client');
  const run = promisify(execFile);

  async function exitCode(args: readonly string[]): Promise<number> {
    try {
      await run(client, args);
      return 0;
    } catch (error) {
      return (error as { code: number }).code;
    }
  }

  function argumentsFor({ name, artifact, question }: ConformanceCase, form: 'file' | 'digest'): string[] {
    const folder = vectorsPath('sigstore-conformance', name);
    const present = new Set(readdirSync(folder));
    const who = present.has('key.pub')
      ? ['--key', join(folder, 'key.pub')]
      : ['--certificate-identity', question.identity ?? DEFAULT_IDENTITY, '--certificate-oidc-issuer', question.issuer ?? DEFAULT_ISSUER];
    const root = present.has('trusted_root.json') ? ['--trusted-root', join(folder, 'trusted_root.json')] : [];
    const file = present.has('artifact') ? join(folder, 'artifact') : vectorsPath('sigstore-conformance', 'a.txt');
    return [
      'verify-bundle',
      '--bundle',
      join(folder, 'bundle.sigstore.json'),
      ...who,
      ...root,
      form === 'file' ? file : `sha256:${encodeHex(hash('sha256', artifact))}`,
    ];
  }

  /** All 140 take two minutes; these stand for the forms of the protocol. */
  const SOME: Readonly<Record<string, 'file' | 'digest'>> = {
    'happy-path-v0.3': 'file',
    'managed-key-happy-path': 'digest',
    'rekor2-happy-path': 'file',
    'signature-mismatch_fail': 'digest',
    'managed-key-wrong-key_fail': 'file',
    'wrong-material_fail': 'digest',
  };

  it('exits 0 for what is accepted and for nothing else', async (t) => {
    if (!requireVectors(t, 'sigstore-conformance')) return;
    const runs = conformanceCases().flatMap((example) =>
      (['file', 'digest'] as const).filter((form) => process.env['SEALWARD_TORTURE'] || SOME[example.name] === form).map((form) => ({ example, form })),
    );
    for (let at = 0; at < runs.length; at += 2) {
      await Promise.all(
        runs.slice(at, at + 2).map(async ({ example, form }) => {
          const code = await exitCode(argumentsFor(example, form));
          assert.equal(code === 0, example.accept, `${example.name}, ${form}: exit code ${code}`);
        }),
      );
    }
  });

  it('exits with neither 0 nor a signal when it is called wrongly', async (t) => {
    if (!requireVectors(t, 'sigstore-conformance')) return;
    const [example] = conformanceCases().filter(({ name }) => name === 'happy-path-v0.3');
    const good = argumentsFor(example as ConformanceCase, 'file');
    const wrong = [
      good.slice(1),
      good.slice(0, -1),
      [...good, '--staging'],
      [...good, '--key', 'key.pub'],
      good.filter((word) => !word.startsWith('https://token')),
    ];
    assert.deepEqual(
      await Promise.all(wrong.map(exitCode)),
      wrong.map(() => 2),
    );
  });
});
