/**
 * sigstore-conformance's protocol (docs/cli_protocol.md there), as far as it verifies:
 * verify-bundle --bundle FILE (--key FILE | --certificate-identity NAME --certificate-oidc-issuer URL)
 *   [--trusted-root FILE] FILE_OR_DIGEST
 * Exits 0 only when the bundle verifies. Without --trusted-root the public good root of the vectors is used, offline.
 */
import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { digestFrom } from '../../src/core/artifact/index.ts';
import { SealwardError } from '../../src/core/errors.ts';
import { vectorsPath } from '../vectors.ts';
import { judgeBundle, subjectOfFile } from './judge-bundle.ts';

const USAGE =
  'usage: sigstore-client verify-bundle --bundle FILE (--key FILE | --certificate-identity NAME --certificate-oidc-issuer URL) [--trusted-root FILE] FILE_OR_DIGEST';

function main(argv: readonly string[]): number {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      bundle: { type: 'string' },
      key: { type: 'string' },
      'certificate-identity': { type: 'string' },
      'certificate-oidc-issuer': { type: 'string' },
      'trusted-root': { type: 'string' },
      staging: { type: 'boolean' },
    },
  });
  const [command, artifact] = positionals;
  const [identity, issuer] = [values['certificate-identity'], values['certificate-oidc-issuer']];
  const byKey = values.key !== undefined;
  if (command !== 'verify-bundle' || artifact === undefined || !values.bundle || values.staging || byKey === (identity !== undefined && issuer !== undefined))
    throw new Error(USAGE);
  const digest = digestFrom(artifact);
  const decision = judgeBundle({
    bundle: readFileSync(values.bundle),
    subject: digest && !existsSync(artifact) ? { digests: { [digest.algorithm]: digest.hex } } : subjectOfFile(readFileSync(artifact)),
    trustedRoot: readFileSync(values['trusted-root'] ?? vectorsPath('trusted_root.public-good.json')),
    ...(values.key === undefined ? { identity: identity ?? '', issuer: issuer ?? '' } : { key: readFileSync(values.key, 'utf8') }),
  });
  console.error(decision.outcome === 'verified' ? 'verified' : `${decision.outcome}: ${decision.code}: ${decision.finding?.detail ?? ''}`);
  return decision.outcome === 'verified' ? 0 : 1;
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof SealwardError ? `${error.code}: ${error.message}` : error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
