/** What `sealward server` is called, takes and says of itself. */
import { defineCommand, type Invocation } from '../cli/index.ts';

export const spec = defineCommand({
  name: 'server',
  group: 'settings',
  serves: true,
  summary: 'Run a Sigstore of your own: certificates, log, timestamps and trust root in one process',
  description: [
    'Without an action: runs the server of --config until it is told to stop (SIGTERM), then answers what has come and ends.',
    'init: makes a folder with keys, certificates, the first trusted root and a configuration, and prints what a client needs. The folder `offline` in it is to be taken away.',
    'status: asks the running server, and says in words what runs, how old its certificates are, and what is wrong.',
    'rotate authority | timestamp: makes another key, certified by the root in --offline, and stages it for the trust repository; says what to do next.',
    'rotate tls: makes another key and certificate for the name of the server, by the authority in --offline; a running server takes them by itself.',
    'rotate log: makes the key of another shard of the log, named --name, and stages it for the trust repository; says what to do next.',
    'hash-password: reads a password and prints what `passwordHashFile` of a user holds.',
  ],
  examples: [
    { does: 'a server for this machine', command: 'sealward server init --folder sigstore && sealward server --config sigstore/server.yaml' },
    {
      does: 'for a team, on PostgreSQL',
      command:
        'sealward server init --folder sigstore --url https://sigstore.example --listen 0.0.0.0:443 \\\n    --database postgres://sealward@db.example/sealward',
    },
    {
      does: 'with the key of the authority in an HSM',
      command: "sealward server init --folder sigstore --key 'authority=pkcs11:token=ca;object=authority?pin-source=/run/pin'",
    },
  ],
  arguments: [{ name: 'init|status|rotate|hash-password', summary: 'what to do, and for rotate which key; nothing to run the server', minimum: 0, maximum: 2 }],
  flags: {
    config: { type: 'string', valueName: 'FILE', default: 'server.yaml', group: 'input', summary: 'the configuration' },
    folder: { type: 'string', valueName: 'DIR', default: 'sigstore', group: 'output', summary: 'init: the new folder' },
    url: { type: 'string', valueName: 'URL', default: 'https://localhost:8443', group: 'input', summary: 'init: where clients will reach the server' },
    listen: { type: 'string', valueName: 'HOST:PORT', default: '127.0.0.1:8443', group: 'input', summary: 'init: where it listens' },
    operations: {
      type: 'string',
      valueName: 'HOST:PORT',
      default: '127.0.0.1:8444',
      group: 'input',
      summary: 'init: where it answers for health, readiness and metrics, without TLS',
    },
    offline: { type: 'string', valueName: 'DIR', default: 'offline', group: 'input', summary: 'rotate: the folder that was taken away' },
    name: { type: 'string', valueName: 'HOST', group: 'input', summary: 'rotate log: the host name of the new shard' },
    organization: {
      type: 'string',
      valueName: 'NAME',
      default: 'sealward',
      group: 'input',
      summary: 'init: the name in its certificates, and of its operator',
    },
    database: { type: 'string', valueName: 'URL', group: 'input', summary: 'init: postgres://..., instead of SQLite files in the folder' },
    key: {
      type: 'strings',
      valueName: 'NAME=KEY',
      group: 'key',
      summary: 'init: a key that exists elsewhere, for authority, certificate-log, timestamp, identity, trust, log, control-log, auditor or witness',
    },
    'password-file': { type: 'string', valueName: 'FILE', group: 'key', summary: 'hash-password: the password; from a prompt or stdin when not given' },
    output: { type: 'choice', short: 'o', choices: ['json', 'text'], group: 'output', summary: 'form of the result of init and status' },
  },
});

export type ServerInvocation = Invocation<(typeof spec)['flags']>;
