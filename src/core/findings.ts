/** The table of findings: why one signature, entry, timestamp or image does not count. Values of a judgement, never thrown. */

export interface FindingRow {
  /** One sentence: why a candidate did not count. */
  readonly meaning: string;
  /** One sentence: what to do about it. */
  readonly hint: string;
}

const finding = (meaning: string, hint: string): FindingRow => ({ meaning, hint });

/** The reasons why one signature, entry or timestamp did not count. They are values of a judgement, never thrown. */
export const FINDINGS = {
  PLACE_NOT_ASKED: finding('A place that may hold a signature was not asked, so nothing can be said of what it holds.', 'Ask again; this is no answer yet.'),
  NO_SIGNATURE: finding(
    'Nothing is signed: every place that may hold a signature answered, and none does.',
    'Sign the artifact, or check that you asked about the right one.',
  ),
  BUNDLE_MALFORMED: finding('The signature document is malformed.', 'Sign again; look at it with `sealward inspect`.'),
  FORMAT_UNSUPPORTED: finding('The signature is in a format or version that is not read.', 'Sign again with a current version of the signing tool.'),
  ALGORITHM_REFUSED: finding('The signature uses an algorithm or key size that is refused.', 'Sign again with ECDSA P-256, Ed25519, RSA 3072 or ML-DSA.'),
  SIGNATURE_INVALID: finding(
    'The signature does not verify with the key that should have made it.',
    'It was made with another key, or the signature or what it covers was changed.',
  ),
  DIGEST_MISMATCH: finding('The signature is about another digest.', 'This signature belongs to another artifact; sign this one.'),
  KEY_MISMATCH: finding('The signature was made with another key.', 'Check that the public key you gave belongs to the signer.'),
  KEY_OUTSIDE_WINDOW: finding('The key was not trusted when the signature was made.', 'Sign again with a key that is trusted now.'),
  CERTIFICATE_MISSING: finding(
    'The signature carries no certificate, and an identity was asked for.',
    'Give the public key of the signer with --key, or sign keyless.',
  ),
  CERTIFICATE_UNTRUSTED: finding(
    'No trusted authority issued the certificate.',
    'Check that the trusted root is the one of the Sigstore instance that the signer used.',
  ),
  CERTIFICATE_EXPIRED: finding(
    'The certificate, or one above it, was not valid when the signature was made.',
    'Sign again: the signature was made outside the validity of its certificate.',
  ),
  CERTIFICATE_PURPOSE: finding('The certificate was not issued for signing code.', 'Sign with a certificate for code signing.'),
  SCT_MISSING: finding(
    'The certificate carries no signed certificate timestamp.',
    'Use --insecure-ignore-sct only for authorities that run no certificate log.',
  ),
  SCT_INVALID: finding('No trusted certificate log vouches for the certificate.', 'Check that the trusted root lists the certificate log of the authority.'),
  IDENTITY_MISMATCH: finding('The signer has another identity.', 'Check --certificate-identity against the identity shown.'),
  ISSUER_MISMATCH: finding('The identity of the signer was vouched for by another issuer.', 'Check --certificate-oidc-issuer against the issuer shown.'),
  CLAIM_MISMATCH: finding(
    'The certificate says something else about the workflow that signed.',
    'Check the --certificate-github-workflow flags against the values shown.',
  ),
  LOG_ENTRY_MISSING: finding(
    'No entry of a transparency log stands behind the signature.',
    'Sign with a log, or accept signatures without one with --insecure-ignore-tlog.',
  ),
  LOG_UNKNOWN: finding('The log entry is from a log that is not trusted.', 'Check that the trusted root lists that log.'),
  LOG_ENTRY_MISMATCH: finding('The log entry is about another signature, key or digest.', 'The entry belongs to something else; sign again.'),
  LOG_PROMISE_INVALID: finding('The promise of the log to include the entry does not verify.', 'The bundle was changed; sign again.'),
  LOG_PROOF_MISSING: finding('The log entry comes without the proof that it is in the log.', 'Sign again with a current version of the signing tool.'),
  LOG_PROOF_INVALID: finding('The proof that the entry is in the log does not verify.', 'The bundle was changed; sign again.'),
  CHECKPOINT_INVALID: finding('The checkpoint of the log does not verify.', 'The bundle was changed, or the log is not the one that is trusted.'),
  LOG_TREE_INVALID: finding(
    'What the log serves does not hash to the tree that it signed.',
    'Keep what was served and tell whoever runs the log: it lost, changed or hides entries.',
  ),
  LOG_INCONSISTENT: finding(
    'Two checkpoints of one log contradict each other: the newer tree does not begin with the older one.',
    'Keep both checkpoints, they are the proof, and stop trusting the log.',
  ),
  LOG_OUTSIDE_WINDOW: finding('The log was not trusted at the time of the entry.', 'Check the validity of the log in the trusted root.'),
  TIMESTAMP_INVALID: finding('The timestamp is malformed or does not verify.', 'Sign again with a timestamp authority that is trusted.'),
  TIMESTAMP_MISMATCH: finding('The timestamp is about another signature.', 'The timestamp belongs to something else; sign again.'),
  TIMESTAMP_UNTRUSTED: finding('The timestamp is from an authority that is not trusted.', 'Check that the trusted root lists that timestamp authority.'),
  TIMESTAMP_OUTSIDE_WINDOW: finding(
    'The timestamp authority was not trusted, or its certificate not valid, at the time it stated.',
    'Check the validity of the timestamp authority in the trusted root.',
  ),
  TIME_MISSING: finding('Nothing trusted says when the signature was made.', 'Sign with a log or a timestamp authority that is trusted.'),
  THRESHOLD_NOT_MET: finding(
    'Fewer independent logs or timestamp authorities vouch for the signature than were asked for.',
    'Sign with more of them, or ask for fewer.',
  ),
  PREDICATE_TYPE_MISMATCH: finding('The attestation is of another type.', 'Check --type against the type shown.'),
  ANNOTATION_MISMATCH: finding('A signed annotation that was asked for is missing or different.', 'Check -a against the annotations shown.'),
  COMPANION_MISSING: finding(
    'The signature was made together with another one that is gone.',
    'Somebody removed a signature, such as the post-quantum one: sign again, and look at who can write to the repository.',
  ),
  CLAIMED_REPOSITORY_MISMATCH: finding('The signature was made for another repository.', 'Check the repository, or allow it with --repository-claim any.'),
  // What policies ask besides
  NO_POLICY: finding(
    'No policy covers the image, and the default rule does not let it run.',
    'Write a policy whose scope covers it, or state another default rule.',
  ),
  NO_ATTESTATION: finding(
    'Nothing of the kind that is asked for is attested: every place that may hold an attestation answered, and none does.',
    'Attest it with `sealward attest`, or check that the job that does so ran for this digest.',
  ),
  IMAGE_REFUSED: finding('The policy lets no image of this name run, whoever signed it.', 'Use another image; the reason stands in the policy.'),
  IMAGE_NAME_REFUSED: finding('The repository or tag is not named as the policy asks.', 'Push the image under a name that the policy lists.'),
  TAG_UNPINNED: finding(
    'The image may run, and is named by a tag, which may mean another image when it is pulled.',
    'Write the digest that the message names beside the tag, or let the webhook pin it at /mutate.',
  ),
  IMAGE_LABEL_MISSING: finding('A label that the policy asks of the image is missing or different.', 'Set the label when the image is built.'),
  IMAGE_LABELS_UNKNOWN: finding(
    'The labels of the image are not known, and the policy asks for some.',
    'Ask again when the registry answers for the configuration of the image.',
  ),
  SIGNERS_MISSING: finding(
    'Fewer different signers than the policy asks for have signed.',
    'Let those sign who are missing; one person or key counts once, under whatever names.',
  ),
  DENIED: finding('The trust state says that this never counts again.', 'See `sealward trust show` for the reason; no policy and no exception overrides it.'),
  KEY_NOT_ACTIVE: finding('The key is not active yet, or was not when the signature was made.', 'Sign with the version of the key that is active.'),
  KEY_SUSPENDED: finding('The key is suspended.', 'Wait until the suspension is lifted or the key is revoked; sign with another key meanwhile.'),
  KEY_RETIRED: finding('The key was retired before anybody dated the signature.', 'Sign again with a key that is active.'),
  KEY_SUPERSEDED: finding(
    'The key was superseded, and nobody independent says that the signature was made before.',
    'Sign again with the key that took its place.',
  ),
  KEY_COMPROMISED: finding('The key is compromised.', 'Sign again with another key, after looking at what was signed.'),
  KEY_REVOKED: finding('The key is revoked for everything that it ever signed.', 'Sign again with another key, after looking at what was signed.'),
  AUTHORITY_OUTSIDE_WINDOW: finding(
    'The policy does not trust the signer for the time of the signature.',
    'Sign again, or look at the window of the authority in the policy.',
  ),
  ALGORITHM_NOT_ALLOWED: finding(
    'The policy does not allow the algorithm, hash or key size of the signature.',
    'Sign with an algorithm that the policy lists.',
  ),
  POST_QUANTUM_MISSING: finding(
    'No post-quantum signature stands beside the classical one, or none beside the post-quantum one.',
    'Sign with both keys; see docs/how-to/policies.md.',
  ),
  SIGNATURE_TOO_OLD: finding('The signature or attestation is older than the policy allows.', 'Sign or attest again.'),
  SIGNATURE_TOO_YOUNG: finding('The signature is younger than the policy asks.', 'Wait until it has the age that the policy asks.'),
  CLAIMED_TAG_MISMATCH: finding('The signature was made for another tag.', 'Sign the image under this tag, or take the tag out of what the policy compares.'),
  NOT_THE_LATEST: finding('A later attestation of the same type by the same authority takes the place of this one.', 'Look at the latest attestation.'),
  CONDITION_FAILED: finding('The attestation does not say what the policy asks.', 'Look at what is wrong in the message, mend it and attest again.'),
  CONDITION_UNKNOWN: finding('A condition of the policy was not evaluated for the attestation.', 'Ask again; if it stays, this is a bug of whoever asks.'),
  EVIDENCE_STALE: finding('The policy asks for the latest evidence, and it was gathered too long ago.', 'Ask again when the registry answers.'),
  TRUST_STALE: finding(
    'The trust state is past its lease, so nothing new is admitted.',
    'See that trust reaches this place: `sealward trust show` tells its age.',
  ),
  TOO_MANY: finding('There are more signatures than are looked at.', 'Remove junk signatures from the repository, or name the signer more exactly.'),
} as const satisfies Record<string, FindingRow>;

export type FindingCode = keyof typeof FINDINGS;
