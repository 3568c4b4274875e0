/**
 * The requests of signing an image without a key, and nothing else: nothing is read strictly, nothing is verified. What Node takes for them is below what
 * any program on it can take. Takes the flags of `sign`; bundled by bench/own-server.ts, so that it is JavaScript when it starts.
 */
const crypto = process.getBuiltinModule('node:crypto');
const { readFileSync } = process.getBuiltinModule('node:fs');
const http = process.getBuiltinModule('node:http');

interface Answer {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly bytes: Buffer;
}

const valueOf = (flag: string): string => process.argv[process.argv.indexOf(flag) + 1] ?? '';
const services = JSON.parse(readFileSync(valueOf('--signing-config'), 'utf8')) as Record<'caUrls' | 'rekorTlogUrls' | 'tsaUrls', { url: string }[]>;
const urlOf = (kind: keyof typeof services): string => services[kind][0]?.url ?? '';
const token = readFileSync(valueOf('--identity-token'), 'utf8').trim();
const [, host = '', repository = '', digest = ''] = /^([^/]+)\/(.+)@(sha256:.+)$/.exec(process.argv.at(-1) ?? '') ?? [];
const home = `http://${host}/v2/${repository}`;

const TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const agent = new http.Agent({ keepAlive: true });

function ask(method: string, url: string, type?: string, body?: Buffer): Promise<Answer> {
  const { hostname, port, pathname, search, host: name } = new URL(url);
  const headers = { host: name, ...(type ? { 'content-type': type } : {}), ...(body ? { 'content-length': body.length } : {}) };
  return new Promise((resolve, reject) => {
    const sent = http.request({ agent, method, host: hostname, port, path: pathname + search, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const bytes = Buffer.concat(chunks);
        if ((answer.statusCode ?? 500) < 300) resolve({ headers: answer.headers, bytes, text: bytes.toString() });
        else reject(new Error(`${method} ${url}: ${answer.statusCode}`));
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const sha256 = (bytes: Uint8Array | string): Buffer => crypto.hash('sha256', bytes, 'buffer');
const nameOf = (bytes: Uint8Array | string): string => `sha256:${sha256(bytes).toString('hex')}`;

async function push(bytes: Buffer): Promise<void> {
  const { headers } = await ask('POST', `${home}/blobs/uploads/`);
  const place = new URL(String(headers['location']), home);
  place.searchParams.set('digest', nameOf(bytes));
  await ask('PUT', place.href, 'application/octet-stream', bytes);
}

/** An RFC 3161 request for SHA-256, with a nonce that is always the same. */
const stampRequest = (message: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from('303c0201013031300d060960864801650304020105000420', 'hex'), sha256(message), Buffer.from('0201070101ff', 'hex')]);

async function sign(): Promise<void> {
  const { privateKey, publicKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { sub } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { sub: string };
  const proof = base64(crypto.sign('sha256', Buffer.from(sub), privateKey));
  const holder = { publicKey: { algorithm: 'ECDSA', content: publicKey.export({ type: 'spki', format: 'pem' }) }, proofOfPossession: proof };
  const certifying = ask(
    'POST',
    `${urlOf('caUrls')}/api/v2/signingCert`,
    'application/json',
    json({ credentials: { oidcIdentityToken: token }, publicKeyRequest: holder }),
  );
  const { headers } = await ask('HEAD', `${home}/manifests/${digest}`);
  const statement = { _type: 'https://in-toto.io/Statement/v1', subject: [{ digest: { sha256: digest.slice(7) } }] };
  const payload = json({ ...statement, predicateType: 'https://sigstore.dev/cosign/sign/v1', predicate: {} });
  const signed = Buffer.concat([Buffer.from(`DSSEv1 28 application/vnd.in-toto+json ${payload.length} `), payload]);
  const signature = crypto.sign('sha256', signed, privateKey);
  const issued = JSON.parse((await certifying).text) as { signedCertificateEmbeddedSct: { chain: { certificates: string[] } } };
  const [pem = ''] = issued.signedCertificateEmbeddedSct.chain.certificates;
  const rawBytes = pem.replace(/-----[^-]+-----|\s/g, '');
  const verifier = { keyDetails: 'PKIX_ECDSA_P256_SHA_256', x509Certificate: { rawBytes } };
  const record = { hashedRekordRequestV002: { digest: base64(sha256(signed)), signature: { content: base64(signature), verifier } } };
  const [entry, stamp] = await Promise.all([
    ask('POST', `${urlOf('rekorTlogUrls')}/api/v2/log/entries`, 'application/json', json(record)),
    ask('POST', urlOf('tsaUrls'), 'application/timestamp-query', stampRequest(signature)),
  ]);
  const bundle = json({
    mediaType: TYPE,
    verificationMaterial: {
      certificate: { rawBytes },
      tlogEntries: [JSON.parse(entry.text)],
      timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: base64(stamp.bytes) }] },
    },
    dsseEnvelope: { payload: base64(payload), payloadType: 'application/vnd.in-toto+json', signatures: [{ sig: base64(signature) }] },
  });
  await Promise.all([push(Buffer.from('{}')), push(bundle)]);
  const manifest = json({
    schemaVersion: 2,
    mediaType: MANIFEST,
    artifactType: TYPE,
    config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: nameOf('{}'), size: 2 },
    layers: [{ mediaType: TYPE, digest: nameOf(bundle), size: bundle.length }],
    subject: { mediaType: headers['content-type'], digest, size: Number(headers['content-length']) },
  });
  await ask('PUT', `${home}/manifests/${nameOf(manifest)}`, MANIFEST, manifest);
  await ask('GET', `${home}/manifests/${nameOf(manifest)}`);
}

sign().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
