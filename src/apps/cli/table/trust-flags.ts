/** Who must have signed, and what is trusted: shared by everything that verifies. Names are cosign's where the meaning is the same. */
import type { Flags } from '../flag.ts';

const workflow = (what: string) =>
  ({ type: 'string', valueName: 'TEXT', group: 'signer', summary: `the certificate's GitHub workflow ${what} must be TEXT` }) as const;

export const signerFlags = {
  key: {
    type: 'strings',
    valueName: 'KEY',
    group: 'signer',
    summary: 'a public key in PEM, or the reference of a key that is kept elsewhere, that must have signed; of several, any of them',
  },
  'certificate-identity': {
    type: 'string',
    valueName: 'NAME',
    group: 'signer',
    summary: 'the name in the certificate: an e-mail address, URI or DNS name, in full',
  },
  'certificate-identity-regexp': {
    type: 'string',
    valueName: 'RE2',
    group: 'signer',
    summary: 'the same as a regular expression (RE2 syntax); it must match the whole name',
  },
  'certificate-oidc-issuer': {
    type: 'string',
    valueName: 'URL',
    group: 'signer',
    summary: 'who vouched for the name, such as https://token.actions.githubusercontent.com',
  },
  'certificate-oidc-issuer-regexp': {
    type: 'string',
    valueName: 'RE2',
    group: 'signer',
    summary: 'the same as a regular expression; it must match the whole URL',
  },
  'certificate-github-workflow-name': workflow('name'),
  'certificate-github-workflow-ref': workflow('ref'),
  'certificate-github-workflow-repository': workflow('repository'),
  'certificate-github-workflow-sha': workflow('commit'),
  'certificate-github-workflow-trigger': workflow('trigger'),
} as const satisfies Flags;

const gone = (note: string) => ({ type: 'boolean', group: 'trust', summary: 'has no effect', deprecated: { note } }) as const;
const goneText = (note: string) => ({ type: 'string', valueName: 'TEXT', group: 'trust', summary: 'has no effect', deprecated: { note } }) as const;

/** What --offline means where no evidence is given. */
export const OFFLINE_ALONE = 'verification never asks a log or a certificate authority, with or without it.';

export const trustFlags = {
  'trusted-root': {
    type: 'string',
    valueName: 'FILE',
    group: 'trust',
    summary: 'a Sigstore trusted_root.json; without it the public good root that was fetched last',
  },
  'trust-url': {
    type: 'string',
    valueName: 'URL',
    group: 'trust',
    summary: 'a trust repository that serves it, such as https://sigstore.example/trust; asked the first time, and later when somebody answers',
  },
  'trust-root': {
    type: 'string',
    valueName: 'FILE',
    group: 'trust',
    needs: ['trust-url'],
    summary: 'the root.json of --trust-url that is trusted; the first time',
  },
  'insecure-ignore-tlog': { type: 'boolean', group: 'trust', summary: 'accept signatures without an entry in a transparency log' },
  'insecure-ignore-sct': { type: 'boolean', group: 'trust', summary: 'accept certificates that no certificate log vouches for' },
  'use-signed-timestamps': { type: 'boolean', group: 'trust', summary: 'demand an RFC 3161 timestamp; those that are there are used without this flag' },
  'tlog-threshold': {
    type: 'integer',
    valueName: 'N',
    minimum: 1,
    maximum: 32,
    group: 'trust',
    summary: 'how many independent logs must hold an entry; 1 when not given',
  },
  'timestamp-threshold': {
    type: 'integer',
    valueName: 'N',
    minimum: 1,
    maximum: 32,
    group: 'trust',
    summary: 'how many independent timestamp authorities must have dated it',
  },
  'certificate-chain': {
    type: 'string',
    valueName: 'FILE',
    group: 'trust',
    summary: 'certificates of a private authority in PEM, up to its root',
    deprecated: { note: 'give the certificates in a --trusted-root. They are used.' },
  },
  'ca-roots': {
    type: 'string',
    valueName: 'FILE',
    group: 'trust',
    summary: 'root certificates of private authorities in PEM',
    deprecated: { note: 'give the certificates in a --trusted-root. They are used.' },
  },
  'ca-intermediates': {
    type: 'string',
    valueName: 'FILE',
    group: 'trust',
    summary: 'certificates between those roots and the signer, in PEM',
    deprecated: { note: 'give the certificates in a --trusted-root. They are used.' },
  },
  'timestamp-certificate-chain': {
    type: 'string',
    valueName: 'FILE',
    group: 'trust',
    env: 'SIGSTORE_TSA_CERTIFICATE_FILE',
    summary: 'certificates of a timestamp authority in PEM',
    deprecated: { note: 'give the certificates in a --trusted-root. They are used.' },
  },
  'private-infrastructure': {
    type: 'boolean',
    group: 'trust',
    summary: 'the same as --insecure-ignore-tlog',
    deprecated: { note: 'use --insecure-ignore-tlog, which is what it means.', to: 'insecure-ignore-tlog' },
  },
  offline: gone(OFFLINE_ALONE),
  'experimental-oci11': gone('referrers are always asked for.'),
  'new-bundle-format': gone('all formats are read.'),
  'rekor-url': goneText('no log is asked; what proves the entry travels with the signature.'),
  sct: goneText('the certificate carries its timestamps itself; one in a file is not read.'),
} as const satisfies Flags;

