/**
 * Policies as containers' policy.json and registries.d (containers-policy.json(5), containers-registries.d(5)), which CRI-O,
 * podman and skopeo read. That language knows keys and places, and hardly more: what it cannot say becomes a rejection of
 * the images that it is about, so that nothing runs by the result that does not run by the policies.
 */
import { encodePublicKeyPem, type PublicKey } from '../../crypto/index.ts';
import { encodeBase64, type JsonObject, utf8 } from '../../encoding/index.ts';
import { inWindow, type KeyVersion, type LogAnchor, type TrustState } from '../../trust/index.ts';
import { inCombination } from '../authorities.ts';
import type { ImportLine } from '../compiled.ts';
import type { Authority, ImagePolicy, Mode, PolicySet, Strictness } from '../policy.ts';
import { reachOf } from '../scope.ts';
import { type Clauses, clausesOf } from './clauses.ts';
import type { CompiledTo, CompileTarget, Keys, Note } from './compiled-to.ts';
import { excludedScopes, isLeftOutAt, liesIn, type ScopeOf, scopesOf, takesAll } from './scopes.ts';

const REJECT: JsonObject = { type: 'reject' };
const ACCEPT: JsonObject = { type: 'insecureAcceptAnything' };

/** What one policy comes to. */
interface Carried {
  readonly policy: ImagePolicy;
  readonly note: Note;
  readonly scopes: readonly ScopeOf[];
  /** What it leaves out: scopes whole, and those of which it leaves out some images and not others. */
  readonly without: readonly string[];
  readonly kept: readonly ScopeOf[];
  /** Undefined: it only warns, and demands nothing there. */
  readonly demands?: Demands;
}

/** Keys to sign, or why every image is rejected. */
type Demands = { readonly clauses: Clauses; readonly logs: readonly LogAnchor[] } | string;

export function compileContainersPolicy(policies: PolicySet, trust: TrustState, target: CompileTarget): CompiledTo {
  const report: ImportLine[] = [];
  const noteOf = ({ source }: Pick<ImagePolicy, 'source'>): Note => {
    const [, file = source, line = '1'] = /^(.*):(\d+)$/.exec(source) ?? [];
    return (outcome, path, detail) => report.push({ source: file, line: Number(line), path, outcome, ...(detail === undefined ? {} : { detail }) });
  };
  const denied = deniedWhole(trust, target);
  const keys: Keys = new Map([...trust.anchors.keys, ...policies.anchors.keys].map((anchor) => [anchor.id, anchor]));
  const carried = policies.policies
    .filter(({ scope, namespace }) => isAbout(scope, namespace, target))
    .map((policy) => carry(policy, trust, keys, target, noteOf(policy)));
  for (const { source, name } of policies.exceptions)
    noteOf({ source })('not-mapped', name, 'a file does not know when an exception ends: the policies hold without it');
  const places = [...new Set(['', ...carried.flatMap(({ scopes, without, kept }) => [...[...scopes, ...kept].map(({ scope }) => scope), ...without])])].sort();
  const byDefault = policies.defaultRule.action === 'deny' ? REJECT : ACCEPT;
  const docker = Object.fromEntries(places.map((place) => [place, denied === undefined ? demandsAt(place, carried, byDefault, keys) : [REJECT]]));
  const whole: Note = noteOf({ source: 'the result' });
  if (denied !== undefined) whole('not-mapped', 'trust', `${denied}: everything is rejected`);
  if (policies.defaultRule.action === 'warn') whole('different', 'DefaultRule', 'images that no policy is about run, and nobody is warned');
  else whole('mapped', 'DefaultRule');
  whole('different', 'time', 'what holds now is in it, keys that end or are revoked later as well: compile it anew after each change of the trust state');
  whole(
    'different',
    'signatures',
    'only signatures beside the image under the tag .sig are read (`sealward sign --signature-format both`), of an index those of each of its images',
  );
  const attachments = Object.fromEntries(
    places
      .filter((place) => place !== '' && docker[place]?.some(({ type }) => type === 'sigstoreSigned'))
      .map((place) => [place, { 'use-sigstore-attachments': true }]),
  );
  const everywhere = docker['']?.some(({ type }) => type === 'sigstoreSigned') === true;
  return {
    files: [
      { name: 'policy.json', text: json({ default: [REJECT], transports: { docker } }) },
      {
        name: 'registries.d/sealward.yaml',
        // JSON is YAML.
        text: json({ ...(everywhere ? { 'default-docker': { 'use-sigstore-attachments': true } } : {}), docker: attachments }),
      },
    ],
    report,
  };
}

