/**
 * The one error class and the one table of codes. Expected negative answers ("this signature does not verify") are
 * values, see core/verify; an exception belongs to one of four families.
 */

export * from './findings.ts';

export type ErrorFamily = 'InputError' | 'AccessError' | 'UnavailableError' | 'InternalError';

export interface ErrorRow {
  readonly family: ErrorFamily;
  /** The status with which an HTTP surface of Sealward answers. */
  readonly http: number;
  /** The exit code of the command line, by the table of docs/reference/errors.md. */
  readonly exit: number;
  /** Whether the same call may succeed later without any change by the caller. */
  readonly retryable: boolean;
  /** One sentence: what the code means. */
  readonly meaning: string;
  /** One sentence: what to do. Used where the thrower has nothing more exact to say. */
  readonly hint: string;
}

const input = (meaning: string, hint: string, http = 400): ErrorRow => ({
  family: 'InputError',
  http,
  exit: 2,
  retryable: false,
  meaning,
  hint,
});
const access = (http: 401 | 403, meaning: string, hint: string): ErrorRow => ({
  family: 'AccessError',
  http,
  exit: 3,
  retryable: false,
  meaning,
  hint,
});
const unavailable = (meaning: string, hint: string): ErrorRow => ({
  family: 'UnavailableError',
  http: 503,
  exit: 4,
  retryable: true,
  meaning,
  hint,
});
const internal = (meaning: string, hint: string): ErrorRow => ({
  family: 'InternalError',
  http: 500,
  exit: 70,
  retryable: false,
  meaning,
  hint,
});

