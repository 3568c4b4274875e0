/** How a repository is reached that lies elsewhere. Loaded only then. */
import { join } from 'node:path';
import { HttpClient, parseProxyEnvironment } from '../../../clients/http/index.ts';
import { dockerConfig, openRegistry } from '../../../clients/registry/index.ts';
import { decodeUtf8, LIMITS } from '../../../core/encoding/index.ts';
import type { OpenTrustOptions } from '../../../sdk/index.ts';
import type { Config } from '../config.ts';
import { readBytes } from '../file.ts';
import { VERSION } from '../version.ts';

interface Connection {
  readonly ports: Required<Pick<OpenTrustOptions, 'http' | 'registry'>>;
  close(): void;
}

export function connectionFor(config: Config): Connection {
  const ca =
    config.caFile === undefined ? [] : [decodeUtf8(readBytes(config.caFile, LIMITS.documentBytes, 'the file in SSL_CERT_FILE'), 'the file in SSL_CERT_FILE')];
  const http = new HttpClient({ tls: { ca }, proxy: parseProxyEnvironment(config.proxyEnvironment), userAgent: `sealward/${VERSION}` });
  const registry = openRegistry({ http, credentials: dockerConfig(join(config.dockerConfig, 'config.json')) });
  return { ports: { http: () => http, registry: () => registry }, close: () => http.close() };
}
