/** What a file is, told by its own marks, and what stands in it. Nothing is verified. */
import { type Descriptor, formatDigest, formatPlatform, type Index, type Manifest, parseManifest } from '../../../core/artifact/index.ts';
import { documentKindOfFile, parseStatement, readDocument } from '../../../core/bundle/index.ts';
import { parseCertificate, parsePublicKey, parsePublicKeyPem } from '../../../core/crypto/index.ts';
import { decodeUtf8, encodePem, type JsonObject, LIMITS, parseJsonObject, parsePem } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { parseLogEntry, parseNote, parseRekorBundle } from '../../../core/tlog/index.ts';
import { parseTrustedRoot } from '../../../core/trust/index.ts';
import { attempt, describeCertificate, describePublicKey, describeTimestamp } from './certificates.ts';
import type { Described, Description } from './description.ts';
import { describeEntity, describeEntry, describeNote, describeStatement, describeTrustedRoot } from './signatures.ts';

/** Throws the error of the parser that should have read it, or ERR_USAGE when it is nothing that is known here. */
export function describeFile(bytes: Uint8Array): Description {
  if (bytes[0] === 0x30) return describeDer(bytes);
  const text = decodeUtf8(bytes, 'the file');
  if (text.includes('-----BEGIN ')) return describePem(text);
  if (text.trimStart().startsWith('{')) return describeJson(bytes);
  if (/^\u2014 /m.test(text)) return describeNote(parseNote(text));
  throw new SealwardError('ERR_USAGE', 'the file is nothing that is known here', {
    hint: 'Known are bundles, envelopes, statements, certificates, keys, timestamps, log entries, checkpoints, trusted roots and manifests.',
  });
}

function describeDer(bytes: Uint8Array): Description {
  const tries: readonly (() => Description)[] = [
    () => ({ kind: 'certificate', ...describeCertificate(parseCertificate(bytes)) }),
    () => describePublicKey(parsePublicKey(bytes)),
    () => ({ kind: 'RFC 3161 timestamp', ...describeTimestamp(bytes) }),
  ];
  const reasons: string[] = [];
  for (const describe of tries) {
    const found = attempt((): Described => describe());
    if (typeof found !== 'string') return found as Description;
    reasons.push(found.replace('cannot be read: ', ''));
  }
  throw new SealwardError('ERR_DER_INVALID', `the file is neither a certificate, nor a public key, nor a timestamp (${reasons.join('; ')})`);
}

function describePem(text: string): Description {
  const blocks = parsePem(text, 'the file').map(({ label, bytes }): Description => {
    if (label === 'CERTIFICATE') return { kind: 'certificate', ...describeCertificate(parseCertificate(bytes)) };
    if (label === 'PUBLIC KEY' || label === 'RSA PUBLIC KEY') return describePublicKey(parsePublicKeyPem(encodePem(label, bytes)));
    if (label === 'ENCRYPTED SIGSTORE PRIVATE KEY' || label === 'ENCRYPTED COSIGN PRIVATE KEY') return describeKeyFile(label, bytes);
    // What lies in an open private key is nobody's business, and neither is it printed.
    if (label.endsWith('PRIVATE KEY')) return { kind: `private key (${label})`, encrypted: label.startsWith('ENCRYPTED') };
    return { kind: label };
  });
  if (blocks.length === 0) throw new SealwardError('ERR_PEM_INVALID', 'the file holds no PEM block');
  return blocks.length === 1 ? (blocks[0] as Description) : { kind: 'PEM file', blocks };
}

function describeKeyFile(label: string, bytes: Uint8Array): Description {
  const { kdf, cipher } = parseJsonObject(bytes, { what: 'the body of the key file', maxBytes: LIMITS.documentBytes }) as {
    kdf?: JsonObject;
    cipher?: JsonObject;
  };
  return {
    kind: `private key, encrypted (${label})`,
    derivation: JSON.stringify(kdf?.name ?? null),
    parameters: JSON.stringify(kdf?.params ?? null),
    cipher: JSON.stringify(cipher?.name ?? null),
  };
}

function describeJson(bytes: Uint8Array): Description {
  const kind = documentKindOfFile(bytes);
  if (kind !== undefined && kind !== 'simple-signing') {
    const entities = readDocument({ kind, annotations: {} }, bytes).map(describeEntity);
    const name = { bundle: 'Sigstore bundle', dsse: 'DSSE envelope', 'blob-bundle': 'bundle of cosign 1 and 2' }[kind];
    return entities.length === 1 ? { kind: name, ...entities[0] } : { kind: name, signatures: entities };
  }
  const object = parseJsonObject(bytes, { what: 'the file', maxBytes: LIMITS.attestationBytes });
  const mediaType = typeof object.mediaType === 'string' ? object.mediaType : '';
  if (mediaType.startsWith('application/vnd.dev.sigstore.trustedroot')) return describeTrustedRoot(parseTrustedRoot(bytes));
  if (object.schemaVersion !== undefined) return describeManifest(parseManifest(bytes));
  if (object._type !== undefined) return describeStatement(parseStatement(bytes));
  if (object.SignedEntryTimestamp !== undefined) return { ...describeEntry(parseRekorBundle(decodeUtf8(bytes, 'the file'))) };
  if (object.canonicalizedBody !== undefined) return describeEntry(parseLogEntry(object));
  if (kind === 'simple-signing') return { kind: 'simple signing payload', content: JSON.stringify(object) };
  throw new SealwardError('ERR_USAGE', 'the file is JSON of a kind that is not known here', {
    hint: 'Known are bundles, envelopes, statements, log entries, trusted roots and manifests.',
  });
}

function describeManifest(manifest: Manifest | Index): Description {
  const head = {
    ...(manifest.artifactType === undefined ? {} : { artifactType: manifest.artifactType }),
    ...(manifest.subject ? { attachedTo: formatDigest(manifest.subject.digest) } : {}),
  };
  const annotations = Object.keys(manifest.annotations).length > 0 ? { annotations: manifest.annotations } : {};
  if (manifest.kind === 'index')
    return { kind: 'index', mediaType: manifest.mediaType, ...head, manifests: manifest.manifests.map(describeDescriptor), ...annotations };
  return {
    kind: 'manifest',
    mediaType: manifest.mediaType,
    ...head,
    config: describeDescriptor(manifest.config),
    layers: manifest.layers.map(describeDescriptor),
    ...annotations,
  };
}

function describeDescriptor({ mediaType, digest, size, artifactType, platform, annotations }: Descriptor): Description {
  return {
    mediaType,
    digest: formatDigest(digest),
    bytes: size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(platform ? { platform: formatPlatform(platform) } : {}),
    ...(annotations && Object.keys(annotations).length > 0 ? { annotations } : {}),
  };
}
