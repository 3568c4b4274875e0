/** The one configuration of a server: YAML to one validated, frozen value. Paths are relative to its file; secrets come by path. */
import { dirname, resolve } from 'node:path';
import { SealwardError } from '../../core/errors.ts';
import { defineIssuer, type IssuerKind, type IssuerRule, type RateLimit } from '../../services/authority/index.ts';
import { readSettings, readYaml, type Section } from '../../clients/settings/index.ts';

export const ROLES = ['authority', 'log', 'timestamp', 'trust', 'identity', 'witness'] as const;
export type Role = (typeof ROLES)[number];

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface KeyedCertificates {
  /** As `--key` of the command line takes it: a file, or a pkcs11: URI and the like. */
  readonly key: string;
  /** A PEM file: the certificate of the key, then those above it. */
  readonly certificates: string;
}

export interface AuthorityConfig extends KeyedCertificates {
  /** PEM files with chains of keys that no longer issue. */
  readonly former: readonly string[];
  readonly rate: RateLimit;
  readonly issuers: readonly IssuerRule[];
}

/** The clock of certificates and timestamps. */
export interface ClockConfig {
  /** Names of NTP servers. */
  readonly sources: readonly string[];
  readonly quorum: number;
  readonly toleranceMs: number;
  readonly freshMs: number;
}

export interface IdentityConfig {
  readonly url: string;
  readonly key: string;
  readonly users: readonly { readonly name: string; readonly email: string; readonly passwordHashFile: string }[];
  readonly workloads: readonly { readonly id: string; readonly subject: string; readonly publicKey: string }[];
}

export interface TlsConfig extends KeyedCertificates {
  /** Further host names for which `server rotate tls` makes a certificate, such as those of shards. */
  readonly names: readonly string[];
}

export interface ServerConfig {
  readonly file: string;
  /** Where clients reach it, without a slash at its end. */
  readonly url: string;
  readonly listen: Address;
  /** Health, readiness, metrics and state, without TLS; for whoever runs the server. */
  readonly operations: Address;
  readonly roles: ReadonlySet<Role>;
  readonly tls?: TlsConfig;
  /** A folder of SQLite files, or a file that holds a postgres:// URL. */
  readonly database: { readonly folder: string } | { readonly urlFile: string };
  /** Opens the key files. */
  readonly keyPasswordFile?: string;
  readonly requestMs: number;
  readonly logLevel: string;
  readonly authority?: AuthorityConfig;
  readonly certificateLog?: LogPlace;
  readonly control?: ControlConfig;
  readonly timestamp?: KeyedCertificates;
  readonly clock: ClockConfig;
  readonly identity?: IdentityConfig;
  readonly trust?: TrustConfig;
  readonly log?: LogConfig;
  readonly witness?: WitnessConfig;
}

export interface LogConfig extends LogPlace {
  /** Its name in checkpoints; clients of Rekor take it from the host name of its URL. */
  readonly origin: string;
  /** Threads that verify what comes in. */
  readonly threads: number;
  /** Shards that came before, the oldest first: closed, chained to the next one, and still served under their names. */
  readonly former: readonly ShardConfig[];
}

export interface ShardConfig extends LogPlace {
  readonly origin: string;
}

export interface LogPlace {
  readonly key: string;
  /** Holds the entries, where there is no other database. */
  readonly folder: string;
  /** Holds the record of what was signed, which belongs into no backup; best on another disk. */
  readonly recordFolder: string;
  /** A file of this machine: which store the key signs for, and how far it came. */
  readonly mark: string;
  readonly witnesses?: WitnessesConfig;
}

/** Outside witnesses of a log. */
export interface WitnessesConfig {
  /** A file: who is asked, and how many of them it takes (C2SP tlog-policy). */
  readonly policy: string;
  /** Whether a checkpoint without its quorum is held back. */
  readonly required: boolean;
  readonly patienceMs: number;
  /** A PEM file of authorities for TLS, beside those of this machine. */
  readonly trusted?: string;
}

