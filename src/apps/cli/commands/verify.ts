import { decodeUtf8, encodeBase64, LIMITS } from '../../../core/encoding/index.ts';
import { parseDetachedSignature } from '../../../core/bundle/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { verifyBlob } from '../../../sdk/index.ts';
import { readBytes } from '../file.ts';
import type { Invocation, Run } from '../invocation.ts';
import { asksPolicies } from '../policy/asks.ts';
import type { verify } from '../table/verify.ts';
import { type FromFile, needTogether, verifyImages } from './verify-images.ts';

export const run: Run<typeof verify> = async (invocation) => {
  if (asksPolicies(invocation.given)) return (await import('../policy/verify.ts')).verifyByPolicy(invocation);
  return verifyImages(invocation, 'signature', fromFileOf(invocation));
};

/** --signature with --payload: one signature of cosign's first generation, from files instead of from the registry. */
function fromFileOf({ flags, arguments: images }: Invocation<(typeof verify)['flags']>): FromFile | undefined {
  const { signature, payload, certificate } = flags;
  if (signature === undefined && payload === undefined) {
    if (certificate === undefined) return undefined;
    throw new SealwardError('ERR_FLAG_CONFLICT', '--certificate is for a signature from a file; those in a registry carry their own', {
      hint: 'Give --signature and --payload too, or leave --certificate out.',
    });
  }
  if (signature === undefined || payload === undefined) throw needTogether('signature', 'payload');
  if (images.length > 1) throw new SealwardError('ERR_FLAG_CONFLICT', '--signature is for one image', { hint: 'Verify one image at a time.' });
  const bytes = readBytes(payload, LIMITS.bundleBytes, 'the payload');
  const annotations: Record<string, string> = {
    'dev.cosignproject.cosign/signature': encodeBase64(parseDetachedSignature(readBytes(signature, LIMITS.bundleBytes, 'the signature'))),
  };
  if (certificate !== undefined)
    annotations['dev.sigstore.cosign/certificate'] = decodeUtf8(readBytes(certificate, LIMITS.documentBytes, 'the certificate'), 'the certificate');
  return (digest, anchors, requirement) => {
    const [hash = '', hex = ''] = digest.split(':');
    return verifyBlob({ subject: { digests: { [hash]: hex } }, evidence: { source: { kind: 'simple-signing', annotations }, bytes }, anchors, requirement });
  };
}
