/** AWS Signature Version 4 for one request with a body and no query. */
import { createHmac } from 'node:crypto';
import { fingerprintOf } from '../../core/crypto/index.ts';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary credentials. */
  readonly sessionToken?: string;
}

export interface UnsignedRequest {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  /** Lower-case names; all of them are signed, and the host besides. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface SigningScope {
  readonly region: string;
  readonly service: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** The headers to add, and the Authorization header, which is kept apart from them. */
export function signAwsRequest(
  request: UnsignedRequest,
  credentials: AwsCredentials,
  { region, service, now }: SigningScope,
): { readonly headers: Readonly<Record<string, string>>; readonly authorization: string } {
  const time = new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, '');
  const date = time.slice(0, 8);
  const added = { 'x-amz-date': time, ...(credentials.sessionToken === undefined ? {} : { 'x-amz-security-token': credentials.sessionToken }) };
  const headers: Record<string, string> = { ...request.headers, host: request.url.host, ...added };
  const names = Object.keys(headers).sort();
  const canonical = [
    request.method,
    request.url.pathname,
    canonicalQuery(request.url),
    ...names.map((name) => `${name}:${(headers[name] as string).trim().replace(/ +/g, ' ')}`),
    '',
    names.join(';'),
    fingerprintOf(request.body),
  ].join('\n');
  const scope = `${date}/${region}/${service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', time, scope, fingerprintOf(Buffer.from(canonical))].join('\n');
  const key = [date, region, service, 'aws4_request'].reduce<string | Buffer>((above, part) => hmac(above, part), `AWS4${credentials.secretAccessKey}`);
  const signature = hmac(key, toSign).toString('hex');
  return {
    headers: added,
    authorization: `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  };
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function canonicalQuery(url: URL): string {
  const encode = (text: string): string => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return [...url.searchParams]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
}
