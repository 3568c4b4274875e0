/** The one configuration of the webhook: YAML to one validated, frozen value. Paths are relative to its file; secrets come by path. */
import { dirname, resolve } from 'node:path';
import { readSettings, readYaml, type Section } from '../../clients/settings/index.ts';
import { type AgentSettings, type ClusterName, readAgentSettings, readClusterName } from '../../sdk/agent/index.ts';
import type { AdmissionLimits } from './open-admission.ts';

export type TlsConfig =
  /** PEM files that somebody else renews, such as cert-manager. */
  | {
      readonly kind: 'files';
      readonly certificates: string;
      readonly key: string;
      /** Webhook configurations of the cluster that are looked at. */
      readonly configurations: readonly string[];
    }
  | {
      readonly kind: 'self-made';
      /** Holds the authority: a folder that one process writes, or a Secret that replicas share. */
      readonly keptIn: { readonly folder: string } | { readonly secret: ClusterName };
      /** Webhook configurations of the cluster that are told of it. */
      readonly configurations: readonly string[];
      /** By which the API server calls. */
      readonly names: readonly string[];
      readonly lifeMs: number;
      readonly authorityLifeMs: number;
      /** How long a bundle is out before its new authority is used. */
      readonly settleMs: number;
    };

export type CallerConfig =
  | { readonly kind: 'mtls'; readonly authorities: string; readonly names: readonly string[] }
  /** Without a file the path is that of the authority, and turns with it. */
  | { readonly kind: 'path-secret'; readonly secretFile?: string }
  | { readonly kind: 'network' };

export interface DecisionsConfig {
  readonly folder: string;
  readonly mode: 'strict' | 'async';
  readonly shareMs: number;
  /** Undefined: they are kept for ever. */
  readonly keepMs?: number;
}

export interface AdmissionConfig extends AgentSettings {
  readonly file: string;
  readonly listen: { readonly host: string; readonly port: number };
  /** Health, readiness and numbers, without TLS. */
  readonly operations: { readonly host: string; readonly port: number };
  readonly tls: TlsConfig;
  readonly caller: CallerConfig;
  readonly decisions?: DecisionsConfig;
  /** What is watched in the cluster. */
  readonly watch: { readonly namespaceLabels: boolean; readonly namespacedPolicies: boolean; readonly runningPods: boolean };
  /** Namespaces that opted in: their own pull secrets open registries for their own Pods. */
  readonly pullSecretsOf: ReadonlySet<string>;
  readonly custom: ReadonlyMap<string, readonly string[]>;
  readonly exemptNamespaces: ReadonlySet<string>;
  readonly marginMs: number;
  readonly drainMs: number;
  readonly limits: AdmissionLimits;
  readonly held: { readonly digests: number; readonly bytes: number };
  readonly logLevel: string;
}

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;
const MiB = 1024 * 1024;
/** DNS-1123 labels and names, as Kubernetes has them for namespaces and for what is served. */
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const HOST_NAME = /^[A-Za-z0-9*](?:[A-Za-z0-9.:-]{0,252})$/;
const SPEC_PATH = /^[A-Za-z][A-Za-z0-9]*(?:\.[A-Za-z][A-Za-z0-9]*){0,15}$/;
const KIND = /^[a-z0-9.-]{0,253}\/[A-Za-z][A-Za-z0-9]{0,62}$/;

/** Throws ERR_CONFIG_INVALID with every fault, ERR_FILE_UNREADABLE or ERR_TOO_LARGE. */
export function readAdmissionConfig(file: string): AdmissionConfig {
  return Object.freeze(parseAdmissionConfig(file, readSettings(file, 'Name it with --config FILE; docs/reference/admission.md has a whole one.')));
}

export function parseAdmissionConfig(file: string, text: string): AdmissionConfig {
  const folder = dirname(resolve(file));
  const path = (name: string): string => (name === '' ? '' : resolve(folder, name));
  return readYaml(file, text, (root) => {
    const decisions = root.section('decisions');
    const limits = root.section('limits');
    const watch = root.section('watch');
    const tls = readTls(root, path);
    return {
      file,
      listen: root.address('listen', '0.0.0.0:9443'),
      operations: root.address('operations', '0.0.0.0:9444'),
      tls,
      caller: readCaller(root, tls, path),
      ...readAgentSettings(root, path),
      ...(decisions ? { decisions: readDecisions(decisions, path) } : {}),
      watch: {
        namespaceLabels: watch?.flag('namespaceLabels', false) ?? false,
        namespacedPolicies: watch?.flag('namespacedPolicies', false) ?? false,
        runningPods: watch?.flag('runningPods', false) ?? false,
      },
      custom: readCustom(root),
      exemptNamespaces: readNamespaces(root, 'exemptNamespaces'),
      pullSecretsOf: readNamespaces(root, 'pullSecretsOf'),
      marginMs: root.duration('margin', 50, 10 * SECOND, '500ms'),
      drainMs: root.duration('drain', 0, 5 * 60 * SECOND, '15s'),
      limits: {
        bufferedBytes: limits?.size('buffered', 8 * MiB, 4096 * MiB, '128MiB') ?? 128 * MiB,
        connections: limits?.integer('connections', 8, 100_000, 1024) ?? 1024,
        threads: limits?.integer('threads', 0, 64, 1) ?? 1,
      },
      held: {
        digests: limits?.integer('heldDigests', 100, 1_000_000, 20_000) ?? 20_000,
        bytes: limits?.size('held', MiB, 4096 * MiB, '96MiB') ?? 96 * MiB,
      },
      logLevel: root.choice('logLevel', ['trace', 'debug', 'info', 'warn', 'error', 'silent'], 'info'),
    };
  });
}

