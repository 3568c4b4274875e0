/** The configuration of the node verifier: YAML to one validated, frozen value. Paths are relative to its file; secrets come by path. */
import { dirname, resolve } from 'node:path';
import { readSettings, readYaml } from '../../clients/settings/index.ts';
import { type AgentSettings, readAgentSettings } from '../../sdk/agent/index.ts';

export interface NodeVerifierConfig extends AgentSettings {
  readonly file: string;
  /** When the answer must be there: less than containerd's `per_verifier_timeout`, milliseconds. */
  readonly timeoutMs: number;
  /** How much of that may go into asking for newer trust, where some is remembered. */
  readonly trustTimeoutMs: number;
  /** Records of decisions, a file each, for `sealward replay`. */
  readonly records?: { readonly folder: string; readonly most: number };
}

/** Where it is read, unless the environment names another. */
export const DEFAULT_CONFIG = '/etc/sealward/node-verifier.yaml';
const SECOND = 1000;

/** Throws ERR_CONFIG_INVALID with every fault, ERR_FILE_UNREADABLE or ERR_TOO_LARGE. */
export function readNodeVerifierConfig(file: string): NodeVerifierConfig {
  return parseNodeVerifierConfig(file, readSettings(file, 'Write it there, or name another with SEALWARD_NODE_CONFIG; see docs/how-to/guard-a-node.md.'));
}

export function parseNodeVerifierConfig(file: string, text: string): NodeVerifierConfig {
  const folder = dirname(resolve(file));
  const path = (name: string): string => (name === '' ? '' : resolve(folder, name));
  return readYaml(file, text, (root) => {
    const records = root.section('records');
    return Object.freeze({
      file,
      ...readAgentSettings(root, path),
      timeoutMs: root.duration('timeout', SECOND, 600 * SECOND, '8s'),
      trustTimeoutMs: root.duration('trustTimeout', 100, 60 * SECOND, '2s'),
      ...(records ? { records: { folder: path(records.text('folder')), most: records.integer('most', 1, 1_000_000, 10_000) } } : {}),
    });
  });
}
