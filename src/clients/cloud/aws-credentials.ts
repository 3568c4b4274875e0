/**
 * Credentials and region as AWS's own tools find them, in their order: variables, a web identity token (GitHub Actions,
 * EKS), the profile in ~/.aws, the container's address, the instance's metadata service. Temporary ones are fetched
 * again before they end.
 */
import { decodeUtf8, type JsonObject } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { TlsSettings } from '../http/index.ts';
import type { AwsCredentials } from './aws-signature.ts';
import { formBody, CloudService, objectOf, parseObject, serviceUrl, textOf } from './cloud-service.ts';
import type { Call, CloudContext } from './cloud-context.ts';
import { renewed } from './renewed.ts';

export interface AwsAccount {
  readonly region: string | undefined;
  readonly tls: TlsSettings;
  credentials(call: Call): Promise<AwsCredentials>;
}

interface Temporary {
  readonly credentials: AwsCredentials;
  /** Milliseconds since 1970. */
  readonly ends: number;
}

type Profile = Readonly<Record<string, string>>;

const MAX_FILE_BYTES = 256 * 1024;
/** Fetched again when less than this is left. */
const MARGIN_MS = 5 * 60_000;

export async function awsAccount(context: CloudContext): Promise<AwsAccount> {
  const { environment } = context;
  const profile = readProfile(context);
  const bundle = environment['AWS_CA_BUNDLE'];
  const tls = bundle ? { ca: [decodeUtf8(context.readFile(bundle, MAX_FILE_BYTES * 4, 'AWS_CA_BUNDLE'), 'AWS_CA_BUNDLE')] } : {};
  const region = environment['AWS_REGION'] || environment['AWS_DEFAULT_REGION'] || profile['region'];
  const fixed = fixedCredentials(environment, 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN');
  const fetch = renewed(context.clock, MARGIN_MS, 'temporary credentials of AWS', (call) => temporary(context, profile, region, tls, call));
  return { region, tls, credentials: async (call) => fixed ?? (await fetch(call)).credentials };
}

function fixedCredentials(from: Readonly<Record<string, string | undefined>>, id: string, secret: string, token: string): AwsCredentials | undefined {
  const [accessKeyId, secretAccessKey, sessionToken] = [from[id], from[secret], from[token]];
  if (!accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
}

async function temporary(context: CloudContext, profile: Profile, region: string | undefined, tls: TlsSettings, call: Call): Promise<Temporary> {
  const { environment } = context;
  const role = environment['AWS_ROLE_ARN'] || profile['role_arn'];
  const tokenFile = environment['AWS_WEB_IDENTITY_TOKEN_FILE'] || profile['web_identity_token_file'];
  if (role && tokenFile) return webIdentity(context, role, tokenFile, region, tls, call);
  const inProfile = fixedCredentials(profile, 'aws_access_key_id', 'aws_secret_access_key', 'aws_session_token');
  if (inProfile) return { credentials: inProfile, ends: Number.POSITIVE_INFINITY };
  const relative = environment['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'];
  const full = environment['AWS_CONTAINER_CREDENTIALS_FULL_URI'] || (relative && `http://169.254.170.2${relative}`);
  if (full) return fromContainer(context, full, call);
  if (context.look !== 'named' && environment['AWS_EC2_METADATA_DISABLED'] !== 'true') {
    const found = await fromInstance(context, call);
    if (found) return found;
  }
  throw new SealwardError('ERR_KEY_DENIED', `no credentials of AWS were found for ${context.name}`, {
    hint: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE, or a profile with keys in ~/.aws/credentials.',
  });
}

/** STS AssumeRoleWithWebIdentity: the token itself is the proof, so the request carries no signature. */
async function webIdentity(
  context: CloudContext,
  role: string,
  tokenFile: string,
  region: string | undefined,
  tls: TlsSettings,
  call: Call,
): Promise<Temporary> {
  const { environment } = context;
  const token = decodeUtf8(context.readFile(tokenFile, 64 * 1024, 'the web identity token'), 'the web identity token').trim();
  const setting = environment['AWS_ENDPOINT_URL_STS'] || environment['AWS_ENDPOINT_URL'];
  const domain = region?.startsWith('cn-') === true ? 'amazonaws.com.cn' : 'amazonaws.com';
  const url = serviceUrl(setting || (region === undefined ? 'https://sts.amazonaws.com' : `https://sts.${region}.${domain}`), 'AWS_ENDPOINT_URL_STS');
  const what = 'temporary credentials of AWS';
  const form = formBody({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: role,
    RoleSessionName: environment['AWS_ROLE_SESSION_NAME'] || 'sealward',
    WebIdentityToken: token,
  });
  const service = new CloudService(context, tls);
  try {
    const answer = await service.json(
      {
        method: 'POST',
        url,
        ...form,
        what,
        secrets: [token],
        explain: (_, body) => {
          const error = body['Error'];
          if (error === null || typeof error !== 'object' || Array.isArray(error)) return undefined;
          const code = error['Code'];
          return typeof code === 'string'
            ? { code: /^(?:AccessDenied|ExpiredToken|InvalidIdentityToken)/.test(code) ? 'ERR_KEY_DENIED' : 'ERR_KEY_ANSWER', says: code }
            : undefined;
        },
      },
      call,
    );
    const result = objectOf(objectOf(answer, 'AssumeRoleWithWebIdentityResponse', what), 'AssumeRoleWithWebIdentityResult', what);
    return temporaryFrom(objectOf(result, 'Credentials', what), 'SessionToken', what);
  } finally {
    service.close();
  }
}

/** ECS, and EKS with Pod Identity. */
async function fromContainer(context: CloudContext, address: string, call: Call): Promise<Temporary> {
  const { environment } = context;
  const what = 'the credentials of this container';
  const file = environment['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'];
  const token = file
    ? decodeUtf8(context.readFile(file, 64 * 1024, 'the token file'), 'the token file').trim()
    : environment['AWS_CONTAINER_AUTHORIZATION_TOKEN'];
  const service = new CloudService(context, {}, true);
  try {
    const url = serviceUrl(address, 'AWS_CONTAINER_CREDENTIALS_FULL_URI');
    return temporaryFrom(
      await service.json({ method: 'GET', url, ...(token ? { authorization: token } : {}), what, secrets: [token ?? ''] }, call),
      'Token',
      what,
    );
  } finally {
    service.close();
  }
}

/** IMDSv2; undefined where there is no such service, which is everywhere but on EC2. */
async function fromInstance(context: CloudContext, call: Call): Promise<Temporary | undefined> {
  const what = 'the credentials of this instance';
  const service = new CloudService(context, {}, true);
  // On a laptop nothing answers at this address: not worth waiting for long.
  const soon = { ...call, deadline: Math.min(call.deadline, context.clock.now() + 2000) };
  const base = context.environment['AWS_EC2_METADATA_SERVICE_ENDPOINT'] || 'http://169.254.169.254';
  const at = (path: string): URL => new URL(`/latest/${path}`, serviceUrl(base, 'AWS_EC2_METADATA_SERVICE_ENDPOINT'));
  try {
    const session = await service.put(at('api/token'), { 'x-aws-ec2-metadata-token-ttl-seconds': '300' }, what, soon);
    const headers = { 'x-aws-ec2-metadata-token': session };
    const list = await service.send({ method: 'GET', url: at('meta-data/iam/security-credentials/'), headers, what }, soon);
    const role = decodeUtf8(list.bytes, what).trim().split('\n')[0] ?? '';
    const answer = await service.send({ method: 'GET', url: at(`meta-data/iam/security-credentials/${encodeURIComponent(role)}`), headers, what }, soon);
    return temporaryFrom(parseObject(answer.bytes, what), 'Token', what);
  } catch (error) {
    if (error instanceof SealwardError && (error.code === 'ERR_KEY_UNAVAILABLE' || error.code === 'ERR_DEADLINE' || error.code === 'ERR_KEY_NOT_FOUND'))
      return undefined;
    throw error;
  } finally {
    service.close();
  }
}

function temporaryFrom(answer: JsonObject, tokenName: 'SessionToken' | 'Token', what: string): Temporary {
  // STS gives seconds since 1970, the others a date.
  const end = answer['Expiration'];
  const ends = typeof end === 'number' ? end * 1000 : typeof end === 'string' ? Date.parse(end) : Number.NaN;
  const idName = 'AccessKeyId';
  return {
    credentials: {
      accessKeyId: textOf(answer, idName, what),
      secretAccessKey: textOf(answer, 'SecretAccessKey', what),
      sessionToken: textOf(answer, tokenName, what),
    },
    ends: Number.isNaN(ends) ? 0 : ends,
  };
}

/** The chosen profile of ~/.aws/credentials, and of ~/.aws/config below it. */
function readProfile({ environment, readFile, look }: CloudContext): Profile {
  const home = look === 'everywhere' ? (environment['HOME'] ?? environment['USERPROFILE']) : undefined;
  const name = environment['AWS_PROFILE'] || 'default';
  const section = (variable: string, file: string, header: string): Profile => {
    const path = environment[variable] || (home ? `${home}/.aws/${file}` : undefined);
    if (path === undefined) return {};
    let text: string;
    try {
      text = decodeUtf8(readFile(path, MAX_FILE_BYTES, 'the file'), path);
    } catch (error) {
      if (environment[variable]) throw error;
      return {};
    }
    return parseIni(text).get(header) ?? {};
  };
  return {
    ...section('AWS_CONFIG_FILE', 'config', name === 'default' ? 'default' : `profile ${name}`),
    ...section('AWS_SHARED_CREDENTIALS_FILE', 'credentials', name),
  };
}

function parseIni(text: string): Map<string, Record<string, string>> {
  const sections = new Map<string, Record<string, string>>();
  let section: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const header = /^\s*\[\s*([^\]]+?)\s*\]/.exec(line)?.[1];
    if (header !== undefined) {
      section = sections.get(header) ?? {};
      sections.set(header, section);
      continue;
    }
    // Indented lines belong to a nested setting, of which none is read here.
    const [, name, value] = /^(\w+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) section[name] = value;
  }
  return sections;
}
