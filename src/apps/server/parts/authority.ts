/** The certificate authority of this server. */
import { HttpClient } from '../../../clients/http/index.ts';
import {
  authorityRoutes,
  createCertificateAuthority,
  type Issuance,
  IssuerKeys,
  type IssuerRule,
  type IssuingKey,
  Rates,
} from '../../../services/authority/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { type CertificateTransparencyLog, type ControlEvent, openCertificateLog } from '../../../services/log/index.ts';
import type { AuthorityConfig, LogPlace } from '../config.ts';
import { certificateWords, type OpenedPart, type ServerContext } from '../context.ts';
import { readChain } from '../files.ts';
import { checkValidity } from './clock.ts';
import { logStore } from './log-store.ts';
import { type AskedWitnesses, askedWitnesses } from './witnesses.ts';

/** Where the certificate log is served; its name is that of the server with this path. */
const LOG_PREFIX = '/ct';

export async function openAuthority(context: ServerContext, config: AuthorityConfig, place: LogPlace, own: IssuerRule | undefined): Promise<OpenedPart> {
  const { keys, now, clock, failed } = context;
  const { url } = context.config;
  const issuing = { signer: await keys.open(config.key), chain: readChain(config.certificates, 'the certificates of the authority') };
  checkValidity(issuing.chain[0], 'authority', now());
  const witnesses = askedWitnesses('certificate_log', place, context);
  const log = await openCertificateLog({
    ...witnesses.options,
    origin: `${new URL(url).hostname}${LOG_PREFIX}`,
    signer: await keys.open(place.key),
    store: logStore(context.config, place),
    mark: place.mark,
    failed,
    now: () => clock.now(),
    url: `${url}${LOG_PREFIX}/`,
    prefix: LOG_PREFIX,
  });
  try {
    return authorityPart(context, config, issuing, log, witnesses, own);
  } catch (error) {
    await log.close();
    throw error;
  }
}

function authorityPart(
  { state, metrics, now, clock, control }: ServerContext,
  config: AuthorityConfig,
  issuing: IssuingKey,
  log: CertificateTransparencyLog,
  witnesses: AskedWitnesses,
  own: IssuerRule | undefined,
): OpenedPart {
  const authority = createCertificateAuthority({
    issuing,
    former: config.former.map((path) => readChain(path, 'the former certificates of the authority')),
    tokens: { rules: rulesOf([...(own ? [own] : []), ...config.issuers]), keys: new IssuerKeys(new HttpClient()), now },
    log,
    ledger: {
      async record(entry) {
        metrics.outcome('authority', entry.outcome);
        await Promise.all([
          state.recordIssuance(entry.at, entry.outcome, JSON.stringify(entry)),
          entry.outcome === 'issued' ? control?.record(controlEvent(entry)) : undefined,
        ]);
      },
    },
    used: { take: (id, uses, until) => state.takeToken(id, uses, until), giveBack: (id) => state.giveTokenBack(id) },
    rates: new Rates(config.rate, () => performance.now()),
    now: () => clock.now(),
  });
  const [issuer] = issuing.chain;
  return {
    routes: [...authorityRoutes(authority), ...log.routes],
    part: {
      name: 'authority',
      problem: () => (issuer && now() > issuer.notAfter ? 'the certificate of the authority has ended' : (log.health().reason ?? witnesses.problem())),
      describe: () => ({
        certificate: issuer && certificateWords(issuer),
        issuers: [...authority.tokens.rules.keys()],
        logged: String(log.health().size),
        ...witnesses.describe(),
      }),
      async close() {
        await log.close();
        witnesses.close();
      },
    },
  };
}

function rulesOf(rules: readonly IssuerRule[]): ReadonlyMap<string, IssuerRule> {
  const byUrl = new Map<string, IssuerRule>();
  for (const rule of rules) {
    if (byUrl.has(rule.url)) throw new SealwardError('ERR_CONFIG_INVALID', `the issuer ${rule.url} stands there twice`);
    byUrl.set(rule.url, rule);
  }
  return byUrl;
}

/** Who got a certificate is personal, and can be erased; that there is one, and for which key, cannot. */
function controlEvent({ certificate = '', serial = '', key = '', issuer = '', subject = '', name = '' }: Issuance): ControlEvent {
  return {
    kind: 'signing',
    action: 'issue',
    actor: issuer,
    subject: { name: 'certificate', sha256: certificate },
    details: { serial, key },
    personal: { name, subject },
  };
}
