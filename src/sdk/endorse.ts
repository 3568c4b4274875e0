/**
 * Who vouches for a signature besides its key: a certificate for a key that lives for one occasion, entries in logs,
 * timestamps. The finished bundle is held against the trusted root before anybody else sees it.
 */
import { appendEntry, connectToService, type LogService, requestCertificate, requestTimestamp, type ServiceCall } from '../clients/sigstore/index.ts';
import type { Signer } from '../clients/signers/index.ts';
import {
  type Algorithm,
  buildChain,
  type Certificate,
  createVerdictCache,
  fulcioClaims,
  generateKeyPair,
  signerNames,
  type VerdictCache,
} from '../core/crypto/index.ts';
import type { JsonObject } from '../core/encoding/index.ts';
import { SealwardError } from '../core/errors.ts';
import { type Anchors, type SigningConfig, selectServices } from '../core/trust/index.ts';
import { exactly, type FlagRequirement, type ProofMemory } from '../core/verify/index.ts';

/** The services that a signer asks. */
export interface SigningServices {
  /** The URL of a certificate authority; needed to sign without a key. */
  readonly authority?: string;
  readonly logs: readonly LogService[];
  /** URLs that take timestamp requests as they are. */
  readonly timestampAuthorities: readonly string[];
}

/** What was signed, and how. */
export interface Signed {
  readonly bytes: Uint8Array;
  /** The digest of the same, where the bytes are not at hand. */
  readonly digest?: Uint8Array;
  readonly signature: Uint8Array;
  readonly algorithm: Algorithm;
  /** The envelope in JSON, where there is one. */
  readonly envelope?: string;
}

export interface Endorsements {
  /** Each a TransparencyLogEntry in proto3 JSON. */
  readonly entries: readonly JsonObject[];
  /** Each a TimeStampResp. */
  readonly timestamps: readonly Uint8Array[];
}

export interface Endorser {
  /** Of the signer's key, when an authority certified it. */
  readonly certificate?: Certificate;
  readonly endorse: (signed: Signed, signer: Signer) => Promise<Endorsements>;
  /** Of chains that were verified while services were waited for. */
  readonly memory?: ProofMemory;
  /** What the finished bundle must pass, and by whose word. */
  readonly anchors: Anchors;
  readonly requirement: FlagRequirement;
}

export interface EndorserOptions {
  readonly services: SigningServices;
  readonly call: ServiceCall;
  /** The trusted root of these services. */
  readonly anchors: Anchors;
}

/** For a signer with a key of its own. @param chains verdicts on certificates that were made before. */
export function endorserFor({ services, call, anchors }: EndorserOptions, certificate?: Certificate, chains: VerdictCache = createVerdictCache()): Endorser {
  const { logs, timestampAuthorities } = services;
  return {
    ...(certificate ? { certificate } : {}),
    memory: { certificates: chains },
    anchors,
    requirement: {
      role: 'any',
      signer: certificate ? { kind: 'certificate', ...whoIs(certificate) } : { kind: 'key' },
      logs: logs.length,
      timestamps: timestampAuthorities.length,
      certificateLog: certificate !== undefined,
      undated: 'refuse',
    },
    // Neither needs the other: the log keeps the signature, and the authority dates it.
    async endorse({ bytes, digest, signature, algorithm, envelope }, signer) {
      const logged = {
        signed: bytes,
        signature,
        algorithm,
        verifier: certificate ?? signer.publicKey(),
        ...(digest ? { digest } : {}),
        ...(envelope === undefined ? {} : { envelope }),
      };
      const asked = [
        Promise.all(logs.map((log) => appendEntry(call, log, logged))),
        Promise.all(timestampAuthorities.map((url) => requestTimestamp(call, url, signature))),
      ] as const;
      // The slowest signatures of the judgement are verified while the slower of the two works; what they say counts when all is judged.
      if (certificate && logs.length > 0 && timestampAuthorities.length > 0)
        void Promise.race(asked).then(
          () => verifyChains(certificate, anchors, chains),
          () => undefined,
        );
      const [entries, timestamps] = await Promise.all(asked);
      return { entries, timestamps };
    },
  };
}