/** A witness for the logs of others. */
export interface WitnessConfig {
  readonly key: string;
  /** A key of ML-DSA-44 that cosigns too. */
  readonly besides?: string;
  readonly name: string;
  /** A file: whose logs (`log` lines of C2SP tlog-policy). */
  readonly logs: string;
  /** What it cosigned last, of each; where there is no other database. */
  readonly memory: string;
}

export interface ControlConfig extends LogPlace {
  readonly origin: string;
  /** Signs the statements. */
  readonly auditor: string;
}

export interface TrustConfig {
  /** The folder that is served. */
  readonly repository: string;
  /** Signs timestamps and snapshots; without it somebody else publishes. */
  readonly key?: string;
  readonly leaseMs: number;
}

const ISSUER_KINDS: readonly IssuerKind[] = [
  'github',
  'gitlab',
  'buildkite',
  'circleci',
  'google',
  'kubernetes',
  'spiffe',
  'email',
  'uri',
  'username',
  'local',
  'ci',
];
const DAY_MS = 86_400_000;

/** Throws ERR_CONFIG_INVALID with every fault, or ERR_FILE_UNREADABLE. */
export function readServerConfig(file: string): ServerConfig {
  const text = readSettings(file, 'Make one with `sealward server init`, or name it with --config FILE.');
  return Object.freeze(parseServerConfig(file, text));
}

export function parseServerConfig(file: string, text: string): ServerConfig {
  const folder = dirname(resolve(file));
  const path = (name: string): string => (name === '' ? '' : resolve(folder, name));
  // A key may be a path, or a reference with a scheme, which is left as it is.
  const keyOf = (reference: string): string => (/^[a-z][a-z0-9+.-]+:/i.test(reference) ? reference : path(reference));
  const keyed = (section: Section): KeyedCertificates => ({ key: keyOf(section.text('key')), certificates: path(section.text('certificates')) });
  return readYaml(file, text, (root) => {
    const roles = readRoles(root);
    const url = root.url('url');
    const tls = root.section('tls');
    const password = root.optionalText('keyPasswordFile');
    const authority = roles.has('authority') ? needed(root, 'authority') : skipped(root, 'authority');
    const timestamp = roles.has('timestamp') ? needed(root, 'timestamp') : skipped(root, 'timestamp');
    const identity = roles.has('identity') ? needed(root, 'identity') : skipped(root, 'identity');
    const log = roles.has('log') ? needed(root, 'log') : skipped(root, 'log');
    const trust = roles.has('trust') ? needed(root, 'trust') : skipped(root, 'trust');
    const certificateLog = authority?.section('certificateLog');
    if (authority && !certificateLog) authority.refuse('certificateLog', 'is missing: no certificate is issued without one');
    const control = root.section('control');
    if (log && log.has('former') && !control) log.refuse('former', 'needs control: its auditor signs that one shard ends and the next begins');
    const witness = roles.has('witness') ? needed(root, 'witness') : skipped(root, 'witness');
    return {
      file,
      url,
      listen: root.address('listen', '127.0.0.1:8443'),
      operations: root.address('operations', '127.0.0.1:8444'),
      roles,
      ...(tls ? { tls: { ...keyed(tls), names: tls.texts('names') } } : {}),
      database: readDatabase(root, path),
      ...(password === undefined ? {} : { keyPasswordFile: path(password) }),
      requestMs: root.duration('requestTimeout', 100, 300_000, '10s'),
      logLevel: root.choice('logLevel', ['trace', 'debug', 'info', 'warn', 'error', 'silent'], 'info'),
      ...(authority ? { authority: { ...keyed(authority), ...readAuthority(authority, path) } } : {}),
      ...(certificateLog ? { certificateLog: readPlace(certificateLog, 'certificate-log', path, keyOf) } : {}),
      ...(control
        ? {
            control: {
              ...readPlace(control, 'control-log', path, keyOf),
              origin: control.text('origin', `control.${URL.parse(url)?.hostname ?? ''}`),
              auditor: keyOf(control.text('auditor')),
            },
          }
        : {}),
      ...(timestamp ? { timestamp: keyed(timestamp) } : {}),
      clock: readClock(root),
      ...(identity ? { identity: readIdentity(identity, url, path, keyOf) } : {}),
      ...(log ? { log: readLog(log, url, path, keyOf) } : {}),
      ...(witness ? { witness: readWitness(witness, url, path, keyOf) } : {}),
      ...(trust ? { trust: readTrust(trust, path, keyOf) } : {}),
    };
  });
}

