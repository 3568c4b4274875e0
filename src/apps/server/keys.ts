/** The keys that a server holds while it runs, and what they must be. */
import type { KeyKind } from '../../core/crypto/index.ts';

export const ONLINE_KEYS = ['authority', 'certificate-log', 'timestamp', 'identity', 'trust', 'log', 'control-log', 'auditor', 'witness'] as const;
export type OnlineKey = (typeof ONLINE_KEYS)[number];

export const NEW_KEYS: Readonly<Record<OnlineKey, KeyKind>> = {
  authority: 'ecdsa-p384',
  'certificate-log': 'ecdsa-p256',
  timestamp: 'ecdsa-p256',
  identity: 'ecdsa-p256',
  trust: 'ecdsa-p256',
  log: 'ed25519',
  'control-log': 'ed25519',
  auditor: 'ecdsa-p256',
  witness: 'ed25519',
};

/** Of keys that are kept elsewhere, as describeKey names them. Tokens are signed with ES256, certificate logs with P-256 (RFC 6962 section 2.1.4). */
export const ACCEPTED_KEYS: Readonly<Record<OnlineKey, readonly string[]>> = {
  authority: ['ECDSA P-256', 'ECDSA P-384', 'ECDSA P-521'],
  'certificate-log': ['ECDSA P-256'],
  timestamp: ['ECDSA P-256', 'ECDSA P-384', 'RSA 2048', 'RSA 3072', 'RSA 4096'],
  identity: ['ECDSA P-256'],
  trust: ['ECDSA P-256', 'ECDSA P-384', 'Ed25519'],
  log: ['Ed25519'],
  'control-log': ['Ed25519'],
  auditor: ['ECDSA P-256', 'ECDSA P-384'],
  witness: ['Ed25519'],
};
