/** Run as a process of its own, to be killed: writes to a journal and says on stdout what is on the disk, and what was signed. */
import { existsSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openJournal } from '../src/clients/journal/index.ts';
import { algorithmsFor, encodePrivateKeyPkcs8, generateKeyPair, parsePrivateKeyPkcs8, publicKeyOf, signBytes } from '../src/core/crypto/index.ts';
import { decodeBase64, encodeBase64, utf8 } from '../src/core/encoding/index.ts';
import { encodeVerifierKey, NOTE_KEY_TYPE, noteVerifier } from '../src/core/tlog/index.ts';

const [folder = '', record = '', once] = process.argv.slice(2);
const ORIGIN = 'log.example/killed';
const path = join(record, 'key.json');

const stored = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { key: string }).key : undefined;
const privateKey = stored === undefined ? generateKeyPair('ed25519').privateKey : parsePrivateKeyPkcs8(decodeBase64(stored, 'the key'));
const verifier = noteVerifier(ORIGIN, NOTE_KEY_TYPE.ed25519, publicKeyOf(privateKey));
if (stored === undefined) {
  writeFileSync(path, JSON.stringify({ key: encodeBase64(encodePrivateKeyPkcs8(privateKey)), vkey: encodeVerifierKey(verifier, NOTE_KEY_TYPE.ed25519) }));
}
const [algorithm] = algorithmsFor(verifier.key);
if (!algorithm) throw new Error('the key signs nothing');

const say = (value: unknown): void => void writeSync(1, `${JSON.stringify(value)}\n`);
const journal = await openJournal({
  place: folder,
  record,
  origin: ORIGIN,
  keys: [{ verifier, sign: (message) => signBytes(privateKey, algorithm, message) }],
  create: true,
  failed: (error) => say({ failed: error.message }),
  pace: { signAfterMs: undefined, segmentBytes: 20_000 },
});
say({ size: Number(journal.size) });
if (once === undefined) {
  for (let round = 0; ; round++) {
    const first = Number(journal.size);
    const last = Array.from({ length: 1 + ((round * 7) % 90) }, (_, i) => journal.add(utf8(`entry ${first + i}`))).at(-1);
    await last?.durable;
    say({ size: Number(journal.size) });
    if (round % 3 === 2) say({ note: (await journal.sign())?.note });
  }
}
await journal.close();