export const ERRORS = {
  // Encodings and sizes
  ERR_TOO_LARGE: input(
    'A document is larger than the bound that is set for its kind.',
    'Check that this is the document you meant; the bounds are listed in docs/reference/limits.md.',
    413,
  ),
  ERR_JSON_INVALID: input('A document is not strict JSON.', 'Check for truncation, duplicate keys, trailing bytes and bytes that are not UTF-8.'),
  ERR_ENCODING_INVALID: input(
    'A base64 or hexadecimal value is not in its strict form.',
    'Encode the value again with a standard encoder; junk characters and wrong padding are refused.',
  ),
  ERR_PEM_INVALID: input('A PEM document cannot be read.', 'Check that the file is the PEM file you meant and that it is complete.'),
  ERR_DER_INVALID: input('A DER structure cannot be read.', 'Check that the file is complete and that it is DER.'),
  // Names, keys, certificates and the documents that name them
  ERR_REFERENCE_INVALID: input('An image reference or a digest is not well formed.', 'Write HOST/REPOSITORY:TAG or HOST/REPOSITORY@sha256:DIGEST.'),
  ERR_KEY_INVALID: input(
    'A key cannot be read, or is of a kind or size that is refused.',
    'Accepted are ECDSA P-256, P-384 and P-521, RSA of 2048 to 4096 bits, Ed25519 and ML-DSA-44, -65 and -87.',
  ),
  ERR_KEY_PASSWORD: input('The password does not open the private key.', 'Give the right password in COSIGN_PASSWORD, with --password-file or at the prompt.'),
  ERR_KEY_REFERENCE: input(
    'A key reference is not well formed, or names a kind of place where no key is kept.',
    'A key is a file, env://VARIABLE, k8s://NAMESPACE/SECRET, a pkcs11: URI, awskms://, gcpkms://, azurekms://, hashivault://, openbao://, or NAME:// of a plugin.',
  ),
  ERR_KEY_NOT_FOUND: input('No key is where the key reference says.', 'Check the spelling of the reference, and that the key exists and is enabled.', 404),
  ERR_KEY_PROVIDER_MISSING: input(
    'A program, module or setting that is needed to reach a key is not there.',
    'Install or set what the message names; see docs/how-to/keys-in-an-hsm.md and docs/how-to/keys-in-a-kms.md.',
  ),
  ERR_KEY_ANSWER: input(
    'Whoever keeps a key answered in a way that is refused, such as with a signature that does not verify.',
    'Do not use that answer: check which key the reference names, and tell whoever runs the key service.',
    502,
  ),
  ERR_CERTIFICATE_INVALID: input(
    'A certificate cannot be read or breaks the rules of its profile.',
    'Check that the file holds the certificate you meant, in PEM or DER.',
  ),
  ERR_TIMESTAMP_INVALID: input('A timestamp cannot be read or breaks the rules of RFC 3161.', 'Get a new timestamp; if it came with a signature, sign again.'),
  ERR_BUNDLE_INVALID: input(
    'A signature bundle, envelope or signed document is malformed.',
    'Sign again; if it came from a registry, look at it with `sealward inspect`.',
  ),
  ERR_PREDICATE_INVALID: input(
    'A predicate does not have the shape of its type, or a file is not what an attestation can be made of.',
    'Look at the place that the message names; docs/how-to/attest.md lists what is read.',
  ),
  ERR_CI_ENVIRONMENT: input(
    'The environment does not say in which CI system this runs, or lacks what that system sets.',
    'Run this inside the job itself and pass its variables on into containers; docs/reference/build-types.md lists them.',
  ),
  ERR_REVIEW_INVALID: input(
    'What was sent is not an AdmissionReview of admission.k8s.io/v1.',
    'Only the API server calls this; check admissionReviewVersions and the rules of the webhook configuration.',
  ),
  ERR_IMAGES_UNREADABLE: input(
    'It cannot be told which images an object would start, so it is refused.',
    'Look at the field that the message names: give the container an image, or take out what the Kubernetes API does not know.',
  ),
  ERR_POLICY_INVALID: input(
    'A policy cannot be understood; it is refused whole, and the policies in force stay.',
    'Mend what is said at the line and column; `sealward policy check` shows every problem at once.',
  ),
  ERR_PATTERN_INVALID: input(
    'A pattern over names cannot be read, or can match nothing.',
    'In patterns * stands for anything but a slash, ** for anything; docs/reference/policy.md has examples.',
  ),
  ERR_CONDITION_INVALID: input(
    'A condition of a policy is no CEL expression, or names what a condition cannot see.',
    'Conditions see statement, predicate, predicateType and subjects; docs/reference/policy.md has examples.',
  ),
  ERR_CONDITION_COST: input(
    'A condition of a policy takes more steps than it may.',
    'Make the expression simpler, such as by one loop instead of loops in loops; the bound is in docs/reference/limits.md.',
  ),
  ERR_CONDITION_FAILED: input(
    'A condition of a policy could not be evaluated over a statement, so nobody can say whether it holds.',
    'Guard members that may be missing with has(), and compare values of one type.',
  ),
  ERR_TRUSTED_ROOT_INVALID: input('The trusted root is malformed.', 'Fetch the trusted root again from the party that publishes it.'),
  ERR_TRUSTED_ROOT_MISSING: input(
    'No trusted root was found, and keyless signatures cannot be judged without one.',
    'Give --trusted-root FILE, or fetch the public good root once with `cosign initialize`.',
  ),
  // The trust state and the repository that carries it
  ERR_TRUST_INVALID: input(
    'Metadata or a document of a trust repository is malformed.',
    'Look at the place that the message names; what is in force stays in force.',
  ),
  ERR_TRUST_SIGNATURE: input(
    'Metadata of a trust repository is not signed by as many of its keys as must sign it.',
    'Let the missing signers sign with `sealward trust sign`; a copy from elsewhere was changed or belongs to another repository.',
  ),
  ERR_TRUST_ROLLBACK: input(
    'A trust repository offers something older than what was seen before.',
    'A mirror is behind, or somebody plays old state back: fetch from the origin. What is in force stays in force.',
  ),
  ERR_TRUST_EXPIRED: input(
    'Metadata of a trust repository is past its end.',
    'Publish anew with `sealward trust publish`, and check the clock of this machine.',
  ),
  ERR_TRUST_MISMATCH: input(
    'Two parts of a trust repository do not belong together.',
    'Fetch again: the repository was changed while it was read, or a mirror has a part of it only.',
  ),
  ERR_TRUST_ROOT: input(
    'Nothing says which root of a trust repository is to be trusted, or two things say different ones.',
    'Give the root.json that whoever runs the repository handed out, with --trust-root FILE.',
  ),
  ERR_TRUST_PLAN: input(
    'What is staged for a trust repository cannot be published as it is.',
    'See `sealward trust show`; keys and thresholds are set with `sealward trust role`.',
  ),
  ERR_TRUST_TRANSITION: input(
    'A change of the trust state would give back trust that was taken, or rewrite what was said.',
    'Denials and the dates of revocations only ever grow stricter: add a new key version instead.',
  ),
  ERR_LOG_FORMAT: input('A note, checkpoint, tile or log entry is malformed.', 'The log or the bundle that carried it is damaged; fetch it again.'),
  ERR_MANIFEST_INVALID: input(
    'A manifest or index is malformed, or says two things at once.',
    'The registry serves something that is not a valid OCI document; push the image again.',
  ),
  ERR_DIGEST_MISMATCH: input(
    'Bytes do not have the digest under which they were asked for.',
    'The registry, a mirror or a proxy changed the content: do not use it, and tell whoever runs it.',
    502,
  ),
  ERR_CONTENT_REFUSED: input(
    'A registry answered in a way that is refused.',
    'Look at the message; redirects, content encodings and addresses that leave the registry are not followed.',
    502,
  ),
  // The command line and its files
  ERR_USAGE: input('The command line cannot be understood.', 'See `sealward COMMAND --help`.'),
  ERR_FLAG_CONFLICT: input('Two flags contradict each other, or one that is needed is missing.', 'See `sealward COMMAND --help`.'),
  ERR_EVIDENCE_STORE: input(
    'The evidence store cannot be used as it is.',
    'Check the folder and its permissions; `sealward evidence verify` names what is wrong in it, and a store can be gathered anew.',
  ),
  ERR_EVIDENCE_ARCHIVE: input('A file is no archive of evidence, or is broken.', 'Export it again; --skip-broken takes in what is sound and says what is not.'),
  ERR_OFFLINE: input('Something needs a registry, and none may be reached.', 'Leave --offline out.'),
  ERR_FILE_UNREADABLE: input('A file cannot be read or written.', 'Check the path, its permissions and the room on its disk.'),
  ERR_NOTHING_TO_RESIGN: input(
    'The key has signed nothing here that still verifies, so another form of it would be new trust.',
    'Sign the image with `sealward sign` if it shall be trusted.',
  ),
  ERR_TAG_MOVED: input(
    'A tag stood for one image when signing began and stands for another one now, so nothing was published.',
    'Find out who moved it, and sign by digest: HOST/REPOSITORY@sha256:DIGEST.',
    409,
  ),
  ERR_FILE_EXISTS: input('A file would be overwritten.', 'Move the file away, or choose another name.'),
  ERR_WEBHOOK_UNREACHABLE: input(
    'An API server that calls the webhook as it is configured gets no answer, or one of no use.',
    'Mend what the message names: the names of its certificate, or the caBundle, the service or the path in the webhook configuration.',
  ),
  ERR_ADDRESS_UNUSABLE: input(
    'Nothing can listen at an address.',
    'Look what listens there already, or name another one in the configuration; port 0 takes a free one.',
  ),
  ERR_CONFIG_INVALID: input('A configuration file cannot be used.', 'Mend the file that the message names.'),
  // The authority, timestamps, identities and the server that serves them
  ERR_REQUEST_INVALID: input('A request to a service of Sealward is malformed.', 'Look at the place that the message names; the API is that of Sigstore.'),
  ERR_METHOD_NOT_ALLOWED: input('The path exists, and does not take this method.', 'Use the method that the Allow header names.', 405),
  ERR_CONTENT_TYPE: input('The body of a request is of a type that the path does not take.', 'Send the Content-Type that the message names.', 415),
  ERR_PROOF_INVALID: input(
    'The proof that the client holds its private key does not verify.',
    'Sign the subject of the token, or the request, with the key to be certified.',
  ),
  ERR_TOKEN_INVALID: access(
    401,
    'An identity token is malformed, forged, for another audience, or out of its time.',
    'Get a new token for the audience that the message names.',
  ),
  ERR_TOKEN_MISSING: access(
    401,
    'Nobody gives an identity token here, and none was given.',
    'Give --identity-token, sign in with a browser, or let the CI job have a token (`id-token: write`, `id_tokens:`); or sign with --key.',
  ),
  ERR_TOKEN_REPLAYED: access(401, 'An identity token was used before, and each is good for one certificate.', 'Get a new token for each signature.'),
  ERR_ISSUER_UNKNOWN: access(
    403,
    'No certificate is issued for tokens of this issuer.',
    'Ask whoever runs the server to add the issuer, letter for letter as it stands in the token.',
  ),
  ERR_IDENTITY_REFUSED: access(403, 'The token is good, and names nobody to whom a certificate is issued.', 'Look at what the message says of the claim.'),
  ERR_LOGIN_REFUSED: access(401, 'Signing in failed.', 'Check name and password, or start again.'),
  ERR_SERVICE_REFUSED: access(
    403,
    'A certificate authority, log or timestamp authority refused what it was asked for.',
    'Look at what it says in the message: often the token is for another audience, or its issuer is not known there.',
  ),
  ERR_ENDORSEMENT_INVALID: input(
    'What a certificate authority, log or timestamp authority gave does not verify, so nothing was published.',
    'Check that the trusted root belongs to the services that were asked, and the clock of this machine.',
  ),
  ERR_TRUST_MISSING: unavailable(
    'No trust state with policies was taken yet, so that nothing can be judged.',
    'Check where the agent takes trust from: its status says why the last update did not succeed.',
  ),
  ERR_PULL_INVALID: input(
    'The container runtime asked something else than its contract for image verifiers says.',
    'Let nothing but containerd (image-verifier plugin `bindir`) call the node verifier; see docs/how-to/guard-a-node.md.',
  ),
  ERR_EVIDENCE_MISSING: unavailable(
    'Something is not in the evidence that is held, so that nobody can say.',
    'Gather it with `sealward evidence gather` where the registry can be reached.',
  ),
  ERR_RATE_LIMITED: {
    ...unavailable('Too many requests came for one identity, or from one client.', 'Wait as long as Retry-After says, then try again.'),
    http: 429,
  },
  ERR_CLOCK_REFUSED: unavailable(
    'The clock of the server jumped, or disagrees with its sources, so nothing is dated.',
    'Set the clock, and see `sealward server status`.',
  ),
  ERR_SERVICE_UNAVAILABLE: unavailable(
    'A service that is needed here does not answer, or failed.',
    'Try again; if it stays, look at the health of the service that the message names.',
  ),
  ERR_STATE_INVALID: input('A database, a key or a record of the server cannot be used as it lies there.', 'Look at the message; nothing was changed.'),
  // The transparency log
  ERR_ENTRY_REFUSED: input(
    'The log does not take an entry whose signature does not verify with the key or certificate beside it.',
    'Check that key, algorithm and digest are those of the signature; pure Ed25519 cannot be logged, Ed25519ph can.',
  ),
  ERR_LOG_FROZEN: input('The log takes no new entries any more.', 'Use the log that the signing configuration names now.', 405),
  ERR_LOG_BUSY: unavailable('More entries wait for their place in the log than it takes in at once.', 'Wait as long as Retry-After says, then try again.'),
  ERR_LOG_INCONSISTENT: internal(
    'What the log keeps contradicts what it signed, so it signs nothing more.',
    'Keep all files as they are, and look at the message; never go on from an older copy.',
  ),
  ERR_LOG_ROLLED_BACK: internal(
    'The entries of the log are older than what it signed or than what others have seen of it, so it signs nothing more.',
    'Bring the newest files back, or begin a new log under another origin; never go on from a copy or a snapshot.',
  ),
  ERR_LOG_UNREACHABLE: unavailable('A transparency log could not be reached, or failed.', 'Check the URL and the network, then try again.'),
  ERR_WITNESS_REFUSED: unavailable(
    'A witness of the log did not cosign its checkpoint.',
    'Look at what it says in the message; the policy of logs and witnesses says how many are needed.',
  ),
  // The journal under it
  ERR_JOURNAL_IN_USE: unavailable('Another process writes to the journal.', 'One process writes to one folder; stop the other one first.'),
  ERR_JOURNAL_DAMAGED: internal(
    'The files of a journal are not what was written to them.',
    'Keep them as they are for a look, and check the disk; nothing was changed.',
  ),
  ERR_JOURNAL_FAILED: {
    ...unavailable('A write to the journal failed, and until a new start nobody knows what is on the disk.', 'Make room or mend the disk, then start again.'),
    retryable: false,
  },
  // Who we are is not enough
  ERR_REGISTRY_UNAUTHENTICATED: access(
    401,
    'The registry wants credentials, or does not accept those it got.',
    'Log in with `docker login HOST`, or give --registry-username and --registry-password.',
  ),
  ERR_REGISTRY_DENIED: access(403, 'The registry knows who asks and does not allow it.', 'Ask whoever runs the registry for access to this repository.'),
  ERR_REGISTRY_NOT_ALLOWED: access(
    403,
    'The registry is not on the list of those that may be contacted.',
    'Add the registry to the list in the configuration, or name it in a policy.',
  ),
  ERR_CALLER_UNPROVEN: access(
    401,
    'Whoever calls the webhook did not prove to be the API server.',
    'Give the API server the client certificate, or the webhook configuration the path, that the configuration of Sealward names; docs/reference/admission.md says how.',
  ),
  ERR_KEY_DENIED: access(
    403,
    'Whoever keeps the key does not let us use it.',
    'Check the PIN, token or credentials that are in use, and that they are allowed to sign with this key.',
  ),
  // The cluster
  ERR_CLUSTER_MISSING: input('Nothing says which cluster is meant.', 'Set KUBECONFIG, or run in a pod with a service account.'),
  ERR_CLUSTER_REFUSED: input('The API server of the cluster does not do what it was asked for.', 'Look at what it says in the message.', 502),
  ERR_CLUSTER_ANSWER: input(
    'The API server of the cluster, or something before it, answered in a way that is refused.',
    'Check that the address is that of an API server, and what stands between.',
    502,
  ),
  ERR_OBJECT_NOT_FOUND: input('An object, or its kind, is not in the cluster.', 'Check namespace and name, and that the kind is installed.', 404),
  ERR_OBJECT_CONFLICT: input('An object was made or changed by somebody else meanwhile.', 'Read it again, and decide anew.', 409),
  ERR_CLUSTER_DENIED: access(
    403,
    'The API server of the cluster does not know who asks, or does not allow it.',
    'Give the service account the permission that the message names; `kubectl auth can-i` tells what it has.',
  ),
  ERR_CLUSTER_UNAVAILABLE: unavailable(
    'The API server of the cluster could not be reached, failed, or asked us to slow down.',
    'Check the address and the network, then try again.',
  ),
  ERR_OBJECTS_EXPIRED: unavailable('What was read of a list of the cluster is too old for the rest of it.', 'List again from the beginning.'),
  // Could not find out
  ERR_REGISTRY_UNREACHABLE: unavailable('The registry could not be reached.', 'Check the host name, the network and the proxy settings, then try again.'),
  ERR_REGISTRY_THROTTLED: unavailable('The registry asked us to slow down.', 'Try again later, or log in: many registries allow more to known users.'),
  ERR_REGISTRY_PAUSED: unavailable(
    'The registry failed several times in a row and is left alone for a moment.',
    'Look at what it failed with, which the message says; it is asked again by itself, one question first.',
  ),
  ERR_REGISTRY_BUSY: unavailable(
    'More was to be asked of one registry than is asked of it at once.',
    'Try again; if it stays, allow more requests to this registry, or give more time.',
  ),
  ERR_REGISTRY_FAILED: unavailable('The registry answered with an error of its own.', 'Try again; if it stays, tell whoever runs the registry.'),
  ERR_KEY_UNAVAILABLE: unavailable(
    'Whoever keeps the key could not be reached, failed, or asked us to slow down.',
    'Try again; if it stays, check the network, the token or module, and the state of the key service.',
  ),
  ERR_DECISION_UNKEPT: unavailable(
    'A decision must be kept before it is told, and cannot be.',
    'Look at the volume of the decision log: it is full, read-only or broken; the log of the process says more.',
  ),
  ERR_DEADLINE: unavailable('The deadline passed before an answer came.', 'Try again, or give more time with --timeout.'),
  ERR_ATTACH_CONTENDED: unavailable(
    'Other writers kept changing the index of signatures while this one was attached.',
    'Run the same command again: nothing was lost and nothing is attached twice.',
  ),
  ERR_INTERRUPTED: { ...unavailable('The command was interrupted.', 'Run it again; nothing is left half-written.'), exit: 130 },
  // Answers of a registry that the caller may expect
  ERR_NOT_FOUND: { ...input('What was asked for is not there.', 'Check the spelling of repository, tag and digest.', 404), exit: 11 },
  // Our own fault
  ERR_INVARIANT: internal('Sealward broke one of its own rules.', 'This is a bug: report it with the command and the output of --verbose.'),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorOptions {
  /** What to do about it, more exact than the table's own hint. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** Overrides the table, where only the thrower knows. */
  readonly retryable?: boolean;
  /** Milliseconds after which the same call may succeed, where that is known. */
  readonly retryAfterMs?: number;
}

export class SealwardError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = ERRORS[code].family;
    this.code = code;
    this.hint = options.hint ?? ERRORS[code].hint;
    this.retryable = options.retryable ?? ERRORS[code].retryable;
    this.retryAfterMs = options.retryAfterMs;
  }

  get family(): ErrorFamily {
    return ERRORS[this.code].family;
  }
  get exit(): number {
    return ERRORS[this.code].exit;
  }
  get http(): number {
    return ERRORS[this.code].http;
  }
  /** Where the documentation explains the code. */
  get anchor(): string {
    return documentationAnchor(this.code);
  }
}

export function documentationAnchor(code: ErrorCode): string {
  return `docs/reference/errors.md#${code.toLowerCase()}`;
}

/** Throws ERR_INVARIANT unless the condition holds: for what only a bug of ours can break. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new SealwardError('ERR_INVARIANT', message);
}