function json(value: JsonObject): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** A key that is denied is left out; of images, signatures and identities the file knows nothing, and past the lease nothing new is admitted. */
function deniedWhole({ denials, lease }: TrustState, { now }: CompileTarget): string | undefined {
  if (now >= lease.endsAt) return `the lease of the trust state ended at ${new Date(lease.endsAt).toISOString()}`;
  const single = denials.find(({ kind }) => kind === 'digest' || kind === 'signature');
  return single && `the trust state denies one ${single.kind} (${single.id}), which cannot be said there`;
}

function isAbout(scope: ImagePolicy['scope'], own: string | undefined, { cluster, environment, namespace }: CompileTarget): boolean {
  const reach = reachOf(scope, {
    ...(cluster === undefined ? {} : { cluster }),
    ...(environment === undefined ? {} : { environment }),
    ...(namespace === undefined ? {} : { namespace }),
  });
  if (own !== undefined && namespace !== undefined && own !== namespace) return false;
  return reach === 'cluster-wide' || reach === 'in-namespace' || reach === 'namespace-unknown';
}

/** The strictest of those that may hold, where nobody says which environment it is. */
function modeFor({ mode, modes }: ImagePolicy, { environment }: CompileTarget): Mode {
  if (environment !== undefined) return modes.find((one) => one.environment === environment)?.mode ?? mode;
  const all = [mode, ...modes.map((one) => one.mode)];
  return all.includes('enforce') ? 'enforce' : all.includes('warn') ? 'warn' : 'audit';
}

function carry(policy: ImagePolicy, trust: TrustState, keys: Keys, target: CompileTarget, note: Note): Carried {
  const { name, scope } = policy;
  const scopes = scopesOf(scope);
  const { whole: without, kept } = excludedScopes(scope);
  const mode = modeFor(policy, target);
  const place = (one: string): string => (one === '' ? 'every image' : one);
  for (const { scope: one, takes } of scopes)
    if (takes === 'whole') note('mapped', `${name}: match.images`);
    else if (mode !== 'enforce') note('different', `${name}: match.images`, `what else ${place(one)} is about cannot be told apart: the default holds there`);
    else if (takes === 'one') note('different', `${name}: match.images`, `it is also about what lies below ${one}, which must be signed for ${one}`);
    else if (takes === 'below') note('different', `${name}: match.images`, `it is also about the repository ${one} itself`);
    else if (takes === 'portless') note('different', `${name}: match.images`, `it is also about the hosts of ${one} with a port`);
    else note('different', `${name}: match.images`, `patterns below ${place(one)} cannot be said: more images are meant`);
  for (const { scope: one } of kept)
    note(
      'different',
      `${name}: match.exclude`,
      `what is left out of ${place(one)} cannot be said: the policy holds there, too, and the default where no other one is about it`,
    );
  if (scope.namespaces.length + scope.namespaceLabels.length > 0 && target.namespace === undefined)
    note('different', `${name}: match.namespaces`, 'a node does not know the namespace: the policy holds in all of them');
  else if (scope.namespaceLabels.length > 0)
    note('different', `${name}: match.namespaceLabels`, 'a node does not know the labels: the policy holds whatever they are');
  if (mode !== 'enforce') {
    note(
      'different',
      `${name}: mode`,
      `it is only ${mode === 'warn' ? 'warned of' : 'recorded'} what does not satisfy it, and there is no such thing: nothing is demanded`,
    );
    return { policy, note, scopes, without, kept };
  }
  const demands = demandsOf(policy, trust, keys, target, note);
  if (typeof demands === 'string') note('not-mapped', name, `${demands}: its images are rejected`);
  return { policy, note, scopes, without, kept, demands };
}