/** What was gathered before, for those who judge images. */
export const evidenceFlags = {
  evidence: {
    type: 'string',
    valueName: 'PATH',
    group: 'input',
    summary:
      'keep what the registry says in the folder PATH, and judge by it when the registry does not answer; or an archive of `sealward evidence export`, to read',
  },
  offline: { type: 'boolean', group: 'input', summary: 'with --evidence: ask no registry at all' },
} as const satisfies Flags;

export const explainFlags = {
  explain: { type: 'boolean', group: 'output', summary: 'show every place that was asked, every signature, what passed and the first thing that failed' },
  'max-workers': { type: 'integer', valueName: 'N', minimum: 1, maximum: 64, default: 10, group: 'general', summary: 'how many things are done side by side' },
} as const satisfies Flags;

export const annotationFlags = {
  annotations: { type: 'strings', short: 'a', valueName: 'KEY=VALUE', group: 'claims', summary: 'an annotation that must have been signed' },
  'check-claims': { type: 'boolean', default: true, group: 'claims', summary: 'the digest must be the one that was signed; false is refused' },
  'repository-claim': {
    type: 'choice',
    choices: ['any', 'exact'],
    default: 'any',
    group: 'claims',
    summary: 'exact: the signature must name the repository that is asked about',
  },
} as const satisfies Flags;

export const predicateFlags = {
  type: {
    type: 'strings',
    valueName: 'TYPE',
    group: 'claims',
    summary:
      'a predicate type, as a URI or one of slsaprovenance, slsaprovenance02, slsaprovenance1, link, spdx, spdxjson, cyclonedx, vuln, openvex, custom; any type when not given',
  },
  'predicate-type': { type: 'strings', valueName: 'TYPE', group: 'claims', hidden: true, sameAs: 'type', summary: 'the same as --type' },
} as const satisfies Flags;

/** Of blobs: the signature and what belongs to it lie in files. */
export const blobFlags = {
  bundle: { type: 'string', valueName: 'FILE', group: 'input', summary: 'a Sigstore bundle, a DSSE envelope or a bundle of cosign 1 and 2' },
  signature: {
    type: 'string',
    valueName: 'FILE',
    group: 'input',
    summary: 'a detached signature: a file, or base64',
    deprecated: { note: 'give a --bundle, which holds all that belongs to a signature. It is used.' },
  },
  certificate: {
    type: 'string',
    valueName: 'FILE',
    group: 'input',
    summary: "the signer's certificate in PEM, for --signature",
    deprecated: { note: 'give a --bundle, which holds the certificate. It is used.' },
  },
  'rfc3161-timestamp': {
    type: 'string',
    valueName: 'FILE',
    group: 'input',
    summary: 'an RFC 3161 timestamp of the signature, for --signature',
    deprecated: { note: 'give a --bundle, which holds the timestamp. It is used.' },
  },
} as const satisfies Flags;
