/** Where a registry is reached: its URL, its mirrors, and which further hosts belong to it. */
import { DOCKER_HUB, normalHost, quoted, type RepositoryName } from '../../core/artifact/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { bareHost, type Home, isLoopbackHost } from '../http/index.ts';

export type Scheme = 'http' | 'https';

export interface EndpointOptions {
  /** Forces a scheme. Otherwise https, and on loopback http as with every tool of this field. */
  readonly scheme?: Scheme;
  /** Plain HTTP where the registry does not speak TLS. */
  readonly allowHttp?: boolean;
  /** By registry: `HOST[:PORT][/PREFIX]` in the order in which they are asked, before the registry itself. */
  readonly mirrors?: Readonly<Record<string, readonly string[]>>;
  /** By registry (or mirror): hosts to which it may send us although they are on private addresses. */
  readonly privateHosts?: Readonly<Record<string, readonly string[]>>;
  /** By registry (or mirror): hosts of token servers that may be given its credentials. */
  readonly realmHosts?: Readonly<Record<string, readonly string[]>>;
  /** Asked with each registry and mirror before any I/O. */
  readonly allowRegistry?: (host: string) => boolean;
}

export interface Endpoint {
  /** By which name credentials are looked up and messages speak. */
  readonly registry: string;
  /** What stands before the repository's name: `` or `prefix/`. */
  readonly prefix: string;
  readonly home: Home;
  readonly realmHosts: readonly string[];
  readonly isMirror: boolean;
}

/** Token servers that are known to be the registry's own although they are on another host. */
const REALMS: Readonly<Record<string, readonly string[]>> = {
  [DOCKER_HUB]: ['auth.docker.io'],
  'registry.gitlab.com': ['gitlab.com'],
  'registry.digitalocean.com': ['api.digitalocean.com'],
};

const HUB_ENDPOINT = 'registry-1.docker.io';

export class Endpoints {
  readonly #options: EndpointOptions;
  readonly #learned = new Map<string, Scheme>();

  constructor(options: EndpointOptions) {
    this.#options = options;
  }

  origin(name: RepositoryName): Endpoint {
    return this.#endpoint(name.registry, '', false);
  }

  /** The mirrors of a registry, without the registry itself. */
  mirrors(name: RepositoryName): readonly Endpoint[] {
    return (this.#options.mirrors?.[name.registry] ?? []).map((mirror) => {
      const slash = mirror.indexOf('/');
      const host = normalHost(slash < 0 ? mirror : mirror.slice(0, slash));
      if (host === undefined) throw new SealwardError('ERR_CONFIG_INVALID', `${quoted(mirror)} is not a mirror`, { hint: 'Write HOST[:PORT][/PREFIX].' });
      return this.#endpoint(host, slash < 0 ? '' : `${mirror.slice(slash + 1).replace(/\/$/, '')}/`, true);
    });
  }

  #endpoint(registry: string, prefix: string, isMirror: boolean): Endpoint {
    const { allowRegistry, privateHosts, realmHosts } = this.#options;
    if (allowRegistry && !allowRegistry(registry)) {
      throw new SealwardError('ERR_REGISTRY_NOT_ALLOWED', `${registry} is not on the list of registries that may be contacted`);
    }
    return {
      registry,
      prefix,
      home: { host: bareHost(new URL(`https://${networkHost(registry)}`)), privateHosts: privateHosts?.[registry] ?? [] },
      realmHosts: [...(REALMS[registry] ?? []), ...(realmHosts?.[registry] ?? [])],
      isMirror,
    };
  }

  /** `https://host:port`, as far as is known now. */
  base(endpoint: Endpoint): URL {
    return new URL(`${this.#scheme(endpoint)}://${networkHost(endpoint.registry)}`);
  }

  #scheme(endpoint: Endpoint): Scheme {
    return this.#learned.get(endpoint.registry) ?? this.#options.scheme ?? (isLoopbackHost(endpoint.home.host) ? 'http' : 'https');
  }

  /** The other scheme, where it may be tried: down only when allowed, up on loopback where http was only a guess. */
  otherScheme(endpoint: Endpoint): Scheme | undefined {
    if (this.#options.scheme !== undefined || this.#learned.has(endpoint.registry)) return undefined;
    if (this.#scheme(endpoint) === 'http') return 'https';
    return this.#options.allowHttp === true ? 'http' : undefined;
  }

  learn(endpoint: Endpoint, scheme: Scheme): void {
    this.#learned.set(endpoint.registry, scheme);
  }
}

function networkHost(registry: string): string {
  return registry === DOCKER_HUB ? HUB_ENDPOINT : registry;
}
