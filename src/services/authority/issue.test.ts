import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildChain, encodeSignatureAlgorithm, fulcioClaims, type KeyKind, parseCertificate, signerNames } from '../../core/crypto/index.ts';
import { encodeBitString, encodeContext, encodeInteger, encodeName, encodePem, encodeSequence, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { createTestKey, TEST_NOW, type TestKey } from '../../testing/index.ts';
import { bench, MAINTAINER, requestFor } from '../../../test/certificate-authority.ts';
import { Rates } from './index.ts';

const maintainer = { claims: MAINTAINER };

function csr(key: TestKey, by = key): Uint8Array {
  const info = encodeSequence(encodeInteger(0), encodeName('whoever'), key.publicKey.spki, encodeContext(0));
  return encodeSequence(info, encodeSignatureAlgorithm(by.algorithm), encodeBitString(by.sign(info)));
}

describe('the authority', () => {
  it('certifies a key for whom the token names, by its profile, with a promise of its log', async () => {
    const { authority, made, tokens, ledger, shown } = bench();
    const key = createTestKey();
    const [leaf, ...above] = await authority.issue(requestFor(await tokens.token('user 7', maintainer), 'maintainer@sealward.test', key));
    assert.ok(leaf);
    assert.deepEqual(signerNames(leaf), ['maintainer@sealward.test']);
    assert.deepEqual(fulcioClaims(leaf), { issuer: tokens.url, tokenSubject: 'user 7' });
    assert.deepEqual([leaf.notAfter - leaf.notBefore, leaf.notBefore], [600_000, TEST_NOW]);
    assert.equal(leaf.serialBytes.length, 20);
    assert.ok(
      buildChain(
        leaf,
        [],
        made.chain.map((der) => parseCertificate(der)),
      ),
    );
    assert.equal(above.length, 2);
    assert.equal(shown(), 1);
    assert.deepEqual([ledger.length, ledger[0]?.outcome, ledger[0]?.certificate, ledger[0]?.key], [1, 'issued', leaf.fingerprint, key.publicKey.fingerprint]);
    assert.doesNotMatch(JSON.stringify(ledger), /eyJ/, 'no token is kept');
  });

  it('takes a request signed by the key, in PEM or DER, instead of a signature over the subject', async () => {
    for (const wrap of [(der: Uint8Array) => der, (der: Uint8Array) => utf8(encodePem('CERTIFICATE REQUEST', der))]) {
      const { authority, tokens } = bench();
      const key = createTestKey();
      const proof = { kind: 'request', bytes: wrap(csr(key)) } as const;
      const [leaf] = await authority.issue({ token: await tokens.token('user 7', maintainer), remote: '', proof });
      assert.equal(leaf?.publicKey.fingerprint, key.publicKey.fingerprint);
      const forged = { kind: 'request', bytes: wrap(csr(key, createTestKey())) } as const;
      await assert.rejects(authority.issue({ token: await tokens.token('user 7', maintainer), remote: '', proof: forged }), { code: 'ERR_PROOF_INVALID' });
    }
  });

  for (const kind of ['ecdsa-p256', 'ecdsa-p384', 'ed25519', 'rsa2048', 'ml-dsa-44'] satisfies KeyKind[]) {
    it(`certifies a key of kind ${kind}`, async () => {
      const { authority, tokens } = bench();
      const [leaf] = await authority.issue(requestFor(await tokens.token('user 7', maintainer), 'user 7', createTestKey(kind)));
      assert.ok(leaf);
    });
  }

  it('certifies no key that is stronger than its own', async () => {
    const { authority, tokens } = bench();
    await assert.rejects(authority.issue(requestFor(await tokens.token('user 7', maintainer), 'user 7', createTestKey('ecdsa-p521'))), {
      code: 'ERR_KEY_INVALID',
    });
  });

  it('wants the proof over the subject of this token, by this key', async () => {
    const { authority, tokens, shown } = bench();
    const token = await tokens.token('user 7', maintainer);
    for (const subject of ['user 8', '', 'maintainer@sealward.test ', 'MAINTAINER@sealward.test']) {
      await assert.rejects(authority.issue(requestFor(token, subject)), { code: 'ERR_PROOF_INVALID' });
    }
    assert.equal(shown(), 0);
    // A wrong proof does not use the token up.
    assert.ok(await authority.issue(requestFor(token)));
  });

  it('takes a token once, also when two come at the same moment, and as often as its rule says', async () => {
    const { authority, tokens, ledger } = bench();
    const token = await tokens.token('user 7', maintainer);
    const outcomes = await Promise.allSettled([authority.issue(requestFor(token)), authority.issue(requestFor(token))]);
    assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    await assert.rejects(authority.issue(requestFor(token)), { code: 'ERR_TOKEN_REPLAYED' });
    assert.deepEqual(ledger.map(({ outcome }) => outcome).sort(), ['issued', 'refused', 'refused']);
    const lenient = bench({ uses: 2 });
    const twice = await lenient.tokens.token('user 7', { claims: { ...MAINTAINER, jti: undefined } });
    await lenient.authority.issue(requestFor(twice));
    await lenient.authority.issue(requestFor(twice));
    await assert.rejects(lenient.authority.issue(requestFor(twice)), { code: 'ERR_TOKEN_REPLAYED' });
  });

  it('gives nothing out when its log or its ledger fails, and the token may be used again', async () => {
    const failing = async (): Promise<never> => {
      throw new SealwardError('ERR_SERVICE_UNAVAILABLE', 'down');
    };
    const whole = bench();
    const key = createTestKey('ecdsa-p256').publicKey;
    const silent = { logId: new Uint8Array(32), key, addPrecertificate: failing };
    const lying = { logId: new Uint8Array(32), key, addPrecertificate: async () => new Uint8Array(120) };
    for (const log of [silent, lying]) {
      const { authority, tokens, ledger } = bench({}, { log });
      const token = await tokens.token('user 7', maintainer);
      for (const attempt of [1, 2]) {
        await assert.rejects(
          authority.issue(requestFor(token)),
          (error) => error instanceof SealwardError && error.code !== 'ERR_TOKEN_REPLAYED',
          `attempt ${attempt}`,
        );
      }
      assert.ok(ledger.every(({ outcome }) => outcome !== 'issued'));
    }
    const { authority, tokens } = bench({}, { ledger: { record: failing } });
    await assert.rejects(authority.issue(requestFor(await tokens.token('user 7', maintainer))), { code: 'ERR_SERVICE_UNAVAILABLE' });
    assert.ok(await whole.authority.issue(requestFor(await whole.tokens.token('user 7', maintainer))));
  });

  it('gives one identity its share and the others theirs', async () => {
    const clock = { now: 0 };
    const { authority, tokens } = bench({}, { rates: new Rates({ burst: 2, perMinute: 6 }, () => clock.now) });
    const ask = async (email: string): Promise<unknown> =>
      authority.issue(requestFor(await tokens.token('user', { claims: { email, email_verified: true } }), email));
    await ask('a@sealward.test');
    await ask('a@sealward.test');
    await assert.rejects(ask('a@sealward.test'), (error) => error instanceof SealwardError && error.code === 'ERR_RATE_LIMITED' && error.http === 429);
    await ask('b@sealward.test');
    clock.now += 10_000;
    await ask('a@sealward.test');
  });
});
