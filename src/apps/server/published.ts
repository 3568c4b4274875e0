/** The two documents by which clients find and trust this server: trusted_root.json and signing_config.v0.2.json. */
import { bareHost } from '../../clients/http/index.ts';
import type { Certificate, PublicKey } from '../../core/crypto/index.ts';
import { composeSigningConfig, composeTrustedRoot } from '../../core/trust/index.ts';

export interface Published {
  /** Without a slash at its end. */
  readonly url: string;
  readonly organization: string;
  /** Milliseconds since 1970: since when its keys are used. */
  readonly from: number;
  /** Chains, the newest first: from what signs to the top. */
  readonly authority: readonly (readonly Certificate[])[];
  readonly timestamp: readonly (readonly Certificate[])[];
  /** Ed25519. */
  readonly log: PublicKey;
  readonly certificateLog: PublicKey;
}

export interface PublishedDocument {
  readonly name: 'trusted_root.json' | 'signing_config.v0.2.json';
  readonly text: string;
}

export function publishedDocuments({ url, organization, from, authority, timestamp, log, certificateLog }: Published): PublishedDocument[] {
  // Stock clients take the origin of a log of version 2 from the bare host name of its URL.
  const origin = bareHost(new URL(url));
  const trustedRoot = composeTrustedRoot({
    authorities: authority.map((certificates) => ({ url, certificates })),
    logs: [{ url, key: log, from, origin }],
    certificateLogs: [{ url, key: certificateLog, from }],
    timestampAuthorities: timestamp.map((certificates) => ({ url: `${url}/api/v1/timestamp`, certificates })),
  });
  const signingConfig = composeSigningConfig({
    operator: organization,
    authorities: [{ url, version: 1, from }],
    issuers: [{ url: `${url}/oidc`, version: 1, from }],
    logs: [{ url, version: 2, from }],
    timestampAuthorities: [{ url: `${url}/api/v1/timestamp`, version: 1, from }],
  });
  const text = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  return [
    { name: 'trusted_root.json', text: text(trustedRoot) },
    { name: 'signing_config.v0.2.json', text: text(signingConfig) },
  ];
}

/** For whoever verifies what the control log says: a trusted root with that log alone. */
export function controlRoot(url: string, key: PublicKey, from: number): string {
  const origin = `control.${bareHost(new URL(url))}`;
  const root = composeTrustedRoot({ authorities: [], logs: [{ url: `https://${origin}`, key, from, origin }], certificateLogs: [], timestampAuthorities: [] });
  return `${JSON.stringify(root, null, 2)}\n`;
}
