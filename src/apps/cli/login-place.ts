/** Which registry, and which file, login and logout are about. */
import { join } from 'node:path';
import { DOCKER_HUB, normalHost } from '../../core/artifact/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { Config } from './config.ts';

/** Docker takes a URL as well; of it the host counts. */
export function registryNamed(text: string): string {
  const host = normalHost(text.replace(/^https?:\/\//i, '').replace(/\/(?:v[12]\/?)?$/, ''));
  if (host !== undefined) return host === 'index.docker.io' || host === 'registry-1.docker.io' ? DOCKER_HUB : host;
  throw new SealwardError('ERR_USAGE', `${JSON.stringify(text.slice(0, 80))} is not a registry`, { hint: 'Write HOST or HOST:PORT, without a repository.' });
}

/** The file that the other commands read first. */
export function credentialsFile(config: Config): string {
  return config.registryAuthFile ?? join(config.dockerConfig, 'config.json');
}
