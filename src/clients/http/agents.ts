/**
 * Keep-alive connections. A connection is only ever reused by requests that follow the same rules: what a server
 * named never travels on a connection that was opened for what the user configured, nor with its client certificate.
 */
import { type ClientRequest, Agent as HttpAgent, request as httpRequest } from 'node:http';
import { type AgentOptions, Agent as HttpsAgent, type RequestOptions, request as httpsRequest } from 'node:https';
import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, createSecureContext, getCACertificates, type SecureContextOptions, connect as tlsConnect } from 'node:tls';
import { SealwardError } from '../../core/errors.ts';
import { bareHost } from './address-rules.ts';
import { proxyAuthorization } from './proxy.ts';

export interface TlsSettings {
  /** PEM, added to the authorities that Node ships. */
  readonly ca?: readonly string[];
  /** PEM of the client's certificate and key. */
  readonly cert?: string;
  readonly key?: string;
  /** The name that the server's certificate must carry, where it is not the host's. */
  readonly serverName?: string;
  /** Accepts any certificate of the registry itself; never of a host that a server names. */
  readonly unsafeSkipVerify?: boolean;
}

/**
 * `home`: the registry as configured. `private`: another host that the configuration names. `other`: a host that
 * only a server named.
 */
export type Standing = 'home' | 'private' | 'other';

const CONNECTIONS_PER_HOST = 16;
const CONNECT_TIMEOUT_MS = 30_000;

/**
 * Whom a connection believes, and by what it proves itself. Reading the authorities that Node would use by itself takes 30 ms,
 * so only where something is added to them, and once for all connections.
 */
function believing(ca: readonly string[] | undefined, own: Pick<SecureContextOptions, 'cert' | 'key'>): AgentOptions {
  const options: SecureContextOptions = { minVersion: 'TLSv1.2', ...own };
  return ca === undefined ? options : { secureContext: createSecureContext({ ...options, ca: [...getCACertificates('default'), ...ca] }) };
}

export class Agents {
  readonly #tls: TlsSettings;
  readonly #optionsOf = new Map<'home' | 'other', AgentOptions>();
  readonly #made = new Map<string, HttpAgent>();
  /** Connections that were opened early, by protocol, host and port; each is used once, or closed with the rest. */
  readonly #early = new Map<string, Socket>();

  constructor(tls: TlsSettings) {
    this.#tls = tls;
  }