function readRoles(root: Section): ReadonlySet<Role> {
  // A witness of others is whoever says so.
  const named = root.has('roles') ? root.texts('roles') : ROLES.filter((name) => name !== 'witness' || root.has('witness'));
  const roles = new Set(named.filter((name): name is Role => (ROLES as readonly string[]).includes(name)));
  if (roles.size !== named.length || roles.size === 0) root.refuse('roles', `must be some of ${ROLES.join(', ')}, each once`);
  return roles;
}

function needed(root: Section, name: Role): Section | undefined {
  const section = root.section(name);
  if (!section && !root.has(name)) root.refuse(name, 'is missing, and stands among the roles');
  return section;
}

/** A role that another process plays: its settings may stay in the file, and are still held to be settings. */
function skipped(root: Section, name: Role): undefined {
  root.has(name);
}

function readDatabase(root: Section, path: (name: string) => string): ServerConfig['database'] {
  const section = root.section('database');
  const [folder, urlFile] = [section?.optionalText('folder'), section?.optionalText('urlFile')];
  if (section && (folder === undefined) === (urlFile === undefined)) root.refuse('database', 'must have either folder or urlFile');
  return urlFile === undefined ? { folder: path(folder ?? 'state') } : { urlFile: path(urlFile) };
}

function readAuthority(section: Section, path: (name: string) => string): Omit<AuthorityConfig, keyof KeyedCertificates> {
  const rate = section.section('rate');
  return {
    former: section.texts('formerCertificates').map(path),
    rate: { burst: rate?.integer('burst', 1, 1_000_000, 60) ?? 60, perMinute: rate?.integer('perMinute', 1, 1_000_000, 60) ?? 60 },
    issuers: section.sections('issuers').flatMap((issuer) => readIssuer(issuer) ?? []),
  };
}

function readIssuer(section: Section): IssuerRule | undefined {
  const kind = section.choice('kind', ISSUER_KINDS);
  const url = section.optionalText('url');
  const texts = {
    audience: section.optionalText('audience'),
    webUrl: section.optionalText('webUrl'),
    trustDomain: section.optionalText('trustDomain'),
    subjectDomain: section.optionalText('subjectDomain'),
    jwksUri: section.optionalText('jwksUri'),
  };
  const algorithms = section.texts('algorithms');
  const mapping = section.section('mapping');
  const settings = {
    kind,
    ...(url === undefined ? {} : { url }),
    ...Object.fromEntries(Object.entries(texts).filter((entry) => entry[1] !== undefined)),
    ...(algorithms.length > 0 ? { algorithms } : {}),
    where: section.textLists('where'),
    privateHosts: section.texts('privateHosts'),
    uses: section.integer('uses', 1, 1000, 1),
    maxAgeMs: section.duration('maxAge', 60_000, 7 * DAY_MS, '1h'),
    ...(mapping ? { mapping: { name: mapping.text('name'), claims: mapping.textMap('claims'), defaults: mapping.textMap('defaults') } } : {}),
  };
  if (!ISSUER_KINDS.includes(kind)) return undefined;
  try {
    return defineIssuer(settings);
  } catch (error) {
    if (!(error instanceof SealwardError)) throw error;
    section.refuse('kind', `gives no rule: ${error.message}`);
    return undefined;
  }
}

