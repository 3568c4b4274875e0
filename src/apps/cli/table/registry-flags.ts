import type { Flags } from '../flag.ts';

/** How a registry is reached. */
export const connectionFlags = {
  'registry-cacert': {
    type: 'string',
    valueName: 'FILE',
    group: 'registry',
    summary: 'certificates in PEM that vouch for the registry, besides those of the system',
  },
  'registry-client-cert': { type: 'string', valueName: 'FILE', group: 'registry', summary: 'a certificate in PEM to show to the registry' },
  'registry-client-key': { type: 'string', valueName: 'FILE', group: 'registry', summary: 'its private key in PEM' },
  'registry-server-name': { type: 'string', valueName: 'NAME', group: 'registry', summary: "the name that the registry's certificate must have" },
  'registry-mirror': {
    type: 'strings',
    valueName: 'HOST=MIRROR',
    group: 'registry',
    summary: 'ask MIRROR (HOST[:PORT][/PREFIX]) before HOST; in the order given',
  },
  'registry-realm-host': {
    type: 'strings',
    valueName: 'HOST=REALM',
    group: 'registry',
    summary: "the token server of HOST is on the host REALM, and may have HOST's credentials",
  },
  'allow-insecure-registry': { type: 'boolean', group: 'registry', summary: 'accept any certificate of the registry; for tests only' },
  'allow-http-registry': { type: 'boolean', group: 'registry', summary: 'talk to the registry without TLS; loopback needs no flag' },
} as const satisfies Flags;

/** And who asks. */
export const registryFlags = {
  'registry-username': { type: 'string', valueName: 'NAME', group: 'registry', summary: "instead of what Docker's configuration knows" },
  'registry-password': { type: 'string', valueName: 'PASSWORD', group: 'registry', summary: 'with --registry-username' },
  'registry-token': { type: 'string', valueName: 'TOKEN', group: 'registry', summary: 'a bearer token, instead of name and password' },
  ...connectionFlags,
} as const satisfies Flags;
