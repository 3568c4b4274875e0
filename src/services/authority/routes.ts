/** The HTTP interface of Fulcio, version 2. */
import { jsonAnswer, type ServiceRoute } from '../../core/contract/index.ts';
import type { Certificate } from '../../core/crypto/index.ts';
import { encodePem } from '../../core/encoding/index.ts';
import type { CertificateAuthority } from './issue.ts';
import type { IssuerKind, IssuerRule } from './issuer.ts';
import { parseSigningRequest, REQUEST_BYTES } from './request.ts';

const JSON_TYPE = 'application/json';

/** Fulcio's API over an authority. */
export function authorityRoutes(authority: CertificateAuthority): ServiceRoute[] {
  const bundle = { chains: authority.chains.map((chain) => ({ certificates: pems(chain) })) };
  const configuration = { issuers: [...authority.tokens.rules.values()].map(describe) };
  return [
    {
      method: 'POST',
      path: '/api/v2/signingCert',
      accepts: [JSON_TYPE],
      maxBytes: REQUEST_BYTES,
      async answer({ body, headers, remote }) {
        const chain = await authority.issue({ ...parseSigningRequest(body, headers['authorization']), remote });
        return jsonAnswer({ signedCertificateEmbeddedSct: { chain: { certificates: pems(chain) } } });
      },
    },
    { method: 'GET', path: '/api/v2/trustBundle', maxBytes: 0, answer: async () => jsonAnswer(bundle) },
    { method: 'GET', path: '/api/v2/configuration', maxBytes: 0, answer: async () => jsonAnswer(configuration) },
  ];
}

function pems(chain: readonly Certificate[]): string[] {
  return chain.map(({ raw }) => encodePem('CERTIFICATE', raw));
}

/** OIDCIssuer of fulcio.proto: clients learn from it which claim to sign. */
function describe({ url, audience, kind, trustDomain, subjectDomain }: IssuerRule): Record<string, unknown> {
  return {
    issuerUrl: url,
    audience,
    challengeClaim: CHALLENGED_BY_ADDRESS.includes(kind) ? 'email' : 'sub',
    issuerType: kind,
    ...(trustDomain === undefined ? {} : { spiffeTrustDomain: trustDomain }),
    ...(subjectDomain === undefined ? {} : { subjectDomain }),
  };
}

const CHALLENGED_BY_ADDRESS: readonly IssuerKind[] = ['email', 'google'];
