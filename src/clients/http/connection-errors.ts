/** What Node says about a broken connection, in a sentence for a person. */
import { quoted } from '../../core/artifact/index.ts';
import { SealwardError } from '../../core/errors.ts';

const CERTIFICATE = /^(CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO_SELF|ERR_TLS_CERT|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH)/;

const PLAIN: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name could not be looked up',
  ECONNREFUSED: 'nothing listens there',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  ETIMEDOUT: 'it does not answer',
  ECONNRESET: 'it closed the connection',
  EPIPE: 'it closed the connection',
};

/** Causes after which a request that may be repeated is repeated. */
const PASSING = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN']);

function codesOf(cause: unknown): string[] {
  if (!(cause instanceof Error)) return [];
  const inner = cause instanceof AggregateError ? (cause.errors as unknown[]).flatMap(codesOf) : [];
  const code = (cause as NodeJS.ErrnoException).code;
  return code === undefined ? inner : [code, ...inner];
}

export function isPassing(error: SealwardError): boolean {
  return error.code === 'ERR_REGISTRY_UNREACHABLE' && codesOf(error.cause).some((code) => PASSING.has(code));
}

const onKept = new WeakSet<SealwardError>();

/** Notes that a connection was kept from an earlier request: the other side may have closed it long ago. */
export function noteKept(error: SealwardError): SealwardError {
  onKept.add(error);
  return error;
}

/** Whether a connection broke that had been kept, which says nothing about how its host is now. */
export function brokeWhileKept(error: SealwardError): boolean {
  return onKept.has(error) && isPassing(error);
}

/** Whether the other side does not speak TLS on this port, or nobody listens: plain HTTP may be tried where it is allowed. */
export function speaksNoTls(error: SealwardError): boolean {
  if (error.code !== 'ERR_REGISTRY_UNREACHABLE') return false;
  return codesOf(error.cause).some(
    (code) => code === 'EPROTO' || code === 'ECONNREFUSED' || code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  );
}

export function connectionError(cause: unknown, url: URL): SealwardError {
  if (cause instanceof SealwardError) return cause;
  const host = quoted(url.host, 260);
  const codes = codesOf(cause);
  if (codes.some((code) => code.startsWith('HPE_'))) {
    const hint = url.protocol === 'http:' ? 'If the registry speaks TLS on this port, ask for https.' : undefined;
    return new SealwardError('ERR_CONTENT_REFUSED', `the answer of ${host} is not HTTP`, { cause, ...(hint === undefined ? {} : { hint }) });
  }
  if (codes.some((code) => CERTIFICATE.test(code))) {
    return new SealwardError('ERR_REGISTRY_UNREACHABLE', `the TLS certificate of ${host} is not trusted (${codes[0]})`, {
      cause,
      hint: 'Give the authority that issued it with --registry-cacert FILE.',
    });
  }
  if (codes.some((code) => code === 'EPROTO' || code.startsWith('ERR_SSL_'))) {
    return new SealwardError('ERR_REGISTRY_UNREACHABLE', `${host} cannot agree on TLS`, {
      cause,
      hint: 'If it speaks plain HTTP, allow that with --allow-http-registry.',
    });
  }
  const known = codes.map((code) => PLAIN[code]).find((text) => text !== undefined);
  return new SealwardError('ERR_REGISTRY_UNREACHABLE', `${host} could not be reached: ${known ?? codes[0] ?? 'the connection failed'}`, { cause });
}
