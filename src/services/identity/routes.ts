/** The issuer over HTTP: discovery (OpenID Connect Discovery section 4), keys, sign-in, and the token endpoint. */
import { hash } from '../../core/crypto/index.ts';
import { jsonAnswer, type ServiceAnswer, type ServiceRoute } from '../../core/contract/index.ts';
import { encodeBase64Url, type JsonObject, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { type Fields, fieldsOf, FORM_BYTES, FORM_TYPE, oauthRefusal } from './forms.ts';
import { Sessions } from './sessions.ts';
import { POLL_SECONDS, type SignIn, signInRoutes } from './sign-in.ts';
import { TOKEN_SECONDS, type TokenMint } from './tokens.ts';
import { type LocalUser, Users } from './users.ts';
import { type Workload, Workloads } from './workloads.ts';

export interface IssuerOptions {
  /** Where the issuer is, and its name in tokens; it may have a path. */
  readonly issuer: string;
  /** The public client that programs of Sigstore are: they send it as client_id, and tokens are for it. */
  readonly clientId: string;
  readonly mint: TokenMint;
  readonly users: readonly LocalUser[];
  readonly workloads: readonly Workload[];
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Told of whoever signs in, before the person hears of it, and of each wrong password for a name that there is. */
  readonly signedIn?: SignIn['signedIn'];
}

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

interface Issuer extends IssuerOptions, Pick<SignIn, 'sessions'> {
  readonly known: Workloads;
}

export function issuerRoutes(options: IssuerOptions): ServiceRoute[] {
  const base = options.issuer.replace(/\/$/, '');
  const prefix = new URL(base).pathname.replace(/\/$/, '');
  const sessions = new Sessions(options.now);
  const issuer: Issuer = { ...options, sessions, known: new Workloads(options.workloads, options.now) };
  const signIn: SignIn = { issuer: new URL(base), clientId: options.clientId, users: new Users(options.users), sessions, signedIn: options.signedIn };
  return [
    { method: 'GET', path: `${prefix}/.well-known/openid-configuration`, maxBytes: 0, answer: async () => jsonAnswer(discovery(base, options.issuer)) },
    { method: 'GET', path: `${prefix}/keys`, maxBytes: 0, answer: async () => jsonAnswer(options.mint.keySet(), 200, { 'cache-control': 'max-age=300' }) },
    { method: 'POST', path: `${prefix}/token`, accepts: [FORM_TYPE], maxBytes: FORM_BYTES, answer: ({ body }) => exchange(issuer, base, fieldsOf(body)) },
    ...signInRoutes(signIn),
  ];
}

function discovery(base: string, issuer: string): JsonObject {
  return {
    issuer,
    authorization_endpoint: `${base}/auth`,
    device_authorization_endpoint: `${base}/device/code`,
    token_endpoint: `${base}/token`,
    jwks_uri: `${base}/keys`,
    response_types_supported: ['code'],
    grant_types_supported: ['authorization_code', DEVICE_GRANT, 'client_credentials'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
    code_challenge_methods_supported: ['S256'],
    scopes_supported: ['openid', 'email'],
    token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
    claims_supported: ['sub', 'email', 'email_verified', 'nonce'],
  };
}

async function exchange(issuer: Issuer, base: string, field: Fields): Promise<ServiceAnswer> {
  try {
    switch (field('grant_type')) {
      case 'authorization_code':
        return await exchangeCode(issuer, field);
      case DEVICE_GRANT:
        return await exchangeDevice(issuer, field);
      case 'client_credentials':
        return await exchangeAssertion(issuer, base, field);
      default:
        return oauthRefusal('unsupported_grant_type', 'this grant is not offered');
    }
  } catch (error) {
    if (error instanceof SealwardError && error.code === 'ERR_LOGIN_REFUSED') return oauthRefusal('invalid_client', error.message);
    throw error;
  }
}

async function exchangeCode(issuer: Issuer, field: Fields): Promise<ServiceAnswer> {
  // Taken before anything is looked at: a code that was shown once is used, whatever comes of it (RFC 6749 section 4.1.2).
  const found = issuer.sessions.codes.take(field('code') ?? '');
  if (!found) return oauthRefusal('invalid_grant', 'the code is not known, was used, or is too old');
  const { authorization, user } = found;
  if (field('client_id') !== authorization.clientId || field('redirect_uri') !== authorization.redirectUri)
    return oauthRefusal('invalid_grant', 'the code is of another program');
  if (!answers(authorization.codeChallenge, field('code_verifier'))) return oauthRefusal('invalid_grant', 'the verifier does not fit the challenge');
  return tokenAnswer(issuer, user, authorization.nonce);
}

async function exchangeDevice(issuer: Issuer, field: Fields): Promise<ServiceAnswer> {
  const code = field('device_code') ?? '';
  const device = issuer.sessions.devices.get(code);
  if (!device || field('client_id') !== device.clientId) return oauthRefusal('expired_token', 'the code is not known, was used, or is too old');
  if (!answers(device.codeChallenge, field('code_verifier'))) return oauthRefusal('invalid_grant', 'the verifier does not fit the challenge');
  if (device.outcome === undefined) {
    const early = issuer.now() - device.askedAt < (POLL_SECONDS - 1) * 1000;
    device.askedAt = issuer.now();
    return early ? oauthRefusal('slow_down', `ask every ${POLL_SECONDS} seconds`) : oauthRefusal('authorization_pending', 'nobody has signed in yet');
  }
  issuer.sessions.devices.take(code);
  if (device.outcome === 'denied') return oauthRefusal('access_denied', 'the person said no');
  return tokenAnswer(issuer, device.outcome, device.nonce);
}

async function exchangeAssertion(issuer: Issuer, base: string, field: Fields): Promise<ServiceAnswer> {
  if (field('client_assertion_type') !== ASSERTION_TYPE) return oauthRefusal('invalid_client', 'a workload shows an assertion that its key has signed');
  const workload: Workload = await issuer.known.authenticate(field('client_assertion') ?? '', [issuer.issuer, base, `${base}/token`]);
  return answerOf(await issuer.mint.token(workload.subject, {}));
}

/** RFC 7636 section 4.6. */
function answers(challenge: string | undefined, verifier: string | undefined): boolean {
  if (challenge === undefined) return true;
  return verifier !== undefined && verifier.length >= 43 && verifier.length <= 128 && encodeBase64Url(hash('sha256', utf8(verifier))) === challenge;
}

async function tokenAnswer({ mint }: Issuer, { name, email }: LocalUser, nonce: string | undefined): Promise<ServiceAnswer> {
  return answerOf(await mint.token(name, { email, email_verified: true, ...(nonce === undefined ? {} : { nonce }) }));
}

/** The same token under both names: what programs send to the authority is one of them. */
function answerOf(token: string): ServiceAnswer {
  return jsonAnswer({ access_token: token, id_token: token, token_type: 'Bearer', expires_in: TOKEN_SECONDS }, 200, { pragma: 'no-cache' });
}
