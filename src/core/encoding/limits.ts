/** The bounds on everything that an attacker may send. Each has a test one over it. Sizes in bytes. */
const KiB = 1024;
const MiB = 1024 * KiB;

export const LIMITS = {
  manifestBytes: 4 * MiB,
  referrersPageBytes: 4 * MiB,
  tokenBodyBytes: 1 * MiB,
  errorBodyBytes: 64 * KiB,
  /** A signature bundle or one signature's payload, encoded and decoded. */
  bundleBytes: 1 * MiB,
  /** An attestation, encoded and decoded. */
  attestationBytes: 32 * MiB,
  /** A trusted root, a policy, a key or certificate file, a configuration. */
  documentBytes: 4 * MiB,
  jwtBytes: 16 * KiB,
  /** One certificate; those with ML-DSA keys and signatures have about 8 KiB. */
  certificateBytes: 64 * KiB,
  timestampBytes: 256 * KiB,
  /** A request to the log for one signature, and for an envelope, whose payload it does not keep. */
  logRequestBytes: 64 * KiB,
  logEnvelopeRequestBytes: 4 * MiB,
  /** One entry of a log: tiles have 16 bits for its length. */
  logEntryBytes: 0xffff,
  jsonDepth: 64,
  derDepth: 32,
  descriptorsListed: 1000,
  tagsListed: 10_000,
  /** Pages of one listing. */
  pagesFollowed: 64,
  signaturesFetched: 64,
  logEntriesPerBundle: 32,
  timestampsPerBundle: 32,
  subjectsPerStatement: 1024,
  digestsPerSubject: 32,
  intermediateCertificates: 10,
  signaturesPerEnvelope: 64,
  signaturesPerNote: 128,
  inclusionProofHashes: 64,
  /** A policy of logs and witnesses. */
  logPolicyBytes: 256 * KiB,
  /** 256 entries of a log, each behind its length. */
  entryBundleBytes: 256 * (2 + 65_535),
  /** What a log sends to a witness: a proof and a checkpoint. */
  submissionBytes: 64 * KiB,
  /** One record of the evidence store, the index of an archive of evidence, and the files in one. */
  evidenceRecordBytes: 8 * MiB,
  evidenceIndexBytes: 64 * MiB,
  evidenceArchiveFiles: 100_000,
  /** A whole archive of evidence, and the list of what runs in a cluster. */
  evidenceArchiveBytes: 1024 * MiB,
  clusterListBytes: 256 * MiB,
  /** One object of the Kubernetes API (requests have at most 3 MiB), one page of a list, one line of a watch, and what is held of one list. */
  clusterObjectBytes: 8 * MiB,
  clusterPageBytes: 128 * MiB,
  watchLineBytes: 8 * MiB,
  clusterObjects: 200_000,
  redirects: 3,
  /** Pull secrets of one pod, and one of them. */
  pullSecrets: 64,
  pullSecretBytes: 1 * MiB,
  /** Hosts of which it is remembered how much may be asked of them. */
  hostsLimited: 1024,
  imagesPerPod: 256,
  /** An AdmissionReview: the API server takes objects of 3 MiB, and an update carries two. */
  admissionReviewBytes: 7 * MiB,
  indexDepth: 2,
  /** TUF metadata (docs/reference/trust-repository.md), as the stock clients bound it. */
  tufRootBytes: 512 * KiB,
  tufTimestampBytes: 64 * KiB,
  tufSnapshotBytes: 2 * MiB,
  tufTargetsBytes: 5 * MiB,
  tufSignatures: 64,
  tufKeys: 256,
  /** Roles that one document delegates to or speaks of. */
  tufRoles: 4096,
  /** Files of one role, and patterns of one delegation. */
  tufTargets: 4096,
  tufPathLength: 512,
  tufRoleNameLength: 128,
  /** Roots followed in one update. */
  tufRootSteps: 256,
  /** Roles asked in one search for a file. */
  tufDelegations: 32,
  /** Documents of the trust state. */
  trustedKeys: 4096,
  trustedDenials: 10_000,
  trustedTexts: 1024,
  leaseTiers: 16,
  /** What a client of a trust repository remembers, in one file. */
  trustMemoryBytes: 64 * MiB,
  /** Files of policies, and how deep folders may lie in folders. */
  policyFiles: 10_000,
  policyFolderDepth: 16,
  /** A pattern of a policy, and what regular expressions are compared with, in characters; a longer value matches none. */
  patternLength: 512,
  matchedLength: 1024,
  /** A regular expression that whoever asks gives as a flag, in characters: it is their own time that it takes. */
  flagPatternLength: 4096,
  /** A regular expression with its repetitions written out, in instructions of RE2. */
  regexInstructions: 256,
  /** Values in one source of policies, aliases followed. */
  policyValues: 200_000,
  policyAliases: 1000,
  /** A policy of a namespace, which nobody answered for. */
  namespacedPolicyBytes: 256 * KiB,
  /** Policies of one namespace that nobody answered for. */
  policiesPerNamespace: 100,
  /** Problems of policies that are told at once. */
  policyProblems: 1000,
  authoritiesPerPolicy: 64,
  /** A CEL condition of a policy, in characters, and how deep its brackets may stand. */
  conditionLength: 4096,
  conditionDepth: 24,
  /** Steps that one evaluation may take: so many, and so many more for each value in the statement. */
  conditionSteps: 8000,
  conditionStepsPerNode: 16,
} as const;