function readClock(root: Section): ClockConfig {
  const clock = root.section('clock');
  const sources = clock?.texts('sources') ?? [];
  const quorum = clock?.integer('quorum', 0, 16, Math.floor(sources.length / 2) + (sources.length > 0 ? 1 : 0)) ?? 0;
  if (quorum > sources.length) clock?.refuse('quorum', 'asks for more sources than there are');
  return {
    sources,
    quorum,
    toleranceMs: clock?.duration('tolerance', 10, 60_000, '1s') ?? 1000,
    freshMs: clock?.duration('fresh', 1000, DAY_MS, '5m') ?? 300_000,
  };
}

function readLog(section: Section, url: string, path: (name: string) => string, keyOf: (reference: string) => string): LogConfig {
  const origin = readOrigin(section, URL.parse(url)?.hostname ?? '');
  const former = section.sections('former').map((shard) => ({ ...readPlace(shard, 'log', path, keyOf), origin: readOrigin(shard) }));
  const places = [...former, { ...readPlace(section, 'log', path, keyOf), origin }];
  for (const member of ['origin', 'key', 'folder', 'recordFolder', 'mark'] as const) {
    // A folder is nothing to a database, and two marks of one name would hide which key belongs where.
    if (new Set(places.map((place) => place[member])).size !== places.length) section.refuse('former', `has a shard with the same ${member} as another one`);
  }
  return { ...(places.at(-1) as ShardConfig), threads: section.integer('threads', 0, 64, 1), former };
}

function readOrigin(section: Section, fallback?: string): string {
  const origin = section.text('origin', fallback);
  if (!/^[A-Za-z0-9.-]{1,253}$/.test(origin)) section.refuse('origin', 'must be a host name, without a port');
  return origin;
}

function readPlace(section: Section, name: string, path: (name: string) => string, keyOf: (reference: string) => string): LogPlace {
  const folder = section.text('folder', `state/${name}`);
  const witnesses = section.section('witnesses');
  return {
    key: keyOf(section.text('key')),
    folder: path(folder),
    recordFolder: path(section.text('recordFolder', folder)),
    mark: path(section.text('mark', `keys/${name}.mark`)),
    ...(witnesses ? { witnesses: readWitnesses(witnesses, path) } : {}),
  };
}

function readWitnesses(section: Section, path: (name: string) => string): WitnessesConfig {
  const trusted = section.optionalText('certificateAuthorities');
  return {
    policy: path(section.text('policy')),
    required: section.truth('required', true),
    patienceMs: section.duration('patience', 50, 15_000, '2s'),
    ...(trusted === undefined ? {} : { trusted: path(trusted) }),
  };
}

function readWitness(section: Section, url: string, path: (name: string) => string, keyOf: (reference: string) => string): WitnessConfig {
  const besides = section.optionalText('postQuantumKey');
  const name = section.text('name', `${URL.parse(url)?.hostname ?? ''}/witness`);
  if (/[\s+]/.test(name)) section.refuse('name', 'must be a name without spaces and +, such as witness.example');
  return {
    key: keyOf(section.text('key')),
    ...(besides === undefined ? {} : { besides: keyOf(besides) }),
    name,
    logs: path(section.text('logs')),
    memory: path(section.text('memory', 'state/witness.db')),
  };
}

function readTrust(section: Section, path: (name: string) => string, keyOf: (reference: string) => string): TrustConfig {
  const key = section.optionalText('key');
  return {
    repository: path(section.text('repository')),
    ...(key === undefined ? {} : { key: keyOf(key) }),
    leaseMs: section.duration('lease', 60_000, 30 * DAY_MS, '24h'),
  };
}

function readIdentity(section: Section, url: string, path: (name: string) => string, keyOf: (reference: string) => string): IdentityConfig {
  return {
    url: section.url('url', `${url}/oidc`),
    key: keyOf(section.text('key')),
    users: section
      .sections('users')
      .map((user) => ({ name: user.text('name'), email: user.text('email'), passwordHashFile: path(user.text('passwordHashFile')) })),
    workloads: section
      .sections('workloads')
      .map((workload) => ({ id: workload.text('id'), subject: workload.text('subject'), publicKey: path(workload.text('publicKey')) })),
  };
}
