/** A certificate authority of services/authority in memory, under a clock that stands, for the tests that ask it for certificates. */
import { HttpClient } from '../src/clients/http/index.ts';
import { keySigner } from '../src/clients/signers/index.ts';
import { parseCertificate, signBytes } from '../src/core/crypto/index.ts';
import { encodeBase64, encodePem, type JsonObject, utf8 } from '../src/core/encoding/index.ts';
import {
  type AuthorityOptions,
  type CertificateAuthority,
  type CertificateRequest,
  createCertificateAuthority,
  defineIssuer,
  type Issuance,
  IssuerKeys,
  type IssuerSettings,
  promisingLog,
  Rates,
} from '../src/services/authority/index.ts';
import {
  createTestAuthority,
  createTestKey,
  createTestTokenIssuer,
  TEST_NOW,
  type TestAuthority,
  type TestKey,
  type TestTokenIssuer,
} from '../src/testing/index.ts';

export interface Bench {
  readonly authority: CertificateAuthority;
  readonly made: TestAuthority;
  readonly tokens: TestTokenIssuer;
  readonly ledger: Issuance[];
  /** How often the log was shown a certificate. */
  readonly shown: () => number;
  readonly clock: { now: number };
}

export function bench(settings: Partial<IssuerSettings> = {}, more: Partial<AuthorityOptions> = {}): Bench {
  const clock = { now: TEST_NOW };
  const now = (): number => clock.now;
  const made = createTestAuthority({ now });
  const tokens = createTestTokenIssuer({ now });
  const rule = defineIssuer({ kind: 'email', url: tokens.url, ownKeys: tokens.keySet, algorithms: ['ES256'], ...settings });
  const ledger: Issuance[] = [];
  const taken = new Map<string, number>();
  let shown = 0;
  const authority = createCertificateAuthority({
    issuing: { signer: keySigner(made.intermediate.key.privateKey), chain: made.chain.map((der) => parseCertificate(der)) },
    tokens: { rules: new Map([[rule.url, rule]]), keys: new IssuerKeys(new HttpClient()), now },
    log: promisingLog(keySigner(createTestKey('ecdsa-p256').privateKey), now, async () => void shown++),
    ledger: { record: async (entry) => void ledger.push(entry) },
    used: {
      async take(id, uses) {
        const before = taken.get(id) ?? 0;
        taken.set(id, before + 1);
        return before < uses;
      },
      giveBack: async (id) => void taken.set(id, (taken.get(id) ?? 1) - 1),
    },
    rates: new Rates({ burst: 100, perMinute: 60 }, now),
    now,
    ...more,
  });
  return { authority, made, tokens, ledger, shown: () => shown, clock };
}

export const MAINTAINER: JsonObject = { email: 'maintainer@sealward.test', email_verified: true };

/** A request whose proof is over the subject that it names. */
export function requestFor(token: string, subject = 'maintainer@sealward.test', key: TestKey = createTestKey()): CertificateRequest {
  const signature = signBytes(key.privateKey, key.algorithm, utf8(subject));
  return { token, remote: '192.0.2.1', proof: { kind: 'signature', publicKeyPem: encodePem('PUBLIC KEY', key.publicKey.spki), signature } };
}

/** The same as the body of Fulcio's API. */
export function requestBody({ token, proof }: CertificateRequest): JsonObject {
  if (proof.kind === 'request') return { credentials: { oidcIdentityToken: token }, certificateSigningRequest: encodeBase64(proof.bytes) };
  const publicKey = { algorithm: 'ECDSA', content: proof.publicKeyPem };
  return { credentials: { oidcIdentityToken: token }, publicKeyRequest: { publicKey, proofOfPossession: encodeBase64(proof.signature) } };
}
