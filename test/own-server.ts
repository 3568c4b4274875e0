/** A whole Sealward server in this process, made by its own `init`, on free ports of the loopback, with one workload that gets tokens. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { pino } from 'pino';
import { type InitOptions, initServer, type OpenServer, openServer, readServerConfig } from '../src/apps/server/index.ts';
import { HttpClient } from '../src/clients/http/index.ts';
import type { KeyOptions } from '../src/clients/signers/index.ts';
import { encodePublicKeyPem } from '../src/core/crypto/index.ts';
import { createTestKey } from '../src/testing/index.ts';
import { quickSeal } from './stories/quick-key-file.ts';

/** Another process could take it in between; the system gives the same one again only after thousands of others. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What the workload `build` asks for a token with (RFC 7523 section 2.2). */
export async function tokenRequest(url: string, key: ReturnType<typeof createTestKey>['privateKey']): Promise<URLSearchParams> {
  const assertion = await new SignJWT({ jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer('build')
    .setSubject('build')
    .setAudience(`${url}/oidc/token`)
    .setIssuedAt()
    .setExpirationTime('2m')
    .sign(key);
  return new URLSearchParams({
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  });
}

export interface OwnServer {
  readonly url: string;
  readonly folder: string;
  readonly config: string;
  readonly trustedRoot: string;
  readonly signingConfig: string;
  readonly tufRoot: string;
  /** Lines of its log. */
  readonly log: readonly string[];
  readonly operations: string;
  /** A token of its own issuer for the workload. @param at where the issuer is, when not at `url`. */
  token(at?: string): Promise<string>;
  /** Ends it, and leaves its folder. */
  halt(): Promise<void>;
  /** Ends it when it runs, and starts it again on the same folder. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface ControlRecord {
  /** `key/v1`, `policy/v1`. */
  readonly type: string;
  readonly action: string;
  readonly name: string;
  readonly sha256: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** What stands in its control log, in order; for whoever may reach the address of operations. */
export async function controlRecords({ operations }: Pick<OwnServer, 'operations'>): Promise<ControlRecord[]> {
  const size = Number((await (await fetch(`${operations}/control/checkpoint`)).text()).split('\n')[1]);
  return Promise.all(
    Array.from({ length: size }, async (_, index) => {
      const bundle = (await (await fetch(`${operations}/control/bundle/${index}`)).json()) as { readonly dsseEnvelope: { readonly payload: string } };
      const { predicateType, subject, predicate } = JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString()) as {
        readonly predicateType: string;
        readonly subject: readonly { readonly name: string; readonly digest: { readonly sha256: string } }[];
        readonly predicate: { readonly action: string; readonly details: Readonly<Record<string, unknown>> };
      };
      const { action, details } = predicate;
      const type = predicateType.replace('https://sealward.dev/control/', '');
      return { type, action, name: subject[0]?.name ?? '', sha256: subject[0]?.digest.sha256 ?? '', details };
    }),
  );
}

/** Whom its tokens name. */
export const WORKLOAD = 'https://ci.sealward.test/build';

export interface OwnServerOptions {
  readonly tls?: boolean;
  readonly init?: Partial<InitOptions>;
  readonly keyOptions?: KeyOptions;
  readonly tlsLookMs?: number;
  /** Changes the configuration before the first start. */
  readonly configure?: (yaml: string) => string;
}

export async function startOwnServer({
  tls = false,
  init = {},
  keyOptions = {},
  tlsLookMs,
  configure = (yaml) => yaml,
}: OwnServerOptions = {}): Promise<OwnServer> {
  const home = mkdtempSync(join(tmpdir(), 'sealward-server-'));
  const folder = join(home, 'sigstore');
  const [port, operationsPort] = [await freePort(), await freePort()];
  const url = `${tls ? 'https' : 'http'}://localhost:${port}`;
  const made = await initServer({
    folder,
    url,
    listen: `127.0.0.1:${port}`,
    operations: `127.0.0.1:${operationsPort}`,
    organization: 'sealward.test',
    keys: {},
    keyOptions,
    now: Date.now(),
    seal: async (key, password) => quickSeal(key, password),
    ...init,
  });
  const workload = createTestKey('ecdsa-p256');
  writeFileSync(join(folder, 'keys/build.pub'), encodePublicKeyPem(workload.publicKey));
  const config = join(folder, 'server.yaml');
  const yaml = readFileSync(config, 'utf8').replace('workloads: []', `workloads: [{ id: build, subject: '${WORKLOAD}', publicKey: keys/build.pub }]`);
  writeFileSync(config, configure(yaml));
  const log: string[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => void log.push(line) });
  const open = (): Promise<OpenServer> =>
    openServer({
      config: readServerConfig(config),
      logger,
      version: 'test',
      keyOptions,
      failed: (error) => void log.push(`FAILED ${error.message}`),
      ...(tlsLookMs === undefined ? {} : { tlsLookMs }),
    });
  let server: OpenServer | undefined;
  const halt = async (): Promise<void> => {
    await server?.close();
    server = undefined;
  };
  const stop = async (): Promise<void> => {
    await halt();
    rmSync(home, { recursive: true, force: true });
  };
  try {
    server = await open();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    folder,
    config,
    trustedRoot: made.trustedRoot,
    signingConfig: made.signingConfig,
    tufRoot: made.tufRoot,
    log,
    operations: `http://127.0.0.1:${operationsPort}`,
    async token(at = url) {
      const form = await tokenRequest(at, workload.privateKey);
      const http = new HttpClient(tls ? { tls: { ca: [readFileSync(join(folder, 'tls/ca.pem'), 'utf8')] } } : {});
      const { status, bytes } = await http.send({
        method: 'POST',
        url: new URL(`${at}/oidc/token`),
        home: { host: 'localhost', privateHosts: [] },
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: Buffer.from(form.toString()),
        deadline: http.clock.now() + 20_000,
        maxBytes: 65_536,
        what: 'the token',
      });
      http.close();
      const { id_token: token } = JSON.parse(Buffer.from(bytes).toString()) as { id_token?: string };
      if (token === undefined) throw new Error(`no token: ${status}`);
      return token;
    },
    halt,
    async restart() {
      await halt();
      server = await open();
    },
    stop,
  };
}
