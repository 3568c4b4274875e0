/** The flags of `sealward trusted-root create`: the values of one service, with commas between them, as cosign writes them. */
import { parseCertificatesPem, parsePublicKeyPem } from '../../core/crypto/index.ts';
import { decodeUtf8, LIMITS, parseMoment } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { CertificateService, KeyService } from '../../core/trust/index.ts';
import { readBytes } from './file.ts';
import { nearest } from './nearest.ts';
import { visible } from './visible.ts';

export function certificateService(flag: string, text: string): CertificateService {
  const values = new ServiceValues(flag, text, ['url', 'certificate-chain', 'start-time', 'end-time']);
  const path = values.required('certificate-chain');
  const certificates = parseCertificatesPem(readText(path, 'the certificate file'), `the certificate file ${visible(path)}`);
  return { url: values.url(), certificates, ...values.window() };
}

/** Of an authority that signs timestamps: its own certificate comes first, as cosign wants it. */
export function timestampService(flag: string, text: string): CertificateService {
  const service = certificateService(flag, text);
  if (service.certificates[0]?.isCa !== false)
    throw new SealwardError('ERR_CERTIFICATE_INVALID', `--${flag}: the first certificate of the chain is not that of whoever signs timestamps`, {
      hint: 'Write its leaf first, then the certificates above it.',
    });
  return service;
}

export function keyService(flag: string, text: string): KeyService {
  const values = new ServiceValues(flag, text, ['url', 'public-key', 'start-time', 'end-time', 'origin']);
  const path = values.required('public-key');
  const origin = values.optional('origin');
  const key = parsePublicKeyPem(readText(path, 'the public key'), `the public key ${visible(path)}`);
  const { from, ...window } = values.window();
  if (from === undefined) return values.refuse('start-time is missing', 'Write start-time=2026-01-01T00:00:00Z.');
  return { url: values.url(), key, from, ...window, ...(origin === undefined ? {} : { origin }) };
}

function readText(path: string, what: string): string {
  return decodeUtf8(readBytes(path, LIMITS.documentBytes, what), `${what} ${visible(path)}`);
}

class ServiceValues<Name extends string> {
  readonly #flag: string;
  readonly #values = new Map<string, string>();

  constructor(flag: string, text: string, names: readonly Name[]) {
    this.#flag = flag;
    for (const pair of text.split(',')) {
      const at = pair.indexOf('=');
      const name = pair.slice(0, Math.max(at, 0)).trim();
      const value = pair.slice(at + 1).trim();
      const near = nearest(name, names);
      if (!names.includes(name as Name))
        this.refuse(`${JSON.stringify(pair.slice(0, 80))} is not one of its values`, near ? `Did you mean ${near}=?` : `They are ${names.join(', ')}.`);
      if (value === '') this.refuse(`${name} is empty`);
      if (this.#values.has(name)) this.refuse(`${name} is given twice`);
      this.#values.set(name, value);
    }
  }

  refuse(sentence: string, hint?: string): never {
    throw new SealwardError('ERR_USAGE', `--${this.#flag}: ${sentence}`, hint === undefined ? {} : { hint });
  }

  optional(name: Name): string | undefined {
    return this.#values.get(name);
  }

  required(name: Name): string {
    return this.#values.get(name) ?? this.refuse(`${name} is missing`);
  }

  url(): string {
    const text = this.required('url' as Name);
    return URL.canParse(text) && /^https?:/i.test(text) ? text : this.refuse(`url is not a URL: ${JSON.stringify(text.slice(0, 80))}`);
  }

  window(): { from?: number; to?: number } {
    const [from, to] = [this.#time('start-time' as Name), this.#time('end-time' as Name)];
    if (from !== undefined && to !== undefined && to < from) this.refuse('it ends before it starts');
    return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  }

  #time(name: Name): number | undefined {
    const text = this.#values.get(name);
    if (text === undefined) return undefined;
    return parseMoment(text) ?? this.refuse(`${name} is not a time: ${JSON.stringify(text.slice(0, 80))}`, 'Write it as in 2026-01-01T00:00:00Z.');
  }
}
