/**
 * Credentials from the pull secrets of a namespace, as the kubelet takes them: all that a pod names are one keyring, of
 * which the most exact key comes first, and of equal keys the secret that is named first; the next is tried when the
 * registry refuses one. Unlike the kubelet's, keys match whole hosts and whole parts of paths, and no patterns.
 */
import { DOCKER_HUB, quoted } from '../../core/artifact/index.ts';
import { type JsonValue, LIMITS, parseJsonObject } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { type Credentials, type CredentialSource, wasRefused } from './credentials.ts';
import { credentialsOf, scopesOf } from './docker-config.ts';

export interface PullSecret {
  /** As messages name it: `namespace/name`. */
  readonly name: string;
  /** Of the Secret; the two that the kubelet reads count, and others do not. */
  readonly type: string;
  /** The bytes under `.dockerconfigjson` or `.dockercfg`. */
  readonly body: Uint8Array;
}

interface Entry {
  readonly value: JsonValue;
  /** For messages; without what is secret. */
  readonly what: string;
}

/** @param secrets in the order in which the pod names them, or else its service account. */
export function pullSecrets(secrets: readonly PullSecret[]): CredentialSource {
  let keyring: ReadonlyMap<string, readonly Entry[]> | undefined;
  return {
    async find(query) {
      // As with the kubelet, a secret that cannot be read is an error for every image, and does not quietly count as none.
      keyring ??= read(secrets);
      for (const scope of scopesOf(query)) {
        for (const { value, what } of keyring.get(scope) ?? []) {
          const found: Credentials | undefined = credentialsOf(value, what);
          if (found && !wasRefused(query, found)) return found;
        }
      }
      return undefined;
    },
  };
}

function read(secrets: readonly PullSecret[]): ReadonlyMap<string, readonly Entry[]> {
  if (secrets.length > LIMITS.pullSecrets) {
    throw new SealwardError('ERR_CONFIG_INVALID', `${secrets.length} pull secrets are named, and at most ${LIMITS.pullSecrets} are read`);
  }
  const keyring = new Map<string, Entry[]>();
  for (const secret of secrets) {
    for (const [key, value] of Object.entries(entriesOf(secret))) {
      const scope = scopeOf(key);
      const entries = keyring.get(scope) ?? [];
      entries.push({ value, what: `the pull secret ${quoted(secret.name, 400)}, entry ${quoted(key)}` });
      keyring.set(scope, entries);
    }
  }
  return keyring;
}

function entriesOf({ name, type, body }: PullSecret): Readonly<Record<string, JsonValue>> {
  const isOld = type === 'kubernetes.io/dockercfg';
  if (!isOld && type !== 'kubernetes.io/dockerconfigjson') return {};
  let entries: JsonValue | undefined;
  try {
    const whole = parseJsonObject(body, { what: 'the secret', maxBytes: LIMITS.pullSecretBytes });
    entries = isOld ? whole : (whole.auths ?? {});
  } catch {
    // What the parser says could show a part of a password.
  }
  if (entries === null || entries === undefined || typeof entries !== 'object' || Array.isArray(entries)) {
    throw new SealwardError('ERR_CONFIG_INVALID', `the pull secret ${quoted(name, 400)} is not the configuration of Docker that its type says`, {
      hint: 'Make it anew with `kubectl create secret docker-registry`.',
    });
  }
  return entries;
}

/** What a key stands for: a host and perhaps a path, with or without https:// and a leading /v1 or /v2. */
function scopeOf(key: string): string {
  const bare = key.replace(/^https?:\/\//i, '').replace(/\/+$/, '');
  const slash = bare.indexOf('/');
  const host = (slash < 0 ? bare : bare.slice(0, slash)).toLowerCase();
  const path = slash < 0 ? '' : bare.slice(slash).replace(/^\/v[12](?=\/|$)/, '');
  return `${host === 'index.docker.io' ? DOCKER_HUB : host}${path}`;
}