  /** @param proxy the proxy through which the URL is reached, if any. */
  for(url: URL, standing: Standing, proxy: URL | undefined): HttpAgent {
    const secure = url.protocol === 'https:';
    const key = `${url.protocol}${standing}`;
    // A plain request through a proxy only talks to the proxy, so one pool serves all of them.
    if (!secure && proxy) return this.#keep(`proxy ${proxy.href}`, () => this.#plain(proxy));
    if (secure && proxy) return this.#keep(`${key} ${proxy.href}`, () => tunnelAgent(this.#options(standing), proxy, this.#options('other')));
    const make = (): HttpAgent => (secure ? new HttpsAgent(this.#options(standing)) : this.#plain(undefined));
    return this.#keep(key, () => (standing === 'home' ? this.#withEarly(make(), url.protocol) : make()));
  }

  /**
   * Opens a connection to the configured host before the first request is made, so that its handshakes take place while
   * other things are done. What goes wrong is found out, and said, by the request that would have used it.
   */
  connectEarly(url: URL, lookup: LookupFunction): void {
    const host = bareHost(url);
    const secure = url.protocol === 'https:';
    const port = Number(url.port || (secure ? 443 : 80));
    const key = `${url.protocol} ${host} ${port}`;
    if (this.#early.has(key)) return;
    const name = isIP(host) === 0 ? { servername: host } : {};
    const socket = secure ? tlsConnect({ ...name, ...this.#options('home'), host, port, lookup }) : connect({ host, port, lookup });
    socket.setNoDelay(true);
    socket.on('error', () => this.#early.delete(key));
    // Whoever never asks is not kept from ending by it.
    socket.unref();
    this.#early.set(key, socket);
  }

  /** Lets an agent take what was opened early, each connection once. */
  #withEarly(agent: HttpAgent, protocol: string): HttpAgent {
    const open = agent.createConnection.bind(agent);
    agent.createConnection = (options, callback) => {
      const key = `${protocol} ${options.host} ${options.port}`;
      const early = this.#early.get(key);
      this.#early.delete(key);
      return early && !early.destroyed ? early.ref() : open(options, callback);
    };
    return agent;
  }

  #options(standing: Standing): AgentOptions {
    const who = standing === 'home' ? 'home' : 'other';
    const options = this.#optionsOf.get(who) ?? this.#makeOptions(who);
    this.#optionsOf.set(who, options);
    return options;
  }

  #makeOptions(who: 'home' | 'other'): AgentOptions {
    const { ca, cert, key, serverName, unsafeSkipVerify } = this.#tls;
    const own = who === 'home' ? { ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) } : {};
    const shared: AgentOptions = { keepAlive: true, maxSockets: CONNECTIONS_PER_HOST, ALPNProtocols: ['http/1.1'], ...believing(ca, own) };
    if (who === 'other') return shared;
    return {
      ...shared,
      ...(serverName === undefined ? {} : { servername: serverName }),
      // CVE-2019-10214: switched-off verification once spread from the registry to the token server.
      ...(unsafeSkipVerify === true ? { rejectUnauthorized: false } : {}),
    };
  }

  #plain(proxy: URL | undefined): HttpAgent {
    if (proxy?.protocol === 'https:') return new HttpsAgent(this.#options('other'));
    return new HttpAgent({ keepAlive: true, maxSockets: CONNECTIONS_PER_HOST });
  }

  #keep(key: string, make: () => HttpAgent): HttpAgent {
    const kept = this.#made.get(key) ?? make();
    this.#made.set(key, kept);
    return kept;
  }

  close(): void {
    for (const agent of this.#made.values()) agent.destroy();
    for (const socket of this.#early.values()) socket.destroy();
    this.#early.clear();
    this.#made.clear();
  }
}

type ConnectionOpened = (error: Error | null, stream: Duplex) => void;

/** TLS through a proxy's CONNECT (RFC 9110 section 9.3.6). */
function tunnelAgent(options: AgentOptions, proxy: URL, proxyTls: AgentOptions): HttpsAgent {
  const agent = new HttpsAgent(options);
  agent.createConnection = (asked: RequestOptions & { readonly servername?: string }, callback?: ConnectionOpened): undefined => {
    const host = asked.host ?? '';
    const target = `${host.includes(':') ? `[${host}]` : host}:${asked.port ?? 443}`;
    const opened = openTunnel(proxy, proxyTls, target);
    const fail = (error: Error): void => callback?.(error, undefined as unknown as Duplex);
    opened.once('error', fail);
    opened.once('connect', (response, socket) => {
      opened.off('error', fail);
      if (response.statusCode !== 200) {
        socket.destroy();
        return fail(refusedByProxy(proxy, target, response.statusCode ?? 0));
      }
      const name = asked.servername || (isIP(host) === 0 ? host : '');
      const tls = { ...agent.options, ...asked, socket, host, ...(name === '' ? {} : { servername: name }) };
      const secure = tlsConnect(tls as ConnectionOptions, () => callback?.(null, secure));
      secure.once('error', fail);
      return undefined;
    });
    // The request that waits for this may be gone by then, so its deadline cannot be relied on here.
    opened.setTimeout(CONNECT_TIMEOUT_MS, () => opened.destroy(new Error('the proxy does not answer')));
    opened.end();
    return undefined;
  };
  return agent;
}

function refusedByProxy(proxy: URL, target: string, status: number): SealwardError {
  return new SealwardError('ERR_REGISTRY_UNREACHABLE', `the proxy ${proxy.host} refuses to connect to ${target} (${status})`, {
    hint: 'Check HTTPS_PROXY and NO_PROXY, and whether the proxy wants a user name and password.',
  });
}

function openTunnel(proxy: URL, proxyTls: AgentOptions, target: string): ClientRequest {
  const secure = proxy.protocol === 'https:';
  const options: RequestOptions = {
    host: bareHost(proxy),
    port: proxy.port || (secure ? 443 : 80),
    method: 'CONNECT',
    path: target,
    agent: false,
    headers: { host: target, ...proxyAuthorization(proxy) },
  };
  const { secureContext } = proxyTls;
  return secure ? httpsRequest({ ...(secureContext ? { secureContext } : {}), ...options }) : httpRequest(options);
}
