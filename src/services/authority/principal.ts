/** Whom a verified token stands for: one name, and what else is said of it in the certificate. */
import type { AlternativeName, FulcioClaims } from '../../core/crypto/index.ts';
import type { JsonObject } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { CI_MAPPINGS, type CiMapping, DERIVED_CLAIMS, fillIn } from './ci-mappings.ts';
import { type IssuerRule, unmetCondition } from './issuer.ts';

export interface Principal {
  readonly name: Pick<AlternativeName, 'type' | 'value'>;
  readonly claims: FulcioClaims;
  /** What the client may have signed to show that it holds its key: the subject, or the address. */
  readonly challenges: readonly string[];
}

const LONGEST_NAME = 1024;
const LONGEST_CLAIM = 2048;
const VISIBLE = /^[!-~]+$/;

/** @param token the payload of a token that was verified under this rule. Throws ERR_IDENTITY_REFUSED. */
export function principalOf(rule: IssuerRule, token: JsonObject): Principal {
  // Sigstore's authority had this as a gap once: the token must be of the very issuer whose rule makes the principal.
  if (token.iss !== rule.url) throw refused('the token is of another issuer than the rule that it is read by');
  const claim = claimsOf(rule, token);
  const unmet = unmetCondition(rule, claim);
  if (unmet !== undefined) throw refused(unmet);
  const subject = required(claim, 'sub');
  const { name, claims } = named(rule, token, claim, subject);
  const said = Object.fromEntries(Object.entries({ ...claims, tokenSubject: subject }).map(([key, text]) => [key, checkedClaim(key, text)]));
  const challenges = [subject, ...(typeof token.email === 'string' && isVerifiedAddress(token) ? [token.email] : []), name.value];
  return { name: checkedName(name), claims: { issuer: rule.url, ...said }, challenges: [...new Set(challenges)] };
}

function refused(why: string): SealwardError {
  return new SealwardError('ERR_IDENTITY_REFUSED', why);
}

type Claim = (name: string) => string | undefined;

function claimsOf({ mapping, webUrl, kind }: IssuerRule, token: JsonObject): Claim {
  const known = (kind === 'ci' ? mapping : CI_MAPPINGS[kind as keyof typeof CI_MAPPINGS])?.defaults ?? {};
  const defaults: Readonly<Record<string, string>> = webUrl === undefined ? known : { ...known, url: webUrl };
  const claim: Claim = (name) => {
    if (Object.hasOwn(DERIVED_CLAIMS, name)) return DERIVED_CLAIMS[name]?.(claim);
    // Ours come first: a token must not be able to say under which URL its repository lies.
    if (Object.hasOwn(defaults, name)) return defaults[name];
    const value = Object.hasOwn(token, name) ? token[name] : undefined;
    return typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
  };
  return claim;
}

function required(claim: Claim, name: string): string {
  const value = claim(name);
  if (value === undefined || value === '') throw refused(`the token has no claim ${name}`);
  return value;
}

type Named = Pick<Principal, 'name'> & { readonly claims: Readonly<Record<string, string>> };

function named(rule: IssuerRule, token: JsonObject, claim: Claim, subject: string): Named {
  switch (rule.kind) {
    case 'github':
    case 'gitlab':
    case 'buildkite':
    case 'circleci':
      return fromMapping(CI_MAPPINGS[rule.kind], claim);
    case 'ci':
      return fromMapping(rule.mapping as CiMapping, claim);
    case 'email':
    case 'google':
      return { name: address(token), claims: {} };
    case 'uri':
      return { name: subjectUri(subject, rule), claims: {} };
    case 'username':
      return { name: username(subject, rule), claims: {} };
    case 'kubernetes':
      return { name: serviceAccount(token), claims: {} };
    case 'spiffe':
      return { name: spiffeId(subject, rule), claims: {} };
    case 'local':
      return { name: token.email === undefined ? { type: 'uri', value: subject } : address(token), claims: {} };
  }
}

