/** The issuer of this server: for people with a password, and for workloads with a key. */
import { parsePublicKeyPem } from '../../../core/crypto/index.ts';
import { defineIssuer, type IssuerRule } from '../../../services/authority/index.ts';
import { createTokenMint, issuerRoutes } from '../../../services/identity/index.ts';
import type { IdentityConfig } from '../config.ts';
import type { OpenedPart, ServerContext } from '../context.ts';
import { readSecret, readText } from '../files.ts';

/** What Sigstore's programs send as their client id, and what their tokens are for. */
const CLIENT = 'sigstore';

export async function openIdentity(
  { keys, now }: ServerContext,
  { url, key, users, workloads }: IdentityConfig,
): Promise<OpenedPart & { readonly rule: IssuerRule }> {
  const signer = await keys.open(key);
  const mint = createTokenMint({ issuer: url, audience: CLIENT, signer, now });
  const routes = issuerRoutes({
    issuer: url,
    clientId: CLIENT,
    mint,
    users: users.map(({ name, email, passwordHashFile }) => ({ name, email, passwordHash: readSecret(passwordHashFile, 'the password hash') })),
    workloads: workloads.map(({ id, subject, publicKey }) => ({ id, subject, key: parsePublicKeyPem(readText(publicKey, 'the public key'), publicKey) })),
    now,
  });
  return {
    routes,
    // In one process the authority needs no network to know the keys.
    rule: defineIssuer({ kind: 'local', url, ownKeys: () => mint.keySet() }),
    part: {
      name: 'identity',
      problem: () => undefined,
      describe: () => ({ issuer: url, users: users.length, workloads: workloads.length }),
    },
  };
}
