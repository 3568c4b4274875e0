/** The certificate authority of this server. */
import { HttpClient } from '../../../clients/http/index.ts';
import { authorityRoutes, createCertificateAuthority, IssuerKeys, type IssuerRule, promisingLog, Rates } from '../../../services/authority/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import type { AuthorityConfig } from '../config.ts';
import { certificateWords, type OpenedPart, type ServerContext } from '../context.ts';
import { readChain } from '../files.ts';
import { checkValidity } from './clock.ts';

export async function openAuthority(context: ServerContext, config: AuthorityConfig, own: IssuerRule | undefined): Promise<OpenedPart> {
  const { keys, state, metrics, now, clock } = context;
  const issuing = { signer: await keys.open(config.key), chain: readChain(config.certificates, 'the certificates of the authority') };
  checkValidity(issuing.chain[0], 'authority', now());
  const logSigner = await keys.open(context.config.certificateLogKey ?? '');
  const authority = createCertificateAuthority({
    issuing,
    former: config.former.map((path) => readChain(path, 'the former certificates of the authority')),
    tokens: { rules: rulesOf([...(own ? [own] : []), ...config.issuers]), keys: new IssuerKeys(new HttpClient()), now },
    log: promisingLog(logSigner, now, ({ der }, at) => state.keepPrecertificate(at, der)),
    ledger: {
      async record(entry) {
        metrics.outcome('authority', entry.outcome);
        await state.recordIssuance(entry.at, entry.outcome, JSON.stringify(entry));
      },
    },
    used: { take: (id, uses, until) => state.takeToken(id, uses, until), giveBack: (id) => state.giveTokenBack(id) },
    rates: new Rates(config.rate, () => performance.now()),
    now: () => clock.now(),
  });
  const [issuer] = issuing.chain;
  return {
    routes: authorityRoutes(authority),
    part: {
      name: 'authority',
      problem: () => (issuer && now() > issuer.notAfter ? 'the certificate of the authority has ended' : undefined),
      describe: () => ({ certificate: issuer && certificateWords(issuer), issuers: [...authority.tokens.rules.keys()] }),
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
