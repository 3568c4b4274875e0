/** How a person signs in: in the browser that a program opened (RFC 6749, RFC 7636, RFC 8252), or in any other (RFC 8628). */
import type { ServiceAnswer, ServiceRequest, ServiceRoute } from '../../core/contract/index.ts';
import { isLoopbackHost } from '../../clients/http/index.ts';
import { jsonAnswer } from '../../core/contract/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { type Fields, fieldsOf, FORM_BYTES, FORM_TYPE, oauthRefusal } from './forms.ts';
import { type Page, pageAnswer } from './pages.ts';
import { type Authorization, type Device, LOGIN_MS, type Sessions } from './sessions.ts';
import type { LocalUser, Users } from './users.ts';

export interface SignIn {
  readonly issuer: URL;
  readonly clientId: string;
  readonly users: Users;
  readonly sessions: Sessions;
  readonly signedIn?: ((user: LocalUser, admitted: boolean) => Promise<void>) | undefined;
}

/** Between two questions of a device, in seconds. */
export const POLL_SECONDS = 2;

export function signInRoutes(signIn: SignIn): ServiceRoute[] {
  const prefix = signIn.issuer.pathname.replace(/\/$/, '');
  const form = { accepts: [FORM_TYPE], maxBytes: FORM_BYTES };
  return [
    { method: 'GET', path: `${prefix}/auth`, maxBytes: 0, answer: (request) => page(() => beginLogin(signIn, fieldsOf(request.query))) },
    { method: 'POST', path: `${prefix}/auth`, ...form, answer: (request) => page(() => finishLogin(signIn, request)) },
    { method: 'POST', path: `${prefix}/device/code`, ...form, answer: async ({ body }) => beginDevice(signIn, fieldsOf(body)) },
    { method: 'GET', path: `${prefix}/device`, maxBytes: 0, answer: async ({ query }) => pageAnswer(devicePage(signIn, query.get('user_code') ?? '')) },
    { method: 'POST', path: `${prefix}/device`, ...form, answer: (request) => page(() => finishDevice(signIn, request)) },
  ];
}

/** A person gets a page, also when something is wrong; and is never sent anywhere then (RFC 6749 section 4.1.2.1). */
async function page(answer: () => Promise<ServiceAnswer> | ServiceAnswer): Promise<ServiceAnswer> {
  try {
    return await answer();
  } catch (error) {
    if (!(error instanceof SealwardError) || error.http >= 500) throw error;
    return pageAnswer({ title: 'This did not work', paragraphs: [error.hint], problem: error.message }, error.http);
  }
}

function beginLogin(signIn: SignIn, field: Fields): ServiceAnswer {
  const authorization = readAuthorization(signIn, field);
  return pageAnswer(loginPage(signIn, signIn.sessions.logins.add(authorization), authorization));
}

function readAuthorization({ clientId }: SignIn, field: Fields): Authorization {
  const refuse = (why: string): never => {
    throw new SealwardError('ERR_REQUEST_INVALID', why, { hint: 'Start again from the program that sent you here.' });
  };
  if (field('client_id') !== clientId) refuse('the program is not known here');
  const redirectUri = field('redirect_uri') ?? '';
  const redirect = URL.parse(redirectUri);
  // RFC 8252 section 7.3: a program on this machine, on whatever port it got. Nothing else may ever receive a code.
  if (redirect?.protocol !== 'http:' || !isLoopbackHost(redirect.hostname.replace(/^\[|\]$/g, '')) || redirect.username !== '' || redirect.hash !== '') {
    return refuse('the program wants the answer sent to another machine');
  }
  if (field('response_type') !== 'code') refuse('only the code flow is offered');
  const [codeChallenge, state, nonce] = [field('code_challenge'), field('state'), field('nonce')];
  if (!codeChallenge || field('code_challenge_method') !== 'S256' || !/^[\w-]{43}$/.test(codeChallenge)) return refuse('the program sent no PKCE challenge');
  if (!state || state.length > 512) return refuse('the program sent no state');
  return { clientId, redirectUri, state, codeChallenge, ...(nonce === undefined ? {} : { nonce }) };
}

function loginPage({ issuer }: SignIn, login: string, { redirectUri }: Authorization, problem?: string): Page {
  return {
    title: 'Sign in',
    paragraphs: ['A program on this machine wants to sign something in your name.'],
    ...(problem === undefined ? {} : { problem }),
    leadsTo: new URL(redirectUri).origin,
    form: {
      action: `${issuer.pathname.replace(/\/$/, '')}/auth`,
      fields: [{ name: 'login', type: 'hidden', value: login }, ...CREDENTIALS],
      buttons: [{ label: 'Sign in', value: 'yes' }],
    },
  };
}

