/** PKCS#11 URIs (RFC 7512): which token, which key, which module, and where the PIN is, but never the PIN itself. */
import { decodeUtf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';

export interface Pkcs11Uri {
  /** What the token must say of itself: token (its label), serial, manufacturer, model. */
  readonly token?: string;
  readonly serial?: string;
  readonly manufacturer?: string;
  readonly model?: string;
  readonly slotId?: number;
  /** CKA_LABEL and CKA_ID of the key. */
  readonly object?: string;
  readonly id?: Uint8Array;
  readonly modulePath?: string;
  readonly moduleName?: string;
  /** The file that holds the PIN. */
  readonly pinSource?: string;
}

/** RFC 7512 section 2.3; what is here and not read below says nothing about which key is meant. */
const PATH_ATTRIBUTES = [
  'token',
  'serial',
  'manufacturer',
  'model',
  'slot-id',
  'object',
  'id',
  'type',
  'slot-description',
  'slot-manufacturer',
  'library-manufacturer',
  'library-description',
  'library-version',
];
const IGNORED = new Set(['slot-description', 'slot-manufacturer', 'library-manufacturer', 'library-description', 'library-version']);
const QUERY_ATTRIBUTES = ['module-path', 'module-name', 'pin-source', 'pin-value'];

const EXAMPLE = 'Write pkcs11:token=TOKEN;object=LABEL?module-path=/path/to/module.so&pin-source=/path/to/pin.';

function refuse(why: string, hint = EXAMPLE): never {
  throw new SealwardError('ERR_KEY_REFERENCE', `the PKCS#11 URI ${why}`, { hint });
}

export function parsePkcs11Uri(text: string): Pkcs11Uri {
  const [path = '', query, ...rest] = text.replace(/^pkcs11:/, '').split('?');
  if (rest.length > 0) refuse('has more than one question mark');
  const attributes = new Map<string, Uint8Array>();
  read(path, ';', PATH_ATTRIBUTES, attributes);
  read(query ?? '', '&', QUERY_ATTRIBUTES, attributes);
  const value = (name: string): string | undefined => {
    const bytes = attributes.get(name);
    return bytes === undefined ? undefined : decodeUtf8(bytes, `the ${name} of the PKCS#11 URI`);
  };
  const type = value('type');
  if (type !== undefined && type !== 'private' && type !== 'public') refuse(`names an object of the type "${type.slice(0, 20)}", where a key is expected`);
  const slot = value('slot-id');
  if (slot !== undefined && !/^\d{1,9}$/.test(slot)) refuse('has a slot-id that is no number');
  const object = value('object');
  const id = attributes.get('id');
  if (object === undefined && id === undefined) refuse('names no key: it has neither object nor id');
  const modulePath = value('module-path');
  // dlopen looks for a bare name in places that the environment may choose.
  if (modulePath !== undefined && !/^(?:\/|[A-Za-z]:[\\/])/.test(modulePath)) refuse('has a module-path that is not absolute');
  const moduleName = value('module-name');
  if (moduleName !== undefined && !/^[A-Za-z0-9][A-Za-z0-9._+-]{0,80}$/.test(moduleName)) refuse('has a module-name that is no name of a module');
  const named = {
    token: value('token'),
    serial: value('serial'),
    manufacturer: value('manufacturer'),
    model: value('model'),
    object,
    modulePath,
    moduleName,
    pinSource: pinFile(value('pin-source')),
  };
  return {
    ...(Object.fromEntries(Object.entries(named).filter(([, text]) => text !== undefined)) as Pkcs11Uri),
    ...(slot === undefined ? {} : { slotId: Number(slot) }),
    ...(id === undefined ? {} : { id }),
  };
}

function read(part: string, separator: string, known: readonly string[], into: Map<string, Uint8Array>): void {
  for (const attribute of part.split(separator)) {
    if (attribute === '') continue;
    const at = attribute.indexOf('=');
    const name = at < 0 ? attribute : attribute.slice(0, at);
    if (name === 'pin-value') {
      refuse(
        'holds the PIN itself, which then stands in histories, process lists and logs',
        'Take pin-value out, change that PIN, and give the new one with pin-source=FILE or in COSIGN_PKCS11_PIN.',
      );
    }
    // Section 2.3: an attribute must not stand twice, and one that is not known must not be passed over.
    if (at < 0 || !known.includes(name)) refuse(`has an attribute that is not known: "${name.slice(0, 30)}"`);
    if (into.has(name)) refuse(`has the attribute ${name} twice`);
    const value = percentDecoded(attribute.slice(at + 1), name);
    if (!IGNORED.has(name)) into.set(name, value);
  }
}

/** Section 2.3: any octet may be percent-encoded, and the ID of a key is nothing but octets. */
function percentDecoded(text: string, name: string): Uint8Array {
  const bytes: number[] = [];
  for (const [, hex, plain] of text.matchAll(/%([0-9A-Fa-f]{2})|([^%])|%/gu)) {
    if (hex !== undefined) bytes.push(Number.parseInt(hex, 16));
    else if (plain !== undefined) bytes.push(...new TextEncoder().encode(plain));
    else refuse(`has a percent sign in ${name} that encodes nothing`);
  }
  if (bytes.length === 0 || bytes.length > 1024) refuse(`has an empty or endless ${name}`);
  return Uint8Array.from(bytes);
}

/** Section 2.4: a file, as a path or a file: URI. A "|program" would run what the reference says. */
function pinFile(source: string | undefined): string | undefined {
  if (source === undefined) return undefined;
  const path = source.startsWith('file:') ? source.slice(5).replace(/^\/\/(?=\/)/, '') : source;
  if (path.startsWith('|') || /^[a-z][a-z0-9+.-]+:/i.test(path)) refuse('has a pin-source that is not a file');
  return path;
}