function demandsOf({ name, requirements, strictness, onInconclusive }: ImagePolicy, trust: TrustState, keys: Keys, target: CompileTarget, note: Note): Demands {
  const [signatures, ...others] = [...requirements].sort((a, b) => Number(b.kind === 'signatures') - Number(a.kind === 'signatures'));
  const [other = signatures?.kind === 'signatures' ? undefined : signatures] = others;
  if (other?.kind === 'refusal') return 'the policy refuses them all';
  if (other) return other.kind === 'image' ? 'how images are called and labelled cannot be asked for' : `the attestation ${other.name} cannot be asked for`;
  if (signatures?.kind !== 'signatures') return 'it asks for nothing that can be said';
  const strict = strictnessLost(strictness);
  if (strict !== undefined) return strict;
  const { logs, dated } = logsOf(strictness, trust, target);
  if (dated && logs.length === 0) return 'signatures must be dated, and no log is known by which that could be asked for';
  const usable = usableKeys(keys, trust, strictness, target);
  const found = new Map(inCombination(signatures.combination).map((authority) => [authority.name, keysOfAuthority(authority, usable, target)]));
  for (const [authority, of] of found) if (typeof of === 'string') note('not-mapped', `${name}: ${authority}`, `${of}: its signatures count for nothing there`);
  const keysOf = (authority: Authority): readonly string[] => {
    const of = found.get(authority.name) ?? [];
    return typeof of === 'string' ? [] : of;
  };
  const clauses = clausesOf(signatures.combination, keysOf, (key) => personOf(key, trust));
  if (typeof clauses === 'string') return clauses;
  note('mapped', `${name}: signatures`);
  for (const { name: authority, window } of inCombination(signatures.combination))
    if (window?.to !== undefined && typeof found.get(authority) !== 'string')
      note('different', `${name}: ${authority}`, `it ends at ${new Date(window.to).toISOString()}: compile it anew before then`);
  if (dated && strictness.dated.logs === 0) note('different', `${name}: strictness.dated`, 'only a log can have dated them there');
  if (strictness.repositoryClaim.rule !== 'exact')
    note('different', `${name}: strictness.repositoryClaim`, 'a signature must name the repository of the image there');
  if (strictness.repositoryClaim.mirrors.length > 0)
    note('different', `${name}: strictness.repositoryClaim.mirrors`, 'of a mirror signatures must name the mirror');
  if (onInconclusive !== 'deny') note('different', `${name}: onInconclusive`, 'what cannot be found out is denied');
  return { clauses, logs: dated ? logs : [] };
}

/** What would be lost, and so is not carried over. */
function strictnessLost({ postQuantum, dated, maxAge, minAge, annotations, repositoryClaim, hashes }: Strictness): string | undefined {
  if (postQuantum === 'require') return 'post-quantum signatures are not verified there';
  if (dated.timestamps > 0 || dated.logs > 1 || dated.any > 1) return 'timestamps, and more than one log, cannot be asked for';
  if (maxAge !== undefined || minAge !== undefined) return 'the age of a signature cannot be asked for';
  if (annotations.length > 0) return 'annotations cannot be asked for';
  if (repositoryClaim.rule === 'prefix') return 'a prefix of the name that a signature claims cannot be asked for';
  if (repositoryClaim.tag) return 'the tag that a signature claims cannot be asked for beside the repository alone';
  return hashes.length > 0 && !hashes.includes('sha256') ? 'only SHA-256 is verified there' : undefined;
}

function logsOf(
  { dated }: Strictness,
  { anchors, denials }: TrustState,
  { now }: CompileTarget,
): { readonly dated: boolean; readonly logs: readonly LogAnchor[] } {
  const gone = new Set(denials.flatMap((one) => (one.kind === 'log' ? [one.anchor] : [])));
  // Of a log that has ended entries from after its end would count.
  const logs = anchors.logs.filter(({ id, key, window }) => key.kind === 'ec' && window.to === undefined && inWindow(window, now) && !gone.has(id));
  return { dated: dated.logs + dated.any > 0, logs };
}

/** Keys whose signatures all count now: what only some of them are worth cannot be said. */
function usableKeys(keys: Keys, { keys: versions, denials }: TrustState, strictness: Strictness, { now }: CompileTarget): ReadonlySet<string> {
  const denied = new Set(denials.flatMap((one) => (one.kind === 'key' ? [one.key] : [])));
  const counts = ({ role, state, window }: KeyVersion): boolean => role === 'artifact' && state === 'active' && inWindow(window, now);
  return new Set(
    [...keys.values()]
      .filter(({ id, window }) => !denied.has(id) && inWindow(window, now) && versions.every((one) => one.anchor !== id || counts(one)))
      .filter(({ key }) => isVerifiedThere(key, strictness))
      .map(({ id }) => id),
  );
}

