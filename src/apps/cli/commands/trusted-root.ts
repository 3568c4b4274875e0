import { type JsonObject, LIMITS, parseJsonObject, utf8 } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { type Anchor, type Anchors, composeTrustedRoot, parseTrustedRoot } from '../../../core/trust/index.ts';
import { describeKey } from '../../../core/crypto/index.ts';
import { publicGoodRoot } from '../anchors.ts';
import { readBytes } from '../file.ts';
import type { Description } from '../inspect/description.ts';
import { descriptionLines } from '../inspect/description.ts';
import type { Invocation, Run } from '../invocation.ts';
import { certificateService, keyService, timestampService } from '../service-flag.ts';
import { isoTime } from '../signer-words.ts';
import type { trustedRoot } from '../table/trusted-root.ts';
import { visible, visibleJson } from '../visible.ts';

type Asked = Invocation<(typeof trustedRoot)['flags']>;

const SERVICES = ['fulcio', 'rekor', 'ctfe', 'tsa'] as const;
const OF_CREATE = [...SERVICES, 'with-default-services'] as const;

export const run: Run<typeof trustedRoot> = async (invocation) => {
  const [action = '', file] = invocation.arguments;
  if (action === 'create') create(invocation, file);
  else if (action === 'show') show(invocation, file);
  else
    throw new SealwardError('ERR_USAGE', `\`sealward trusted-root\` cannot ${JSON.stringify(action.slice(0, 40))}`, {
      hint: 'Write `sealward trusted-root create` or `sealward trusted-root show FILE`.',
    });
  return 0;
};

function create({ flags, config, terminal }: Asked, file: string | undefined): void {
  if (file !== undefined) throw new SealwardError('ERR_USAGE', '`sealward trusted-root create` takes no file', { hint: 'Give --out FILE for the result.' });
  const own = composeTrustedRoot({
    authorities: flags.fulcio.map((text) => certificateService('fulcio', text)),
    logs: flags.rekor.map((text) => keyService('rekor', text)),
    certificateLogs: flags.ctfe.map((text) => keyService('ctfe', text)),
    timestampAuthorities: flags.tsa.map((text) => timestampService('tsa', text)),
  });
  if (SERVICES.every((name) => flags[name].length === 0) && !flags['with-default-services'])
    terminal.warn('no service is given: with this root nothing is trusted but keys');
  const root = flags['with-default-services'] ? { ...publicRoot(config), ...own } : own;
  const text = `${JSON.stringify(root, null, 2)}\n`;
  // What is written is read first, as everybody who gets it will.
  parseTrustedRoot(utf8(text));
  terminal.print(text);
}

/** Of the public root, what this program reads. */
function publicRoot(config: Asked['config']): JsonObject {
  const path = publicGoodRoot(config);
  if (path === undefined)
    throw new SealwardError('ERR_TRUSTED_ROOT_MISSING', `no trusted root of the public good instance lies in ${visible(config.tufRoot)}`, {
      hint: 'Fetch it once with `cosign initialize`.',
    });
  const bytes = readBytes(path, LIMITS.documentBytes, 'the trusted root');
  parseTrustedRoot(bytes);
  return parseJsonObject(bytes, { what: 'the trusted root', maxBytes: LIMITS.documentBytes });
}

function show({ given, terminal, form }: Asked, file: string | undefined): void {
  const foreign = OF_CREATE.find((name) => given.has(name));
  if (foreign !== undefined) throw new SealwardError('ERR_USAGE', `--${foreign} is for \`sealward trusted-root create\``);
  if (file === undefined) throw new SealwardError('ERR_USAGE', '`sealward trusted-root show` needs FILE');
  const anchors = parseTrustedRoot(readBytes(file, LIMITS.documentBytes, 'the trusted root'));
  const described = describeAnchors(anchors);
  if (form === 'json') terminal.print(visibleJson(described));
  else terminal.print(descriptionLines(described, visible).join('\n'));
}

function describeAnchors({ authorities, logs, certificateLogs, timestampAuthorities }: Anchors): Description {
  return {
    certificateAuthorities: authorities.map((anchor) => ({ ...common(anchor), certificates: anchor.certificates.map(({ subjectText }) => subjectText) })),
    transparencyLogs: logs.map((anchor) => ({ ...common(anchor), key: describeKey(anchor.key) })),
    certificateLogs: certificateLogs.map((anchor) => ({ ...common(anchor), key: describeKey(anchor.key) })),
    timestampAuthorities: timestampAuthorities.map((anchor) => ({
      ...common(anchor),
      certificates: anchor.certificates.map(({ subjectText }) => subjectText),
    })),
  };
}

function common({ name, operator, window, id }: Anchor): Description {
  return {
    name,
    ...(operator === undefined ? {} : { operator }),
    trustedFrom: isoTime(window.from),
    trustedTo: window.to === undefined ? 'not ended' : isoTime(window.to),
    sha256: id,
  };
}
