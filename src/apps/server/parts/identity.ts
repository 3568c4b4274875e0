/** The issuer of this server: for people with a password, and for workloads with a key. */
import { parsePublicKeyPem, sha256 } from '../../../core/crypto/index.ts';
import { encodeHex, utf8 } from '../../../core/encoding/index.ts';
import { defineIssuer, type IssuerRule, Rates } from '../../../services/authority/index.ts';
import { createTokenMint, issuerRoutes } from '../../../services/identity/index.ts';
import type { IdentityConfig } from '../config.ts';
import type { OpenedPart, ServerContext } from '../context.ts';
import { readSecret, readText } from '../files.ts';

/** What Sigstore's programs send as their client id, and what their tokens are for. */
const CLIENT = 'sigstore';
/** For one person: whoever guesses passwords must not fill the control log. */
const WRITTEN_REFUSALS = { burst: 10, perMinute: 2 } as const;

export async function openIdentity(
  { keys, now, control, logger }: ServerContext,
  { url, key, users, workloads }: IdentityConfig,
): Promise<OpenedPart & { readonly rule: IssuerRule }> {
  const signer = await keys.open(key);
  const refusals = new Rates(WRITTEN_REFUSALS, () => performance.now());
  const mint = createTokenMint({ issuer: url, audience: CLIENT, signer, now });
  const routes = issuerRoutes({
    issuer: url,
    clientId: CLIENT,
    mint,
    users: users.map(({ name, email, passwordHashFile }) => ({ name, email, passwordHash: readSecret(passwordHashFile, 'the password hash') })),
    workloads: workloads.map(({ id, subject, publicKey }) => ({ id, subject, key: parsePublicKeyPem(readText(publicKey, 'the public key'), publicKey) })),
    now,
    signedIn: async ({ name, email }, admitted) => {
      const subject = { name: 'issuer', sha256: encodeHex(sha256(utf8(url))) };
      const write = async (action: string) => void (await control?.record({ kind: 'access', action, actor: url, subject, personal: { name, email } }));
      if (admitted) return write('sign-in');
      try {
        refusals.take(name);
        await write('sign-in-refused');
      } catch (error) {
        logger.warn({ err: error }, 'a refused sign-in is not written into the control log');
      }
    },
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
