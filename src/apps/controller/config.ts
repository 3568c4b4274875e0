/** The one configuration of the controller: YAML to one validated, frozen value. Paths are relative to its file; secrets come by path. */
import { dirname, resolve } from 'node:path';
import { readSettings, readYaml, type Section } from '../../clients/settings/index.ts';
import { type AgentSettings, type ClusterName, readAgentSettings, readClusterName } from '../../sdk/agent/index.ts';
import type { CanaryImage } from './canary.ts';
import { CONTAINMENTS, type ContainmentRule } from './contain.ts';

export interface ControllerConfig extends AgentSettings {
  readonly file: string;
  /** Health, readiness, numbers and the inventory, without TLS. */
  readonly operations: { readonly host: string; readonly port: number };
  /** Of several replicas one works. Without it this one does. */
  readonly lease?: ClusterName;
  readonly exemptNamespaces: ReadonlySet<string>;
  readonly policyReports: boolean;
  readonly events: boolean;
  readonly namespacedPolicies: boolean;
  readonly containment: { readonly dryRun: boolean; readonly perMinute: number; readonly rules: readonly ContainmentRule[] };
  readonly canary?: { readonly namespace: string; readonly everyMs: number; readonly configuration: string; readonly images: readonly CanaryImage[] };
  readonly logLevel: string;
}

const SECOND = 1000;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Throws ERR_CONFIG_INVALID with every fault, ERR_FILE_UNREADABLE or ERR_TOO_LARGE. */
export function readControllerConfig(file: string): ControllerConfig {
  return parseControllerConfig(file, readSettings(file, 'Name it with --config FILE; docs/reference/controller.md has a whole one.'));
}

export function parseControllerConfig(file: string, text: string): ControllerConfig {
  const folder = dirname(resolve(file));
  const path = (name: string): string => (name === '' ? '' : resolve(folder, name));
  return readYaml(file, text, (root) => {
    const lease = root.optionalText('lease');
    const canary = root.section('canary');
    const exempt = readNamespaces(root, 'exemptNamespaces');
    return Object.freeze({
      file,
      ...readAgentSettings(root, path),
      operations: root.address('operations', '0.0.0.0:9445'),
      ...(lease === undefined ? {} : { lease: readClusterName(root, 'lease', lease) }),
      exemptNamespaces: new Set(exempt),
      policyReports: root.flag('policyReports', true),
      events: root.flag('events', true),
      namespacedPolicies: root.flag('namespacedPolicies', false),
      containment: readContainment(root.section('containment')),
      ...(canary ? { canary: readCanary(canary, exempt) } : {}),
      logLevel: root.choice('logLevel', ['trace', 'debug', 'info', 'warn', 'error', 'silent'], 'info'),
    });
  });
}

function readContainment(section: Section | undefined): ControllerConfig['containment'] {
  return {
    dryRun: section?.flag('dryRun', true) ?? true,
    perMinute: section?.integer('perMinute', 1, 1000, 5) ?? 5,
    rules: (section?.sections('rules') ?? []).map((rule) => ({
      action: rule.choice('action', CONTAINMENTS),
      policies: rule.texts('policies'),
      namespaces: readNamespaces(rule, 'namespaces'),
    })),
  };
}

function readCanary(section: Section, exempt: readonly string[]): NonNullable<ControllerConfig['canary']> {
  const images = section.sections('images').map((one): CanaryImage => ({ name: one.text('name'), image: one.text('image') }));
  if (images.length === 0 || !images.every(({ name }) => LABEL.test(name)))
    section.refuse('images', 'must be images that are to be refused, each with a name such as unsigned');
  if (new Set(images.map(({ name }) => name)).size !== images.length) section.refuse('images', 'must have names that differ');
  const namespace = section.text('namespace');
  if (namespace !== '' && !LABEL.test(namespace)) section.refuse('namespace', 'must be the name of a namespace');
  if (exempt.includes(namespace))
    section.refuse('namespace', 'is one of exemptNamespaces: nobody is asked about what starts there, so nothing would be proven');
  return { namespace, everyMs: section.duration('every', 5 * SECOND, 86_400 * SECOND, '1m'), configuration: section.text('configuration', 'sealward'), images };
}

function readNamespaces(section: Section, name: string): string[] {
  const names = section.texts(name);
  if (!names.every((one) => LABEL.test(one))) section.refuse(name, 'must be names of namespaces; there are no patterns');
  return names;
}