/** What stands in a trusted root below its topmost certificates: the chains of all that these authorities sign end in it. */
function verifyAuthorities({ authorities, timestampAuthorities }: Anchors, cache: VerdictCache): void {
  for (const { certificates } of [...authorities, ...timestampAuthorities]) for (const one of certificates) buildChain(one, [], certificates, { cache });
}

function verifyChains(certificate: Certificate, { authorities }: Anchors, cache: VerdictCache): void {
  for (const { certificates } of authorities) buildChain(certificate, [], certificates, { cache });
}

function whoIs(certificate: Certificate): Pick<FlagRequirement['signer'], 'identity' | 'issuer'> {
  const [name, issuer] = [signerNames(certificate)[0], fulcioClaims(certificate).issuer];
  if (name === undefined || issuer === undefined) throw new SealwardError('ERR_CERTIFICATE_INVALID', 'the authority certified a key for nobody');
  return { identity: exactly(name), issuer: exactly(issuer) };
}

export interface KeylessOptions extends EndorserOptions {
  /** An identity token for the authority; used once, and kept nowhere. */
  readonly token: string;
  /** Called when the authority has been asked: for what can be done until it answers. */
  readonly meanwhile?: (() => void) | undefined;
}

/** A key that lives in this process alone, with a certificate for whom the token names. The timestamps come after the certificate: they must lie within its ten minutes. */
export async function signKeyless(
  options: KeylessOptions,
): Promise<{ readonly signer: Signer; readonly endorser: Endorser; readonly identity: string; readonly issuer: string }> {
  const { services, call, token, anchors, meanwhile } = options;
  if (services.authority === undefined) throw new SealwardError('ERR_FLAG_CONFLICT', 'no certificate authority is named, and there is no key');
  // Loaded here, because verifying takes its verbs from the same place and needs no keys.
  const { keySigner } = await import('../clients/signers/index.ts');
  const signer = keySigner(generateKeyPair('ecdsa-p256').privateKey);
  await turn();
  const asked = requestCertificate(call, services.authority, token, { key: signer.publicKey(), sign: (message) => signer.sign(message) });
  // Heard below, also when what is done until then fails first.
  asked.catch(() => undefined);
  const chains = createVerdictCache();
  // When the request has left: what occupies this thread would keep it back.
  await turn();
  meanwhile?.();
  for (const url of [...services.logs.map((log) => log.url), ...services.timestampAuthorities]) connectToService(call, url);
  verifyAuthorities(anchors, chains);
  const [certificate] = await asked;
  if (!certificate) throw new SealwardError('ERR_CERTIFICATE_INVALID', 'the authority gave no certificate');
  const endorser = endorserFor(options, certificate, chains);
  const { identity, issuer } = endorser.requirement.signer;
  return { signer, endorser, identity: identity?.wanted ?? '', issuer: issuer?.wanted ?? '' };
}

/** Lets connections come to be that were begun: nothing is heard of them while this thread is busy. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Opens the connection to the certificate authority early: for when the token is at hand, and other things are not. */
export function connectToAuthority({ services, call }: Pick<EndorserOptions, 'services' | 'call'>): void {
  if (services.authority !== undefined) connectToService(call, services.authority);
}

const SPOKEN = { authority: [1], log: [2, 1], timestamp: [1] } as const;

/** The services of a signing_config.json that are valid now, in the newest version that is spoken here. */
export function servicesOf(config: SigningConfig, now: number, keyless: boolean): SigningServices {
  const [authority] = keyless ? selectServices(config.authorities, SPOKEN.authority, { rule: 'any' }, now, 'certificate authority') : [];
  const logs = config.logs.length === 0 ? [] : selectServices(config.logs, SPOKEN.log, config.logSelection, now, 'transparency log');
  const stamps =
    config.timestampAuthorities.length === 0
      ? []
      : selectServices(config.timestampAuthorities, SPOKEN.timestamp, config.timestampSelection, now, 'timestamp authority');
  return { ...(authority ? { authority: authority.url } : {}), logs, timestampAuthorities: stamps.map(({ url }) => url) };
}
