/**
 * Names of artifacts, by the grammar of distribution-spec "Pulling manifests" with the defaults of Docker Hub. A
 * reference is parsed once, here; everything later uses the parsed value.
 */
import { SealwardError } from '../errors.ts';
import { type Digest, formatDigest, parseDigest } from './digest.ts';
import { quoted } from './quoted.ts';

export interface RepositoryName {
  /** `host`, `host:port` or `[ipv6]:port` in lower case; `docker.io` for Docker Hub; LAYOUT for a folder. */
  readonly registry: string;
  /** `library/alpine`; for a folder its path. */
  readonly repository: string;
}

export interface Reference extends RepositoryName {
  readonly tag?: string;
  /** When present it alone says what is meant; the tag beside it is only kept for display. */
  readonly digest?: Digest;
}

/** The registry of a Reference that means an OCI image layout folder. No host can end with a colon. */
export const LAYOUT = 'oci:';
export const DOCKER_HUB = 'docker.io';

const LONGEST = { reference: 2048, host: 253, repository: 255 };
const HOST = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;
const IPV6 = /^\[[0-9a-f:]{2,39}(?:(?<=:)\d{1,3}(?:\.\d{1,3}){3})?\]$/;
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

function refuse(text: string, why: string): never {
  throw new SealwardError('ERR_REFERENCE_INVALID', `${quoted(text)} is not an image reference: ${why}`);
}

export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** `host`, `host:port`, `[::1]:port` in any case to its normal form, or undefined when it is not one. */
export function normalHost(text: string): string | undefined {
  if (text.length > LONGEST.host + 6) return undefined;
  const lower = text.toLowerCase();
  const colon = lower.lastIndexOf(':');
  const withPort = colon > lower.lastIndexOf(']');
  const name = withPort ? lower.slice(0, colon) : lower;
  if (withPort) {
    const port = lower.slice(colon + 1);
    if (!/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65535) return undefined;
  }
  if (name.length > LONGEST.host || !(HOST.test(name) || IPV6.test(name))) return undefined;
  return lower;
}

function looksLikeHost(first: string): boolean {
  return first === 'localhost' || /[.:[]/.test(first) || first !== first.toLowerCase();
}

/** `[HOST[:PORT]/]REPOSITORY` without tag and digest. Throws ERR_REFERENCE_INVALID. */
export function parseRepository(text: string): RepositoryName {
  if (text.length > LONGEST.reference) return refuse(text, 'it is too long');
  const slash = text.indexOf('/');
  const first = slash < 0 ? '' : text.slice(0, slash);
  const named = slash >= 0 && looksLikeHost(first);
  const host = named ? normalHost(first) : DOCKER_HUB;
  if (host === undefined) return refuse(text, `${quoted(first)} is not a host`);
  // In lower case it would no longer look like a host, and mean a repository of Docker Hub to whoever reads it next.
  if (named && !looksLikeHost(host)) return refuse(text, `${quoted(first)} would be a host only by its capital letters`);
  const registry = host === 'index.docker.io' ? DOCKER_HUB : host;
  let repository = named ? text.slice(slash + 1) : text;
  if (registry === DOCKER_HUB && !repository.includes('/')) repository = `library/${repository}`;
  // The length first: the components are split and matched only below it.
  if (repository.length > LONGEST.repository) return refuse(text, `the repository is longer than ${LONGEST.repository} characters`);
  const bad = repository.split('/').find((component) => !COMPONENT.test(component));
  if (bad !== undefined) return refuse(text, bad === '' ? 'a part of the repository is empty' : `${quoted(bad)} cannot be part of a repository's name`);
  return { registry, repository };
}

/**
 * `[HOST[:PORT]/]REPOSITORY[:TAG][@DIGEST]`; without tag and digest the tag is `latest`, as everywhere.
 * Also `oci:PATH[:TAG][@DIGEST]` for an image layout folder. Throws ERR_REFERENCE_INVALID.
 */
export function parseReference(text: string): Reference {
  if (text.length > LONGEST.reference) return refuse(text, 'it is too long');
  if (text.startsWith(LAYOUT)) return parseLayoutReference(text);
  const { name, tag, digest } = splitSuffixes(text);
  return withSuffixes(parseRepository(name), tag ?? (digest ? undefined : 'latest'), digest);
}

function parseLayoutReference(text: string): Reference {
  const { name, tag, digest } = splitSuffixes(text.slice(LAYOUT.length));
  if (name === '' || name.includes('\0')) return refuse(text, 'it names no folder');
  return withSuffixes({ registry: LAYOUT, repository: name }, tag, digest);
}

function splitSuffixes(text: string): { name: string; tag?: string; digest?: Digest } {
  const at = text.lastIndexOf('@');
  const digest = at < 0 ? undefined : parseDigest(text.slice(at + 1));
  const rest = at < 0 ? text : text.slice(0, at);
  const colon = rest.lastIndexOf(':');
  if (colon < 0 || colon < rest.lastIndexOf('/') || rest.endsWith(']')) return digest ? { name: rest, digest } : { name: rest };
  const tag = rest.slice(colon + 1);
  if (!isTag(tag)) return refuse(text, `${quoted(tag)} is not a tag`);
  return digest ? { name: rest.slice(0, colon), tag, digest } : { name: rest.slice(0, colon), tag };
}

function withSuffixes(name: RepositoryName, tag: string | undefined, digest: Digest | undefined): Reference {
  return { ...name, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

export function formatRepository(name: RepositoryName): string {
  return name.registry === LAYOUT ? `${LAYOUT}${name.repository}` : `${name.registry}/${name.repository}`;
}

/** The normal form: host, repository, tag and digest written out. parseReference gives the same value again. */
export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  const digest = reference.digest === undefined ? '' : `@${formatDigest(reference.digest)}`;
  return `${formatRepository(reference)}${tag}${digest}`;
}

/** The same repository, pinned: how every later step names what a tag was resolved to. */
export function pinned(name: RepositoryName, digest: Digest): Reference & { readonly digest: Digest } {
  return { registry: name.registry, repository: name.repository, digest };
}