const CREDENTIALS = [
  { name: 'username', label: 'Name', type: 'text' },
  { name: 'password', label: 'Password', type: 'password' },
] as const;

async function finishLogin(signIn: SignIn, { body }: ServiceRequest): Promise<ServiceAnswer> {
  const field = fieldsOf(body);
  const login = field('login') ?? '';
  const authorization = signIn.sessions.logins.get(login);
  if (!authorization) throw new SealwardError('ERR_LOGIN_REFUSED', 'this page is too old', { hint: 'Start again from the program that sent you here.' });
  const user = await logIn(signIn, field);
  if (!user) return pageAnswer(loginPage(signIn, login, authorization, 'Name or password is wrong.'), 401);
  // Once: whoever finds the page in a history cannot use it again.
  if (!signIn.sessions.logins.take(login)) throw new SealwardError('ERR_LOGIN_REFUSED', 'this page was used before');
  const target = new URL(authorization.redirectUri);
  target.searchParams.set('code', signIn.sessions.codes.add({ authorization, user }));
  target.searchParams.set('state', authorization.state);
  return { status: 303, headers: { location: target.href, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' }, body: '' };
}

async function logIn({ users, signedIn }: SignIn, field: Fields): Promise<LocalUser | undefined> {
  const name = field('username') ?? '';
  const user = await users.logIn(name, field('password') ?? '');
  if (user) await signedIn?.(user, true);
  // Names that nobody has are not written down: they are passwords as often as names. Nobody waits, or the time would tell which names there are.
  const known = user ? undefined : users.find(name);
  if (known) void signedIn?.(known, false);
  return user;
}

function beginDevice({ issuer, clientId, sessions }: SignIn, field: Fields): ServiceAnswer {
  if (field('client_id') !== clientId) return oauthRefusal('invalid_client', 'the program is not known here');
  const [codeChallenge, nonce] = [field('code_challenge'), field('nonce')];
  if (codeChallenge !== undefined && field('code_challenge_method') !== 'S256')
    return oauthRefusal('invalid_request', 'the challenge must be of the method S256');
  const { deviceCode, userCode } = sessions.addDevice({
    clientId,
    ...(codeChallenge === undefined ? {} : { codeChallenge }),
    ...(nonce === undefined ? {} : { nonce }),
  });
  const page = `${issuer.href.replace(/\/$/, '')}/device`;
  const shown = `${userCode.slice(0, 4)}-${userCode.slice(4)}`;
  return jsonAnswer({
    device_code: deviceCode,
    user_code: shown,
    verification_uri: page,
    verification_uri_complete: `${page}?user_code=${shown}`,
    expires_in: LOGIN_MS / 1000,
    interval: POLL_SECONDS,
  });
}

function devicePage({ issuer }: SignIn, userCode: string, problem?: string): Page {
  return {
    title: 'Connect a program',
    paragraphs: ['Type the code that the program shows. Go on only if you started that program yourself: it will sign in your name.'],
    ...(problem === undefined ? {} : { problem }),
    form: {
      action: `${issuer.pathname.replace(/\/$/, '')}/device`,
      fields: [{ name: 'user_code', label: 'Code', type: 'text', value: userCode.slice(0, 16) }, ...CREDENTIALS],
      buttons: [
        { label: 'Sign in', value: 'yes' },
        { label: 'Deny', value: 'no' },
      ],
    },
  };
}

async function finishDevice(signIn: SignIn, { body }: ServiceRequest): Promise<ServiceAnswer> {
  const field = fieldsOf(body);
  const userCode = field('user_code') ?? '';
  // The password first: codes are not told from wrong ones to somebody who has none.
  const user = await logIn(signIn, field);
  if (!user) return pageAnswer(devicePage(signIn, userCode, 'Name or password is wrong.'), 401);
  const device: Device | undefined = signIn.sessions.findDevice(userCode);
  if (!device || device.outcome !== undefined) return pageAnswer(devicePage(signIn, userCode, 'This code is not known, or too old.'), 400);
  device.outcome = field('answer') === 'yes' ? user : 'denied';
  signIn.sessions.forgetUserCode(device);
  return pageAnswer({ title: device.outcome === 'denied' ? 'Denied' : 'Connected', paragraphs: ['You may close this page.'] });
}
