/** Who signs when no key is given, and which services vouch for it. Names are cosign's where the meaning is the same. */
import type { Flags } from '../flag.ts';

const service = (what: string, more = '') => ({ type: 'string', valueName: 'URL', group: 'trust', summary: `${what}${more}` }) as const;

export const signingFlags = {
  'identity-token': { type: 'string', valueName: 'TOKEN', group: 'signer', summary: 'without a key: an identity token, or a file that holds one' },
  'oidc-provider': {
    type: 'string',
    valueName: 'NAME',
    group: 'signer',
    summary: 'without a key: take the token of github, environment, buildkite, circleci, spiffe, file or google, and of nobody else',
  },
  'oidc-disable-ambient-providers': { type: 'boolean', group: 'signer', summary: 'without a key: take no token of the CI job that this runs in' },
  'oidc-issuer': { type: 'string', valueName: 'URL', group: 'signer', summary: 'without a key: where people sign in' },
  'oidc-client-id': {
    type: 'string',
    valueName: 'ID',
    default: 'sigstore',
    group: 'signer',
    summary: 'without a key: as what this program asks there, and what its tokens are for',
  },
  'fulcio-auth-flow': {
    type: 'choice',
    choices: ['normal', 'device', 'token'],
    group: 'signer',
    summary: 'without a key: sign in with a browser here (normal), by a code in any browser (device), or not at all (token)',
  },
  'signing-config': {
    type: 'string',
    valueName: 'FILE',
    group: 'trust',
    summary: 'a signing_config.json that names the services; those that were fetched last without it',
  },
  'trusted-root': { type: 'string', valueName: 'FILE', group: 'trust', summary: 'the trusted_root.json of the services; what they give must verify with it' },
  'trust-url': {
    type: 'string',
    valueName: 'URL',
    group: 'trust',
    summary: 'a trust repository that serves both, such as https://sigstore.example/trust; it is remembered',
  },
  'trust-root': {
    type: 'string',
    valueName: 'FILE',
    group: 'trust',
    needs: ['trust-url'],
    summary: 'the root.json of --trust-url that is trusted; the first time',
  },
  'fulcio-url': service('a certificate authority, instead of the one in --signing-config'),
  'rekor-url': service('a transparency log, instead of those in --signing-config'),
  'rekor-version': { type: 'choice', choices: ['1', '2'], group: 'trust', summary: 'which interface --rekor-url has; told by the trusted root when not given' },
  'timestamp-server-url': service('a timestamp authority, instead of those in --signing-config'),
  'tlog-upload': { type: 'boolean', default: true, group: 'trust', summary: 'write to the log; false needs a timestamp, or a key' },
} as const satisfies Flags;
