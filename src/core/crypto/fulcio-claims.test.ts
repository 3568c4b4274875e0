import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { alternativeNames, certify, vectorCertificates } from '../../../test/certificates.ts';
import { requireVectors } from '../../../test/vectors.ts';
import { extension } from '../../testing/certificate-authority.ts';
import { commonName, context, implicit, integer, objectIdentifier, utf8String } from '../../testing/der.ts';
import { concatBytes, encodeDer, TAG, utf8 } from '../encoding/index.ts';
import { fulcioClaims, parseCertificate, signerNames } from './index.ts';

const refused = { code: 'ERR_CERTIFICATE_INVALID' };
const bare = (arc: number, text: string) => extension(`1.3.6.1.4.1.57264.1.${arc}`, utf8(text));
const wrapped = (arc: number, text: string) => extension(`1.3.6.1.4.1.57264.1.${arc}`, utf8String(text));
const claims = (...extensions: Uint8Array[]) => fulcioClaims(certify('', { extensions }).certificate);

describe('the names of a signer', () => {
  it('are those of the kinds that an authority vouches for, and no others', () => {
    const otherName = (oid: string, value: Uint8Array) => context(0, objectIdentifier(oid), context(0, value));
    const names = alternativeNames(
      context(4, commonName('me@example.com')),
      otherName('1.2.3', utf8String('me@example.com')),
      otherName('1.2.3', integer(1)),
      implicit(8, Uint8Array.of(0x2a)),
      implicit(1, utf8('you@example.com')),
      implicit(6, utf8('https://example.com/')),
      implicit(2, utf8('example.com')),
      implicit(7, Uint8Array.of(192, 0, 2, 1)),
      otherName('1.3.6.1.4.1.57264.1.7', utf8String('user!example.com')),
    );
    assert.deepEqual(signerNames(certify('me@example.com', { extensions: [names] }).certificate), [
      'you@example.com',
      'https://example.com/',
      'example.com',
      '192.0.2.1',
      'user!example.com',
    ]);
  });
});

describe('the claims of a Sigstore certificate', () => {
  it('are read from both generations of extensions', () => {
    assert.deepEqual(claims(), {});
    assert.deepEqual(claims(bare(1, 'https://issuer')), { issuer: 'https://issuer' });
    assert.deepEqual(claims(wrapped(8, 'https://issuer'), bare(1, 'https://issuer')), { issuer: 'https://issuer' });
    assert.deepEqual(claims(wrapped(8, 'https://issuer'), bare(2, 'push'), wrapped(12, 'https://repo'), wrapped(24, 'sub'), wrapped(99, 'unknown')), {
      issuer: 'https://issuer',
      githubWorkflowTrigger: 'push',
      sourceRepositoryUri: 'https://repo',
      tokenSubject: 'sub',
    });
  });

  it('are refused when the two issuers contradict each other, in either order', () => {
    assert.throws(() => claims(bare(1, 'https://good'), wrapped(8, 'https://evil')), refused);
    assert.throws(() => claims(wrapped(8, 'https://evil'), bare(1, 'https://good')), refused);
    assert.throws(() => claims(bare(1, ''), wrapped(8, 'https://evil')), refused);
  });

  it('are refused when one of them cannot be read', () => {
    assert.throws(() => claims(bare(8, 'https://bare')), refused);
    assert.throws(() => claims(extension('1.3.6.1.4.1.57264.1.9', encodeDer(TAG.ia5String, utf8('x')))), refused);
    assert.throws(() => claims(extension('1.3.6.1.4.1.57264.1.9', concatBytes(utf8String('x'), Uint8Array.of(0)))), refused);
    assert.throws(() => claims(extension('1.3.6.1.4.1.57264.1.5', Uint8Array.of(0xff))), refused);
  });

  it('are found in the certificates of the vectors', (t) => {
    if (!requireVectors(t, 'sigstore-conformance')) return;
    const all = vectorCertificates()
      .map((der) => fulcioClaims(parseCertificate(der)))
      .filter(({ issuer }) => issuer !== undefined);
    assert.ok(all.length >= 20);
    const workflow = all.find(({ buildSignerUri, githubWorkflowRepository }) => buildSignerUri && githubWorkflowRepository);
    assert.equal(workflow?.issuer, 'https://token.actions.githubusercontent.com');
    assert.equal(workflow.sourceRepositoryUri, `https://github.com/${workflow.githubWorkflowRepository}`);
    assert.equal(workflow.buildTrigger, workflow.githubWorkflowTrigger);
    assert.equal(workflow.runnerEnvironment, 'github-hosted');
  });
});
