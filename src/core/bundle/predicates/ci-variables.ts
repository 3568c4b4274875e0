/**
 * The variables of one CI system. Only those of an allow-list are ever looked at, so that no secret of the environment
 * can reach a statement; and no message repeats a value, because a URL may carry a password.
 */
import { SealwardError } from '../../errors.ts';
import { parseTime } from './time.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Longer than any name, path or URL that a CI system sets. */
const LONGEST_VALUE = 4096;

export class CiVariables<Name extends string> {
  readonly #system: string;
  readonly #values: ReadonlyMap<string, string>;

  constructor(system: string, environment: Environment, allowed: readonly Name[]) {
    this.#system = system;
    const values = new Map<string, string>();
    for (const name of allowed) {
      const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
      // Systems set what does not apply to an empty text.
      if (value !== undefined && value !== '') values.set(name, value);
    }
    this.#values = values;
  }

  refuse(name: Name, expected: string): never {
    throw new SealwardError(
      'ERR_CI_ENVIRONMENT',
      `${this.#system} sets ${name} to ${expected}, and here it is ${this.#values.has(name) ? 'something else' : 'not set'}`,
    );
  }

  optional(name: Name): string | undefined {
    const value = this.#values.get(name);
    if (value !== undefined && (value.length > LONGEST_VALUE || /\p{Cc}/u.test(value) || !value.isWellFormed())) this.refuse(name, 'a line of text');
    return value;
  }

  required(name: Name, expected = 'a text'): string {
    return this.optional(name) ?? this.refuse(name, expected);
  }

  matching(name: Name, pattern: RegExp, expected: string): string {
    const value = this.required(name, expected);
    return pattern.test(value) ? value : this.refuse(name, expected);
  }

  /** A page of the CI system, without what could identify anybody to it. */
  page(name: Name): string {
    const text = this.required(name, 'a URL');
    const url = URL.canParse(text) ? new URL(text) : this.refuse(name, 'a URL');
    if (url.protocol !== 'https:' && url.protocol !== 'http:') this.refuse(name, 'a URL');
    return withoutCredentials(url).replace(/\/+$/, '');
  }

  /** A repository as SPDX writes a download location, clause 7.7: "git+" and a URL. Undefined when it is not set. */
  repository(name: Name): string | undefined {
    const text = this.optional(name);
    if (text === undefined) return undefined;
    const short = /^([\w.-]+@)?([\w.-]+):(?!\/\/)\/?([^\s@]+)$/.exec(text);
    if (short) return `git+ssh://${short[1] ?? ''}${short[2]}/${short[3]}`;
    const url = URL.canParse(text) ? new URL(text) : this.refuse(name, 'the URL of a repository');
    if (!['https:', 'http:', 'ssh:', 'git:'].includes(url.protocol)) this.refuse(name, 'the URL of a repository');
    return `git+${withoutCredentials(url)}`;
  }

  /** The full name of a commit, SHA-1 or SHA-256; undefined for what names none yet, such as HEAD. */
  commit(name: Name): string | undefined {
    const value = this.optional(name);
    return value !== undefined && /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(value) ? value : undefined;
  }

  /** Milliseconds since 1970. */
  time(name: Name): number | undefined {
    const value = this.optional(name);
    return value === undefined ? undefined : (parseTime(value) ?? this.refuse(name, 'an RFC 3339 time'));
  }

  /** Members of a statement by the variables that they come from; what is not set is left out. */
  pick(members: Readonly<Record<string, Name>>): Record<string, string> {
    const picked: Record<string, string> = {};
    for (const [member, name] of Object.entries(members)) {
      const value = this.optional(name);
      if (value !== undefined) picked[member] = value;
    }
    return picked;
  }
}

function withoutCredentials(url: URL): string {
  // The user of SSH is a part of the address; that of HTTPS may be a token.
  if (url.protocol !== 'ssh:') url.username = '';
  url.password = '';
  url.search = '';
  url.hash = '';
  return url.href;
}
