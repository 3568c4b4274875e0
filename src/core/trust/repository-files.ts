/** Which files a trust repository carries, and whose they are. */
import type { TrustRole } from './state.ts';
import { TRUST_ROLES } from './state.ts';

/** Of the targets role itself: what stock clients of Sigstore look for, and what holds for all. */
export const TRUSTED_ROOT_FILE = 'trusted_root.json';
export const SIGNING_CONFIG_FILE = 'signing_config.v0.2.json';
export const SETTINGS_FILE = 'trust.json';
/** Of the delegated roles. */
export const KEYS_FILE = 'keys/keys.json';
export const PRINCIPALS_FILE = 'keys/principals.json';
export const DENIALS_FILE = 'deny/denials.json';

/** The one pattern that is delegated to a role: the files of its folder, and nothing below. */
export const patternOf = (role: TrustRole): string => `${role}/*`;

const TEXT_NAME = /^(?:policy|exceptions)\/[A-Za-z0-9][A-Za-z0-9._-]{0,127}\.(?:ya?ml|json)$/;

/** The role that speaks of a file; undefined for files that are not read here. */
export function ownerOf(path: string): TrustRole | 'targets' | undefined {
  if ([TRUSTED_ROOT_FILE, SIGNING_CONFIG_FILE, SETTINGS_FILE].includes(path)) return 'targets';
  if ([KEYS_FILE, PRINCIPALS_FILE].includes(path)) return 'keys';
  if (path === DENIALS_FILE) return 'deny';
  return TEXT_NAME.test(path) ? TRUST_ROLES.find((role) => path.startsWith(`${role}/`)) : undefined;
}
