/**
 * The keys of an issuer: its discovery document (OpenID Connect Discovery section 4), its key set, and both kept for a
 * while. Only issuers that are configured are ever asked, over the HTTP client's rules for addresses and redirects.
 */
import type { HttpClient } from '../../clients/http/index.ts';
import { bareHost, isLoopbackHost } from '../../clients/http/index.ts';
import { type JsonObject, parseJsonObject } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { IssuerRule } from './issuer.ts';

export type TokenKey = Readonly<Record<string, unknown>>;

const DOCUMENT_BYTES = 256 * 1024;
const MAX_KEYS = 100;
const ANSWER_MS = 5_000;
const FRESH_MS = 5 * 60 * 1000;
/** An unknown key id may mean that the keys were changed a moment ago; asking for every forged one would be a gift. */
const AGAIN_MS = 30 * 1000;
/** An issuer that is down does not stop its CI while its keys are known. */
const STALE_MS = 60 * 60 * 1000;

interface Held {
  readonly keys: readonly TokenKey[];
  readonly at: number;
}

export class IssuerKeys {
  readonly #http: HttpClient;
  readonly #held = new Map<string, Held>();
  readonly #asked = new Map<string, { readonly at: number; readonly answer: Promise<Held> }>();

  constructor(http: HttpClient) {
    this.#http = http;
  }

  /** The keys that may have signed under this id; without an id, all of them. Throws ERR_SERVICE_UNAVAILABLE. */
  async find(rule: IssuerRule, kid: string | undefined): Promise<readonly TokenKey[]> {
    if (rule.ownKeys) return named(rule.ownKeys().keys, kid);
    const now = this.#http.clock.now();
    const held = this.#held.get(rule.url);
    if (held && now - held.at < FRESH_MS) {
      const found = named(held.keys, kid);
      if (found.length > 0) return found;
    }
    return named((await this.#ask(rule, held, now)).keys, kid);
  }

  /** One question at a time for each issuer, and not again for a while, whatever it answered. */
  async #ask(rule: IssuerRule, held: Held | undefined, now: number): Promise<Held> {
    const last = this.#asked.get(rule.url);
    let answer = last && now - last.at < AGAIN_MS ? last.answer : undefined;
    if (!answer) {
      answer = this.#fetch(rule);
      answer.catch(() => undefined);
      this.#asked.set(rule.url, { at: now, answer });
    }
    try {
      const fetched = await answer;
      this.#held.set(rule.url, fetched);
      return fetched;
    } catch (error) {
      if (held && now - held.at < STALE_MS) return held;
      throw error;
    }
  }

  async #fetch(rule: IssuerRule): Promise<Held> {
    try {
      const keys = await this.#keySet(rule, rule.jwksUri ?? (await this.#discover(rule)));
      return { keys, at: this.#http.clock.now() };
    } catch (cause) {
      if (!(cause instanceof SealwardError)) throw cause;
      throw new SealwardError('ERR_SERVICE_UNAVAILABLE', `the keys of the issuer ${rule.url} cannot be had: ${cause.message}`, { cause });
    }
  }

  async #discover(rule: IssuerRule): Promise<string> {
    const document = await this.#get(rule, `${rule.url.replace(/\/$/, '')}/.well-known/openid-configuration`, 'the discovery document');
    // Section 4.3: exactly the issuer that was asked.
    if (document.issuer !== rule.url) throw new SealwardError('ERR_SERVICE_UNAVAILABLE', 'its discovery document is of another issuer');
    if (typeof document.jwks_uri !== 'string') throw new SealwardError('ERR_SERVICE_UNAVAILABLE', 'its discovery document names no keys');
    return document.jwks_uri;
  }

  async #keySet(rule: IssuerRule, url: string): Promise<readonly TokenKey[]> {
    const { keys } = await this.#get(rule, url, 'the key set');
    if (!Array.isArray(keys) || keys.length > MAX_KEYS) throw new SealwardError('ERR_SERVICE_UNAVAILABLE', 'its key set is not a list of a few keys');
    return keys.filter((key): key is JsonObject => key !== null && typeof key === 'object' && !Array.isArray(key));
  }

  async #get(rule: IssuerRule, text: string, what: string): Promise<JsonObject> {
    const url = URL.parse(text);
    const issuer = new URL(rule.url);
    if (!url || (url.protocol !== 'https:' && !(url.protocol === 'http:' && mayBePlain(issuer, url)))) {
      throw new SealwardError('ERR_SERVICE_UNAVAILABLE', `${what} is not at an https URL`);
    }
    const {
      status,
      bytes,
      url: from,
    } = await this.#http.send({
      method: 'GET',
      url,
      home: { host: bareHost(issuer), privateHosts: rule.privateHosts },
      headers: { accept: 'application/json' },
      deadline: this.#http.clock.now() + ANSWER_MS,
      maxBytes: DOCUMENT_BYTES,
      what: `${what} of ${rule.url}`,
    });
    // CVE-2026-49478: another host must not answer for this one.
    if (from.origin !== url.origin) throw new SealwardError('ERR_SERVICE_UNAVAILABLE', `${what} is redirected to ${from.origin}`);
    if (status !== 200) throw new SealwardError('ERR_SERVICE_UNAVAILABLE', `${what} is answered with ${status}`);
    return parseJsonObject(bytes, { what, maxBytes: DOCUMENT_BYTES });
  }
}

/** Without TLS only on this machine, where the issuer itself is configured so. */
function mayBePlain(issuer: URL, url: URL): boolean {
  return issuer.protocol === 'http:' && isLoopbackHost(bareHost(issuer)) && isLoopbackHost(bareHost(url));
}

function named(keys: readonly TokenKey[], kid: string | undefined): readonly TokenKey[] {
  return kid === undefined ? keys : keys.filter((key) => key['kid'] === kid);
}
