/** `sealward server status`: what a running server says of itself, in words; and how old each of its keys is. */
import { HttpClient } from '../../clients/http/index.ts';
import { type JsonObject, type JsonValue, parseJsonObject } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { readServerConfig } from './config.ts';

const MAX_BYTES = 1024 * 1024;
const RENEW_MS = 30 * 86_400_000;

/** Asks the server of this configuration. Throws ERR_SERVICE_UNAVAILABLE when it does not run. */
export async function askStatus(configFile: string, deadline: number, signal: AbortSignal): Promise<JsonObject> {
  const { operations } = readServerConfig(configFile);
  const host = operations.host === '0.0.0.0' || operations.host === '::' ? '127.0.0.1' : operations.host;
  const http = new HttpClient();
  try {
    const url = new URL(`http://${host.includes(':') ? `[${host}]` : host}:${operations.port}/status`);
    const { status, bytes } = await http.send({
      method: 'GET',
      url,
      home: { host, privateHosts: [] },
      deadline,
      signal,
      maxBytes: MAX_BYTES,
      what: 'the state of the server',
    });
    if (status !== 200) throw new SealwardError('ERR_SERVICE_UNAVAILABLE', `what answers at ${url.host} is no Sealward server`);
    return parseJsonObject(bytes, { what: 'the state of the server' });
  } catch (cause) {
    if (!(cause instanceof SealwardError) || cause.code === 'ERR_SERVICE_UNAVAILABLE' || cause.code === 'ERR_INTERRUPTED') throw cause;
    throw new SealwardError('ERR_SERVICE_UNAVAILABLE', `the server of ${configFile} does not run, or cannot be asked: ${cause.message}`, { cause });
  } finally {
    http.close();
  }
}

export function statusLines(status: JsonObject, now: number): string[] {
  const problems = texts(status.problems);
  const parts = (status.parts ?? {}) as JsonObject;
  return [
    problems.length === 0 ? 'ready' : `NOT READY: ${problems.join('; ')}`,
    `version ${words(status.version)}, running since ${words(status.started)}`,
    `requests for certificates: ${words(status.requests)}`,
    ...Object.entries(parts).flatMap(([name, part]) => ['', name, ...partLines(name, (part ?? {}) as JsonObject, now)]),
  ];
}

function partLines(part: string, members: JsonObject, now: number): string[] {
  return Object.entries(members).map(([name, value]) => `  ${name}: ${said(part, name, value, now)}`);
}

function said(part: string, name: string, value: JsonValue | undefined, now: number): string {
  if (part === 'keys') return keyAge(value as JsonObject, now);
  return name === 'certificate' ? certificateAge(part, value as JsonObject, now) : words(value);
}

function keyAge({ algorithm, sha256, since }: JsonObject, now: number): string {
  return `${words(algorithm)}, ${days(now - Date.parse(words(since)))} in force, SHA-256 ${words(sha256).slice(0, 16)}…`;
}

function days(ms: number): string {
  return `${Math.floor(ms / 86_400_000)} days`;
}

function certificateAge(part: string, { subject, from, to }: JsonObject, now: number): string {
  const left = Date.parse(words(to)) - now;
  return `${words(subject)}, ${days(now - Date.parse(words(from)))} old, ${days(left)} left${left < RENEW_MS ? `: renew it with \`sealward server rotate ${part}\`` : ''}`;
}

function texts(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

function words(value: JsonValue | undefined): string {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(words).join(', ');
  if (value !== null && typeof value === 'object') {
    const members = Object.entries(value);
    return members.length === 0 ? 'none' : members.map(([name, member]) => `${name} ${words(member)}`).join(', ');
  }
  return String(value);
}