/** The hash is SHA-256 there, whatever the key. */
function isVerifiedThere(key: PublicKey, { algorithms, hashes, minimumBits: { rsa, ecdsa } }: Strictness): boolean {
  const listed = (...ids: readonly string[]): boolean => algorithms.length === 0 || ids.some((id) => algorithms.includes(id));
  const { curve = '', bits = 0 } = key;
  switch (key.kind) {
    case 'ec':
      return listed(`ecdsa-${curve.toLowerCase().replace('-', '')}-sha256`) && (ecdsa === undefined || Number(curve.slice(2)) >= ecdsa);
    case 'rsa':
      return listed(`rsa${bits}-pkcs1-sha256`, 'rsa-pkcs1-sha256') && (rsa === undefined || bits >= rsa);
    case 'ed25519':
      return listed('ed25519') && hashes.length === 0;
    case 'ml-dsa':
      return false;
  }
}

function keysOfAuthority(authority: Authority, usable: ReadonlySet<string>, { now }: CompileTarget): readonly string[] | string {
  if (authority.kind !== 'key') return `it is ${authority.kind === 'keyless' ? 'an identity' : 'a private authority'}, of which not all can be asked for`;
  const { window } = authority;
  if (window && window.from > now) return 'it does not count yet';
  if (window?.to !== undefined && window.to < now) return 'it has ended';
  const found = authority.anchors.filter((id) => usable.has(id));
  return found.length > 0 ? found : 'no key of it is known that could be used there';
}

function personOf(key: string, { principals, keys }: TrustState): string {
  const names = new Set([key, ...keys.filter(({ anchor }) => anchor === key).map(({ name }) => name)]);
  return principals.find((one) => one.keys.some((name) => names.has(name)))?.name ?? `key:${key}`;
}

/** Only the longest scope counts there: so each holds all that is demanded of any image in it. */
function demandsAt(place: string, carried: readonly Carried[], byDefault: JsonObject, keys: Keys): JsonObject[] {
  const here = carried.flatMap((one) => {
    const at = one.without.some((scope) => liesIn(place, scope)) ? [] : one.scopes.filter(({ scope }) => liesIn(place, scope));
    return at.length === 0 ? [] : [{ ...one, at }];
  });
  // Where no policy surely takes in all that lies here, some of it may be what no policy is about.
  const covered = here.some(
    ({ at, kept, demands }) => at.some((one) => takesAll(one, place, demands !== undefined)) && !kept.some((one) => isLeftOutAt(one, place)),
  );
  const demanded = here.flatMap(({ demands, at }): JsonObject[] => {
    if (demands === undefined) return [];
    if (typeof demands === 'string') return [REJECT];
    const only = at.every(({ takes }) => takes === 'one' || takes === 'part') ? at.find(({ takes }) => takes === 'one') : undefined;
    const identity: JsonObject = only ? { type: 'exactRepository', dockerRepository: only.scope } : { type: 'matchRepository' };
    return demands.clauses.map((clause) => signedBy(clause, demands.logs, identity, keys));
  });
  const all = [...(covered ? [] : [byDefault]), ...demanded];
  if (all.some(({ type }) => type === 'reject')) return [REJECT];
  const strict = all.filter(({ type }) => type !== 'insecureAcceptAnything');
  return strict.length > 0 ? [...new Map(strict.map((one) => [JSON.stringify(one), one])).values()] : [ACCEPT];
}

function signedBy(clause: readonly string[], logs: readonly LogAnchor[], signedIdentity: JsonObject, keys: Keys): JsonObject {
  const pem = (key: PublicKey): string => encodeBase64(utf8(encodePublicKeyPem(key)));
  const pems = clause.flatMap((id) => keys.get(id) ?? []).map(({ key }) => pem(key));
  const logKeys = logs.map(({ key }) => pem(key));
  return {
    type: 'sigstoreSigned',
    ...(pems.length === 1 ? { keyData: pems[0] as string } : { keyDatas: pems }),
    ...(logKeys.length === 0 ? {} : logKeys.length === 1 ? { rekorPublicKeyData: logKeys[0] as string } : { rekorPublicKeyDatas: logKeys }),
    signedIdentity,
  };
}
