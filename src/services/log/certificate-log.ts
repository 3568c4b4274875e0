/** The authority's own certificate log: a tree that anybody can verify and watch, and promises that name the place in it. */
import type { ServiceRoute } from '../../core/contract/index.ts';
import { type Certificate, fingerprintOf, type PublicKey, sha256 } from '../../core/crypto/index.ts';
import { encodeBase64 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { encodeSct, sctSignedBytes } from '../../core/tlog/index.ts';
import { CERTIFICATE_ENTRIES, certificateEntry, leafIndexExtension, type PrecertificateEntry } from './certificate-entry.ts';
import { type LogOptions, type OpenedLog, openLog } from './open-log.ts';
import { tileRoutes } from './tile-routes.ts';

export interface CertificateLogOptions extends Omit<LogOptions, 'form'> {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Where it is read, such as `https://ct.example/`: for whoever watches it. */
  readonly url: string;
  /** Of the paths under which it is served, such as `/ct`. */
  readonly prefix?: string;
}

export interface CertificateTransparencyLog extends OpenedLog {
  /** SHA-256 of the key (RFC 6962 section 3.2). */
  readonly logId: Uint8Array;
  readonly key: PublicKey;
  /** A SignedCertificateTimestamp in its TLS form, once the entry stands in a tree that is signed for. */
  addPrecertificate(precertificate: Omit<PrecertificateEntry, 'timestamp'>): Promise<Uint8Array>;
  readonly routes: readonly ServiceRoute[];
}

/** Sunlight's: entries stand in the tree before their promise leaves; a minute is what static-ct-api allows at most. */
const MERGE_SECONDS = 60;

export async function openCertificateLog(options: CertificateLogOptions): Promise<CertificateTransparencyLog> {
  const { signer, now, url, prefix = '' } = options;
  const log = await openLog({ ...options, form: CERTIFICATE_ENTRIES });
  const issuers = new Set<string>();
  return {
    ...log,
    async addPrecertificate({ tbs, der, chain }) {
      await keepIssuers(log, chain, issuers);
      const entry: PrecertificateEntry = { timestamp: BigInt(now()), tbs, der, chain };
      const { index } = await log.add({ at: (place) => certificateEntry(entry, place) });
      const sct = { logId: log.logId, timestamp: entry.timestamp, extensions: leafIndexExtension(index) };
      const issuer = chain[0] as Certificate;
      return encodeSct({ ...sct, signature: await signer.sign(sctSignedBytes(sct, tbs, sha256(issuer.spki))) });
    },
    routes: [...tileRoutes(log.tiles, [prefix]), issuerRoute(log, prefix), descriptionRoute(log, url, prefix)],
  };
}

/** "Issuers": each certificate above those that are logged is kept once, by its hash, before an entry names it. */
async function keepIssuers(log: OpenedLog, chain: readonly Certificate[], known: Set<string>): Promise<void> {
  const fresh = chain.filter(({ raw }) => !known.has(fingerprintOf(raw)));
  if (fresh.length === 0) return;
  await log.keep(fresh.map(({ raw }) => ({ path: `issuer/${fingerprintOf(raw)}`, bytes: raw })));
  for (const { raw } of fresh) known.add(fingerprintOf(raw));
}

function issuerRoute(log: OpenedLog, prefix: string): ServiceRoute {
  return {
    method: 'GET',
    path: `${prefix}/issuer/:fingerprint`,
    maxBytes: 0,
    async answer({ params }) {
      const { fingerprint = '' } = params;
      const body = /^[0-9a-f]{64}$/.test(fingerprint) ? await log.kept(`issuer/${fingerprint}`) : undefined;
      if (!body) throw new SealwardError('ERR_NOT_FOUND', 'the log keeps no issuer with this hash');
      return { status: 200, headers: { 'content-type': 'application/pkix-cert', 'cache-control': 'public, max-age=31536000, immutable' }, body };
    },
  };
}

/** One log as the lists of certificate logs describe it (log list schema, version 3). */
function descriptionRoute({ origin, logId, key }: OpenedLog, url: string, prefix: string): ServiceRoute {
  const body = JSON.stringify({
    description: origin,
    log_id: encodeBase64(logId),
    key: encodeBase64(key.spki),
    mmd: MERGE_SECONDS,
    submission_url: url,
    monitoring_url: url,
  });
  return {
    method: 'GET',
    path: `${prefix}/log.v3.json`,
    maxBytes: 0,
    answer: async () => ({ status: 200, headers: { 'content-type': 'application/json' }, body }),
  };
}
