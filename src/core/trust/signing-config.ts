/** Sigstore's signing_config.v0.2.json (sigstore_trustroot.proto, SigningConfig): which services a signer asks. */
import { type JsonObject, LIMITS, parseJson, ProtoObject } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { inWindow, type Window } from './anchor.ts';
import { readWindow } from './trusted-root.ts';

export interface ServiceEndpoint {
  readonly url: string;
  readonly version: number;
  readonly operator: string;
  readonly window: Window;
}

/** `all` of the operators, `any` one, or `exact` so many. */
export type ServiceSelection = { readonly rule: 'all' | 'any' } | { readonly rule: 'exact'; readonly count: number };

export interface SigningConfig {
  readonly authorities: readonly ServiceEndpoint[];
  readonly issuers: readonly ServiceEndpoint[];
  readonly logs: readonly ServiceEndpoint[];
  readonly logSelection: ServiceSelection;
  readonly timestampAuthorities: readonly ServiceEndpoint[];
  readonly timestampSelection: ServiceSelection;
}

const MEDIA_TYPE = 'application/vnd.dev.sigstore.signingconfig.v0.2+json';
const SERVICE_FIELDS = ['url', 'majorApiVersion', 'validFor', 'operator'];
const SELECTORS = { SERVICE_SELECTOR_UNDEFINED: 0, ALL: 1, ANY: 2, EXACT: 3 } as const;
const MEMBERS = 64;

/** Throws ERR_TRUSTED_ROOT_INVALID or what its parsers throw. */
export function parseSigningConfig(source: Uint8Array): SigningConfig {
  const root = new ProtoObject(
    parseJson(source, { what: 'the signing configuration', maxBytes: LIMITS.documentBytes }),
    'the signing configuration',
    ['mediaType', 'caUrls', 'oidcUrls', 'rekorTlogUrls', 'rekorTlogConfig', 'tsaUrls', 'tsaConfig'],
    'ERR_TRUSTED_ROOT_INVALID',
  );
  if (root.string('mediaType') !== MEDIA_TYPE) root.refuse('its media type is not one that is read');
  return {
    authorities: readServices(root, 'caUrls'),
    issuers: readServices(root, 'oidcUrls'),
    logs: readServices(root, 'rekorTlogUrls'),
    logSelection: readSelection(root, 'rekorTlogConfig'),
    timestampAuthorities: readServices(root, 'tsaUrls'),
    timestampSelection: readSelection(root, 'tsaConfig'),
  };
}

function readServices(root: ProtoObject, name: string): ServiceEndpoint[] {
  return root.objects(name, MEMBERS, SERVICE_FIELDS).map((item) => {
    const [url, version] = [item.string('url'), item.value('majorApiVersion')];
    if (!/^https?:\/\/./.test(url) || !URL.canParse(url)) item.refuse('url is not one');
    if (typeof version !== 'number' || !Number.isInteger(version) || version < 1) return item.refuse('majorApiVersion is not a version');
    return { url, version, operator: item.string('operator'), window: readWindow(item) };
  });
}

function readSelection(root: ProtoObject, name: string): ServiceSelection {
  const part = root.optionalObject(name, ['selector', 'count']);
  if (!part) return { rule: 'any' };
  const selector = part.enumeration('selector', SELECTORS);
  if (selector === 'SERVICE_SELECTOR_UNDEFINED') return part.refuse('selector is missing');
  if (selector !== 'EXACT') return { rule: selector === 'ALL' ? 'all' : 'any' };
  const count = part.value('count');
  return typeof count === 'number' && Number.isInteger(count) && count > 0 ? { rule: 'exact', count } : part.refuse('count is not a number above 0');
}

/**
 * The endpoints to ask at a moment (milliseconds since 1970), as the proto says: those that are valid, of each operator the
 * one of the newest version that is spoken, of these as many as the selection wants. Throws ERR_TRUSTED_ROOT_INVALID when there are fewer.
 */
export function selectServices(
  services: readonly ServiceEndpoint[],
  versions: readonly number[],
  selection: ServiceSelection,
  now: number,
  what: string,
): ServiceEndpoint[] {
  const usable = services
    .filter(({ version, window }) => versions.includes(version) && inWindow(window, now))
    .sort((a, b) => b.version - a.version || b.window.from - a.window.from);
  const byOperator = [...Map.groupBy(usable, ({ operator, url }) => operator || url).values()].map(([newest]) => newest as ServiceEndpoint);
  const count = selection.rule === 'exact' ? selection.count : selection.rule === 'all' ? byOperator.length : 1;
  if (byOperator.length < count || byOperator.length === 0) {
    throw new SealwardError('ERR_TRUSTED_ROOT_INVALID', `the signing configuration names no ${what} that is valid now and spoken here`);
  }
  return byOperator.slice(0, count);
}

export interface ComposedService {
  readonly url: string;
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to?: number;
}

export interface ComposedServices {
  readonly operator: string;
  readonly authorities: readonly ComposedService[];
  readonly issuers: readonly ComposedService[];
  readonly logs: readonly ComposedService[];
  readonly timestampAuthorities: readonly ComposedService[];
}

export function composeSigningConfig({ operator, authorities, issuers, logs, timestampAuthorities }: ComposedServices): JsonObject {
  const time = (moment: number): string => new Date(moment).toISOString().replace('.000Z', 'Z');
  const list = (services: readonly ComposedService[]): JsonObject[] =>
    services.map(({ url, version, from, to }) => ({
      url,
      majorApiVersion: version,
      validFor: { start: time(from), ...(to === undefined ? {} : { end: time(to) }) },
      operator,
    }));
  return {
    mediaType: MEDIA_TYPE,
    caUrls: list(authorities),
    oidcUrls: list(issuers),
    rekorTlogUrls: list(logs),
    rekorTlogConfig: { selector: 'ANY' },
    tsaUrls: list(timestampAuthorities),
    tsaConfig: { selector: 'ANY' },
  };
}
