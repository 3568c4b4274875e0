/** The actions of `sealward server`: reads its flags, and calls apps/server. */
import packageJson from '../../../package.json' with { type: 'json' };
import { SealwardError } from '../../core/errors.ts';
import { hashPassword } from '../../services/identity/index.ts';
import { loadKeys } from '../cli/index.ts';
import { askStatus, initServer, ONLINE_KEYS, type OnlineKey, ROTATED, rotateKey, rotateLog, rotateTls, runServer, statusLines } from '../server/index.ts';
import type { ServerInvocation } from './server-flags.ts';

export async function run(invocation: ServerInvocation): Promise<number> {
  const [action = 'run', what] = invocation.arguments;
  if (what !== undefined && action !== 'rotate') throw new SealwardError('ERR_USAGE', `\`sealward server ${action}\` takes nothing more`);
  switch (action) {
    case 'run':
      return serveUntilTold(invocation);
    case 'init':
      return init(invocation);
    case 'status':
      return status(invocation);
    case 'rotate': {
      const { config: configFile, offline } = invocation.flags;
      const name = ROTATED.find((one) => one === what);
      const wanted = { configFile, offline, now: Date.now() };
      invocation.terminal.print((await (name ? rotateKey({ ...wanted, name }) : rotateOther(what, wanted, invocation.flags.name))).join('\n'));
      return 0;
    }
    case 'hash-password': {
      const { askFor } = await loadKeys();
      const password = await askFor(invocation, invocation.flags['password-file'], 'Password', true);
      if (password === '') throw new SealwardError('ERR_USAGE', 'the password is empty');
      invocation.terminal.print(await hashPassword(password));
      return 0;
    }
    default:
      throw new SealwardError('ERR_USAGE', `\`sealward server\` cannot ${JSON.stringify(action.slice(0, 40))}`, {
        hint: 'Write `sealward server`, `sealward server init`, `sealward server status`, `sealward server rotate` or `sealward server hash-password`.',
      });
  }
}

function rotateOther(what: string | undefined, wanted: Parameters<typeof rotateTls>[0], host: string | undefined): Promise<readonly string[]> {
  if (what === 'tls') return rotateTls(wanted);
  if (what !== 'log') throw new SealwardError('ERR_USAGE', `rotate takes ${ROTATED.join(', ')}, tls or log`, { hint: 'See `sealward server --help`.' });
  if (host === undefined)
    throw new SealwardError('ERR_USAGE', 'a new shard needs a host name of its own', { hint: 'Give --name HOST, such as log2027.sigstore.example.' });
  return rotateLog({ ...wanted, host });
}

async function serveUntilTold({ flags, terminal, signal, config }: ServerInvocation): Promise<number> {
  await runServer({
    configFile: flags.config,
    version: packageJson.version,
    keyOptions: { environment: config.environment },
    signal,
    log: (line) => void terminal.io.stderr.write(line),
  });
  return 0;
}

async function init(invocation: ServerInvocation): Promise<number> {
  const { flags, terminal, form, signal } = invocation;
  const url = flags.url.replace(/\/$/, '');
  const parsed = URL.parse(url);
  if (!parsed || !/^https?:$/.test(parsed.protocol) || parsed.pathname !== '/' || parsed.search !== '' || parsed.username !== '')
    throw new SealwardError('ERR_USAGE', `--url is not one such as https://sigstore.example: ${JSON.stringify(flags.url.slice(0, 100))}`);
  const { keyOptions } = await loadKeys();
  const made = await initServer({
    folder: flags.folder,
    url,
    listen: flags.listen,
    operations: flags.operations,
    organization: flags.organization,
    keys: keysOf(flags.key),
    keyOptions: keyOptions(invocation),
    now: Date.now(),
    signal,
    ...(flags.database === undefined ? {} : { database: flags.database }),
  });
  if (form === 'json') terminal.print(JSON.stringify(made, null, 2));
  else terminal.print(made.words.join('\n'));
  return 0;
}

async function status({ flags, terminal, signal, form, deadline }: ServerInvocation): Promise<number> {
  const found = await askStatus(flags.config, deadline, signal);
  terminal.print(form === 'json' ? JSON.stringify(found, null, 2) : statusLines(found, Date.now()).join('\n'));
  return Array.isArray(found.problems) && found.problems.length === 0 ? 0 : 1;
}

function keysOf(values: readonly string[]): Partial<Record<OnlineKey, string>> {
  const keys: Partial<Record<OnlineKey, string>> = {};
  for (const value of values) {
    const at = value.indexOf('=');
    const name = ONLINE_KEYS.find((known) => known === value.slice(0, at));
    if (name === undefined || keys[name] !== undefined)
      throw new SealwardError('ERR_USAGE', `--key is not NAME=KEY with a name of ${ONLINE_KEYS.join(', ')}, each once`, {
        hint: 'See `sealward server --help`.',
      });
    keys[name] = value.slice(at + 1);
  }
  return keys;
}