function fromMapping({ name, claims }: CiMapping, claim: Claim): Named {
  const value = fillIn(name, claim);
  if (value === undefined) throw refused(`the token lacks a claim of ${name}`);
  const filled = Object.entries(claims).flatMap(([key, template]) => {
    const text = fillIn(template, claim);
    return text === undefined ? [] : [[key, text] as const];
  });
  return { name: { type: 'uri', value }, claims: Object.fromEntries(filled) };
}

function isVerifiedAddress({ email, email_verified: verified }: JsonObject): boolean {
  return typeof email === 'string' && verified === true;
}

function address(token: JsonObject): Principal['name'] {
  const { email } = token;
  if (typeof email !== 'string' || !isVerifiedAddress(token)) throw refused('the token has no e-mail address that its issuer has verified');
  if (email.length > 254 || !/^[!-?A-~]+@[a-z0-9.-]+$/i.test(email)) throw refused('the e-mail address of the token is not one');
  return { type: 'email', value: email };
}

function subjectUri(subject: string, { subjectDomain = '' }: IssuerRule): Principal['name'] {
  const [parsed, domain] = [URL.parse(subject), URL.parse(subjectDomain)];
  if (!parsed || !domain || parsed.origin !== domain.origin || parsed.username !== '')
    throw refused(`the subject of the token is not a URI under ${subjectDomain}`);
  return { type: 'uri', value: subject };
}

function username(subject: string, { subjectDomain = '' }: IssuerRule): Principal['name'] {
  // `!` parts the name from its domain, and an address would pass for one of the other kind.
  if (/[!@]/.test(subject)) throw refused('the subject of the token is not a plain user name');
  return { type: 'otherName', value: `${subject}!${subjectDomain}` };
}

const LABEL = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;

function serviceAccount(token: JsonObject): Principal['name'] {
  const member = token['kubernetes.io'] as JsonObject | undefined;
  const namespace = member?.namespace;
  const account = (member?.serviceaccount as JsonObject | undefined)?.name;
  if (typeof namespace !== 'string' || typeof account !== 'string' || !LABEL.test(namespace) || !LABEL.test(account)) {
    throw refused('the token is not of a service account of Kubernetes');
  }
  if (token.sub !== `system:serviceaccount:${namespace}:${account}`) throw refused('the token names two service accounts');
  return { type: 'uri', value: `https://kubernetes.io/namespaces/${namespace}/serviceaccounts/${account}` };
}

/** SPIFFE-ID section 2: a trust domain of lower-case letters and a path of plain segments. */
function spiffeId(subject: string, { trustDomain }: IssuerRule): Principal['name'] {
  const match = /^spiffe:\/\/([a-z0-9._-]{1,255})((?:\/[A-Za-z0-9._-]+)*)$/.exec(subject);
  if (!match || match[1] !== trustDomain) throw refused(`the subject of the token is not a SPIFFE ID of ${trustDomain}`);
  if (/\/\.{1,2}(?:\/|$)/.test(match[2] ?? '')) throw refused('the SPIFFE ID of the token has a relative segment');
  return { type: 'uri', value: subject };
}

/** What stands in a certificate is compared byte for byte by others: no spaces, nothing outside ASCII, no URI that parses as another one. */
function checkedName(name: Principal['name']): Principal['name'] {
  const { type, value } = name;
  if (value.length > LONGEST_NAME || (type !== 'otherName' && !VISIBLE.test(value)) || /[\p{Cc}\p{Cf}]/u.test(value)) {
    throw refused('the name in the token is too long, or has characters that certificates do not carry');
  }
  if (type === 'uri') {
    const parsed = URL.parse(value);
    if (parsed?.username !== '' || parsed.password !== '' || /\/\.{1,2}(?:\/|$)/.test(value))
      throw refused(`${JSON.stringify(value.slice(0, 200))} is not a URI that is certified`);
  }
  return name;
}

function checkedClaim(key: string, text: string): string {
  if (text.length > LONGEST_CLAIM || /[\p{Cc}\p{Cs}]/u.test(text)) throw refused(`what the token says of ${key} is too long, or has control characters`);
  return text;
}