function readTls(root: Section, path: (name: string) => string): TlsConfig {
  const section = root.section('tls');
  const [files, made] = [section?.section('files'), section?.section('selfMade')];
  if (!section || (files === undefined) === (made === undefined)) {
    root.refuse('tls', section ? 'must have either files or selfMade' : 'is missing: API servers speak TLS to webhooks');
    return { kind: 'files', certificates: '', key: '', configurations: [] };
  }
  if (files)
    return { kind: 'files', certificates: path(files.text('certificates')), key: path(files.text('key')), configurations: files.texts('configurations') };
  const names = made?.texts('names') ?? [];
  if (names.length === 0 || !names.every((name) => HOST_NAME.test(name)))
    made?.refuse('names', 'must be the names by which the API server calls, as in sealward.sealward-system.svc');
  return {
    kind: 'self-made',
    keptIn: made ? readKept(made, path) : { folder: '' },
    configurations: made?.texts('configurations') ?? [],
    names,
    lifeMs: made?.duration('life', HOUR, 90 * DAY, '7d') ?? 0,
    authorityLifeMs: made?.duration('authorityLife', DAY, 3650 * DAY, '365d') ?? 0,
    settleMs: made?.duration('settle', SECOND, DAY, '10m') ?? 0,
  };
}

function readKept(section: Section, path: (name: string) => string): { readonly folder: string } | { readonly secret: ClusterName } {
  const [folder, secret] = [section.optionalText('folder'), section.optionalText('secret')];
  if ((folder === undefined) === (secret === undefined)) section.refuse('folder', 'or secret must say where the authority is kept, and one of them is enough');
  return secret === undefined ? { folder: path(folder ?? '') } : { secret: readClusterName(section, 'secret', secret) };
}

function readCaller(root: Section, tls: TlsConfig, path: (name: string) => string): CallerConfig {
  const section = root.section('caller');
  if (!section) {
    root.refuse('caller', 'is missing: it says how the API server proves that it calls');
    return { kind: 'network' };
  }
  const kind = section.choice('proof', ['mtls', 'path-secret', 'network'] as const);
  if (kind === 'path-secret') {
    const secretFile = section.optionalText('secretFile');
    if (secretFile === undefined && tls.kind === 'files') section.refuse('secretFile', 'is missing: with certificates in files nobody makes a path');
    return { kind, ...(secretFile === undefined ? {} : { secretFile: path(secretFile) }) };
  }
  if (kind !== 'mtls') return { kind: 'network' };
  const names = section.texts('names');
  // Kubelets and controllers have certificates of the same authority in many clusters.
  if (names.length === 0) section.refuse('names', 'must be the names of the client certificate of the API server, such as kube-apiserver');
  return { kind, authorities: path(section.text('authorities')), names };
}

function readDecisions(section: Section, path: (name: string) => string): DecisionsConfig {
  return {
    folder: path(section.text('folder')),
    mode: section.choice('mode', ['strict', 'async'], 'strict'),
    shareMs: section.duration('share', 0, HOUR, '60s'),
    ...(section.has('keep') ? { keepMs: section.duration('keep', DAY, 3650 * DAY, '90d') } : {}),
  };
}

function readCustom(root: Section): ReadonlyMap<string, readonly string[]> {
  const kinds = new Map<string, readonly string[]>();
  for (const section of root.sections('customKinds')) {
    const kind = section.text('kind');
    const specs = section.texts('podSpecs');
    if (!KIND.test(kind) || kinds.has(kind)) section.refuse('kind', 'must be GROUP/KIND, each once, as in argoproj.io/Rollout');
    if (specs.length === 0 || !specs.every((one) => SPEC_PATH.test(one))) section.refuse('podSpecs', 'must be paths of pod specs, as in spec.template.spec');
    kinds.set(kind, specs);
  }
  return kinds;
}

function readNamespaces(root: Section, member: string): ReadonlySet<string> {
  const names = root.texts(member);
  if (!names.every((name) => LABEL.test(name))) root.refuse(member, 'must be names of namespaces; there are no patterns');
  return new Set(names);
}
