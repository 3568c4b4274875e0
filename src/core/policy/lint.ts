/** What is allowed, and still seldom meant: said of a compiled set, so that shortcuts and shared authorities are seen as they count. */
import { authoritiesOf } from './authorities.ts';
import type { Authority, Identity, ImageException, ImagePolicy, PolicySet, TextPattern } from './policy.ts';

export const LINT_RULES = {
  'wide-identity': 'An identity is taken from whoever can choose the name, such as any account of an issuer.',
  'wide-exclude': 'An exclusion takes images of every registry out of the policy.',
  'wide-exception': 'An exception is for images of every registry.',
  'long-exception': 'An exception lasts longer than 90 days.',
  'workflow-not-named': 'A CI identity does not say which workflow signs, so that every job of the repository can.',
  'name-can-change-hands': 'A CI identity is bound to names of a repository alone, and not to the ids that stay when a name changes hands.',
  'key-without-end': 'A key of the policy itself counts for ever.',
  'nothing-dated': 'Nothing has to prove when signatures were made, so that a stolen key can sign into the past.',
  'open-default': 'Images that no policy is about may run.',
} as const;

export type LintRule = keyof typeof LINT_RULES;

export interface Lint {
  readonly rule: LintRule;
  /** The document that it is about: file and line. Of the default rule the name of the kind. */
  readonly source: string;
  readonly message: string;
  readonly hint: string;
}

const DAY = 86_400_000;
const LONGEST_EXCEPTION = 90 * DAY;

export function lintPolicies({ policies, exceptions, defaultRule }: PolicySet): Lint[] {
  const open = defaultRule.action !== 'deny';
  return [
    ...policies.flatMap(lintPolicy),
    ...exceptions.flatMap(lintException),
    ...(open
      ? [lint('open-default', 'DefaultRule', `images that no policy is about: ${defaultRule.action}`, 'Deny them, and write a policy for those that may run.')]
      : []),
  ];
}

function lint(rule: LintRule, source: string, message: string, hint: string): Lint {
  return { rule, source, message, hint };
}

function lintPolicy({ name, source, scope, requirements, strictness: { dated } }: ImagePolicy): Lint[] {
  const found = scope.exclude
    .filter(startsAnywhere)
    .map(({ text }) => lint('wide-exclude', source, `${name} excludes ${text}, in every registry`, 'Exclude what lies in registries of your own.'));
  const signed = requirements.filter(({ kind }) => kind === 'signatures' || kind === 'attestation');
  if (signed.length > 0 && dated.logs + dated.timestamps + dated.any === 0) {
    found.push(lint('nothing-dated', source, `${name} takes signatures that nobody dated`, 'Set strictness.dated, for example to either.'));
  }
  const authorities = new Map(requirements.flatMap(authoritiesOf).map((authority) => [authority.name, authority]));
  return [...found, ...[...authorities.values()].flatMap((authority) => lintAuthority(authority, name, source))];
}

function lintAuthority(authority: Authority, policy: string, source: string): Lint[] {
  const who = `the authority ${authority.name} of ${policy}`;
  if (authority.kind === 'keyless') return authority.identities.flatMap((identity) => lintIdentity(identity, who, source));
  // A key of the trust state ends there.
  if (authority.kind !== 'key' || authority.key !== undefined || authority.window?.to !== undefined) return [];
  return [lint('key-without-end', source, `${who} is a key that counts for ever`, 'Give validUntil, or keep the key in the trust state.')];
}

/** Issuers whose subjects are workflows, and what in a subject names one. */
const WORKFLOWS: readonly (readonly [issuer: string, named: RegExp])[] = [
  ['https://token.actions.githubusercontent.com', /\.github\/workflows\/[^*@]/],
  ['https://gitlab.com', /\/\/[^*@]/],
];

const NOBODY = ['https://nobody.example/x/y/z', 'nobody@nowhere.example', 'spiffe://nobody.example/x/y/z'] as const;

/** It takes what nobody ever thought of. */
function isWide(pattern: TextPattern): boolean {
  return NOBODY.some((name) => pattern.matches(name));
}

/** A pattern over images that names no registry. */
function startsAnywhere({ prefix }: TextPattern): boolean {
  return prefix === undefined || prefix === '';
}

function lintIdentity({ issuer, subject, claims }: Identity, who: string, source: string): Lint[] {
  const narrow = claims.filter(({ pattern }) => !isWide(pattern));
  if (isWide(issuer)) return [lint('wide-identity', source, `${who} takes identities of any issuer`, 'Name the issuer.')];
  if ((!subject || isWide(subject)) && narrow.length === 0) {
    return [lint('wide-identity', source, `${who} takes everybody whom ${issuer.text} knows`, 'Name the subject, or claims of the certificate.')];
  }
  const ci = WORKFLOWS.find(([url]) => issuer.matches(url));
  if (!ci) return [];
  const says = (...names: readonly string[]): boolean => narrow.some(({ claim }) => names.includes(claim));
  // The path of the directory behind https:// is none of a workflow.
  const named = subject !== undefined && ci[1].test(subject.text.replace(/^\W*https?:\/\//, ''));
  const found: Lint[] = [];
  if (!named && !says('buildConfigUri', 'buildSignerUri', 'githubWorkflowName')) {
    found.push(
      lint('workflow-not-named', source, `${who} takes every workflow of the repository`, 'Write the workflow and its ref into subject, or give buildConfig.'),
    );
  }
  if (!says('sourceRepositoryId', 'sourceRepositoryOwnerId')) {
    found.push(
      lint('name-can-change-hands', source, `${who} is bound to names, which somebody else may take over`, 'Add sourceRepositoryId or sourceOwnerId.'),
    );
  }
  return found;
}

function lintException({ name, source, scope, digests, window }: ImageException): Lint[] {
  const wide = digests.length === 0 && scope.images.some(startsAnywhere);
  return [
    ...(wide ? [lint('wide-exception', source, `the exception ${name} is for images of every registry`, 'Name the images, or better their digests.')] : []),
    ...(window.to - window.from > LONGEST_EXCEPTION
      ? [
          lint(
            'long-exception',
            source,
            `the exception ${name} lasts ${Math.ceil((window.to - window.from) / DAY)} days`,
            'End it sooner; it can be given anew.',
          ),
        ]
      : []),
  ];
}
