/** Authorities as they are written, to the ones that the judge compares with. */
import { parseCertificatesPem, parsePublicKeyPem } from '../crypto/index.ts';
import { ALWAYS, type Anchors, authorityAnchors, joinAnchors, keyAnchor, NO_ANCHORS, type Window } from '../trust/index.ts';
import type { Node } from 'yaml';
import { CLAIM_NAMES, type ClaimName, type authorityShape } from './authority-shape.ts';
import type { CompileContext } from './compiled.ts';
import type { Authority, Identity, TextPattern } from './policy.ts';
import type { At, ValueOf } from './shape.ts';
import { attempt } from './shape.ts';
import type { Reading } from './yaml-source.ts';

export interface CompiledAuthority {
  readonly authority: Authority;
  readonly anchors: Anchors;
  readonly node: Node;
  readonly reading: Reading;
}

type Written = ValueOf<typeof authorityShape>;

export function compileAuthority({ value, node }: At<Written>, reading: Reading, context: CompileContext, mayAnchor: boolean): CompiledAuthority | undefined {
  if (['key', 'keyless', 'certificate'].filter((kind) => kind in value).length !== 1)
    return reading.problem(node, `the authority ${value.name.value} must be exactly one of key, keyless and certificate`);
  const window = windowOf(value, reading);
  const base = { name: value.name.value, ...(window ? { window } : {}) };
  const made = value.key
    ? compileKey(value.key, base, reading, context, mayAnchor)
    : value.certificate
      ? compileCertificate(value.certificate, base, reading, context, mayAnchor)
      : value.keyless && compileKeyless(value.keyless, base);
  return made && { ...made, node, reading };
}

type Made = { readonly authority: Authority; readonly anchors: Anchors };
type Base = { readonly name: string; readonly window?: Window };

function windowOf({ validFrom, validUntil }: Written, reading: Reading): Window | undefined {
  if (validFrom === undefined && validUntil === undefined) return undefined;
  const from = validFrom ?? ALWAYS.from;
  if (validUntil !== undefined && validUntil.value < from) reading.problem(validUntil.node, 'it ends before it begins');
  return { from, ...(validUntil === undefined ? {} : { to: validUntil.value }) };
}

function compileKey(
  { value, node }: At<NonNullable<Written['key']>['value']>,
  base: Base,
  reading: Reading,
  context: CompileContext,
  mayAnchor: boolean,
): Made | undefined {
  const { pem, file, fingerprint, trustKey } = value;
  if (Object.keys(value).length !== 1) {
    return reading.problem(node, 'exactly one of pem, file, fingerprint and trustKey must be given');
  }
  if (fingerprint) return { authority: { ...base, kind: 'key', anchors: [fingerprint.value] }, anchors: NO_ANCHORS };
  if (trustKey) return compileTrustKey(trustKey, base, reading, context);
  if (file && context.filesLater) return { authority: { ...base, kind: 'key', anchors: [] }, anchors: NO_ANCHORS };
  const given = textOf(pem, file, reading, context, mayAnchor);
  const key = given && attempt(() => parsePublicKeyPem(given.text, 'the key'), given.node, reading);
  if (!key) return undefined;
  const anchor = keyAnchor(key);
  return { authority: { ...base, kind: 'key', anchors: [anchor.id] }, anchors: joinAnchors({ keys: [anchor] }) };
}

function compileTrustKey({ value, node }: At<string>, base: Base, reading: Reading, { keys }: CompileContext): Made | undefined {
  if (!keys)
    return reading.problem(
      node,
      `the key ${value} is one of the trust state, and none was given`,
      'Give --trust FOLDER, or name the key by its file or fingerprint.',
    );
  const [name, version] = value.split('/');
  const found = keys.filter((key) => key.name === name && key.role === 'artifact' && (version === undefined || key.version === Number(version)));
  if (found.length === 0) {
    const known = [...new Set(keys.filter(({ role }) => role === 'artifact').map((key) => key.name))];
    return reading.problem(node, `the trust state has no key ${value} for artifacts`, known.length === 0 ? undefined : `It has ${known.join(', ')}.`);
  }
  return { authority: { ...base, kind: 'key', key: value, anchors: [...new Set(found.map(({ anchor }) => anchor))].sort() }, anchors: NO_ANCHORS };
}

function compileKeyless({ value: { identities, authorities = [], certificateLog = true } }: At<NonNullable<Written['keyless']>['value']>, base: Base): Made {
  return {
    authority: { ...base, kind: 'keyless', identities: identities.map(({ value }) => identityOf(value)), anchors: [...authorities].sort(), certificateLog },
    anchors: NO_ANCHORS,
  };
}

function identityOf(written: NonNullable<Written['keyless']>['value']['identities'][number]['value']): Identity {
  const claims = (Object.keys(CLAIM_NAMES) as ClaimName[]).flatMap((name) => {
    const pattern: TextPattern | undefined = written[name];
    return pattern ? [{ claim: CLAIM_NAMES[name], pattern }] : [];
  });
  return { issuer: written.issuer.value, ...(written.subject ? { subject: written.subject.value } : {}), claims };
}

function compileCertificate(
  { value, node }: At<NonNullable<Written['certificate']>['value']>,
  base: Base,
  reading: Reading,
  context: CompileContext,
  mayAnchor: boolean,
): Made | undefined {
  const { pem, file, subject, names = [], extendedKeyUsage = [] } = value;
  if ((pem === undefined) === (file === undefined)) return reading.problem(node, 'exactly one of pem and file must be given');
  if (!subject && names.length === 0) {
    return reading.problem(node, 'whose certificate counts is not said', 'Give subject or names; { regex: .* } takes everybody whom the authority certified.');
  }
  if (file && context.filesLater) return { authority: { ...base, kind: 'certificate', anchors: [], names, extendedKeyUsage }, anchors: NO_ANCHORS };
  const given = textOf(pem, file, reading, context, mayAnchor);
  const anchors = given && attempt(() => authorityAnchors(parseCertificatesPem(given.text, 'the certificates')), given.node, reading);
  if (!anchors) return undefined;
  return {
    authority: { ...base, kind: 'certificate', anchors: anchors.map(({ id }) => id).sort(), ...(subject ? { subject } : {}), names, extendedKeyUsage },
    anchors: joinAnchors({ authorities: anchors }),
  };
}

function textOf(
  pem: At<string> | undefined,
  file: At<string> | undefined,
  reading: Reading,
  { readFile }: CompileContext,
  mayAnchor: boolean,
): { text: string; node: Node } | undefined {
  const given = pem ?? file;
  if (!given) return undefined;
  // Whoever may write objects into a namespace may not thereby become somebody who is trusted.
  if (!mayAnchor)
    return reading.problem(
      given.node,
      'a policy that nobody signed may not bring keys or certificates of its own',
      'Name a key of the trust state with trustKey.',
    );
  if (pem) return { text: pem.value, node: pem.node };
  const text = readFile?.(given.value, reading.source);
  return text === undefined
    ? reading.problem(given.node, `the file ${given.value} is not there`, undefined, 'ERR_FILE_UNREADABLE')
    : { text, node: given.node };
}
