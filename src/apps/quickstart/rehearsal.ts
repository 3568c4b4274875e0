/**
 * Verifies two small images while the single executable is built, so that its start-up snapshot holds the compiled code
 * of what users call most. No registry runs then: a snapshot cannot hold node:http, so two functions stand in for it.
 */
import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { descriptorToJson, digestOf, formatDigest, MEDIA_TYPES } from '../../core/artifact/index.ts';
import { BUNDLE_MEDIA_TYPE, COSIGN_SIGN_PREDICATE } from '../../core/bundle/index.ts';
import { encodePublicKeyPem } from '../../core/crypto/index.ts';
import { type JsonObject, utf8 } from '../../core/encoding/index.ts';
import { type BuiltArtifact, buildImage, buildReferrer, createTestKey, createTestSigstore, TEST_IDENTITY } from '../../testing/index.ts';
import { rehearse } from '../cli/index.ts';

/** Of tools/bundle.mjs: what is taken instead of one of Node's modules. */
declare const __standIns: Map<string, unknown>;

export async function rehearsal(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-rehearsal-'));
  const file = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  try {
    const sigstore = createTestSigstore();
    const key = createTestKey();
    const image = buildImage({ 'etc/motd': 'a rehearsal\n' });
    const statement = { subjects: [{ digest: { sha256: image.descriptor.digest.hex } }], predicateType: COSIGN_SIGN_PREDICATE };
    const by = {
      key: ['--key', file('key.pub', encodePublicKeyPem(key.publicKey))],
      identity: ['--trusted-root', file('root.json', JSON.stringify(sigstore.trustedRoot)), '--certificate-identity', TEST_IDENTITY.name],
      issuer: ['--certificate-oidc-issuer', TEST_IDENTITY.issuer],
    };
    __standIns.set('node:net', { connect: () => Object.assign(new EventEmitter(), { setNoDelay: () => undefined, unref: () => undefined }) });
    __standIns.set('node:http', standIn(image, sigstore.attest(statement, { signer: { key }, logs: [] })));
    await rehearse(['verify', '--insecure-ignore-tlog', ...by.key, '127.0.0.1/rehearsal:v1'], { HOME: folder });
    __standIns.set('node:http', standIn(image, sigstore.attest(statement)));
    await rehearse(['verify', ...by.identity, ...by.issuer, '127.0.0.1/rehearsal:v1'], { HOME: folder });
  } finally {
    __standIns.clear();
    rmSync(folder, { recursive: true });
  }
}

/** node:http as far as clients/http needs it, before a registry that holds one image and one bundle. */
function standIn(image: BuiltArtifact, bundle: JsonObject): unknown {
  const blob = utf8(JSON.stringify(bundle));
  const referrer = buildReferrer({ artifactType: BUNDLE_MEDIA_TYPE, subject: image.descriptor, payload: blob });
  const listed = { ...descriptorToJson(referrer.descriptor), artifactType: BUNDLE_MEDIA_TYPE };
  const list = utf8(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [listed] }));
  const stored = (path: string): { readonly type: string; readonly bytes: Uint8Array } => {
    if (path.includes('/referrers/')) return { type: MEDIA_TYPES.ociIndex, bytes: list };
    if (path.includes('/blobs/')) return { type: 'application/octet-stream', bytes: blob };
    return { type: MEDIA_TYPES.ociManifest, bytes: path.endsWith('/v1') ? image.manifest : referrer.manifest };
  };
  const request = ({ path, method }: { readonly path: string; readonly method: string }): EventEmitter => {
    const { type, bytes } = stored(path);
    const message = Readable.from(method === 'HEAD' ? [] : [bytes], { objectMode: false });
    const headersDistinct = { 'content-type': [type], 'content-length': [`${bytes.length}`], 'docker-content-digest': [formatDigest(digestOf(bytes))] };
    const sent = new EventEmitter();
    const end = (): boolean => sent.emit('response', Object.assign(message, { statusCode: 200, headersDistinct }));
    return Object.assign(sent, { end, destroy: () => undefined });
  };
  return {
    Agent: class {
      createConnection = (): undefined => undefined;
    },
    request,
  };
}
