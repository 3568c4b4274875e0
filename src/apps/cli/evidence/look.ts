/** `sealward evidence list` and `show`: what is held, and since when. */
import type { StoredRecord } from '../../../clients/evidence/index.ts';
import type { JsonObject, JsonValue } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { visible, visibleJson } from '../visible.ts';
import { digestHeld, type EvidenceAsked, openFolder } from './asked.ts';

export async function list(invocation: EvidenceAsked): Promise<number> {
  const { terminal, form } = invocation;
  const rows = openFolder(invocation).records('answers').map(summary);
  if (form === 'json') terminal.print(visibleJson(rows));
  else
    for (const { image, askedAt, places } of rows)
      terminal.print(visible(`${image}  asked ${askedAt}  ${places.map(({ name, state }) => `${name} ${state}`).join(', ')}`));
  return 0;
}

export async function show(invocation: EvidenceAsked): Promise<number> {
  const { terminal, form } = invocation;
  const images = invocation.arguments.slice(1);
  if (images.length === 0) throw new SealwardError('ERR_USAGE', 'no image is named', { hint: '`sealward evidence list` names what is held.' });
  const store = openFolder(invocation);
  const rows = images.map((image) => {
    const digest = digestHeld(store, image);
    const answers = store.records('answers').filter(({ key }) => key.endsWith(`@${digest}`));
    if (answers.length === 0) throw new SealwardError('ERR_EVIDENCE_MISSING', `nothing is held about ${visible(image)}`);
    return {
      image,
      digest,
      answers: answers.map((answer) => ({
        ...summary(answer),
        listed: listed(answer.body).map((one) => ({ digest: one, held: store.bytes(one) !== undefined })),
      })),
    };
  });
  if (form === 'json') terminal.print(visibleJson(rows));
  else
    for (const { image, digest, answers } of rows) {
      terminal.print(visible(`${image}: ${digest}`));
      for (const answer of answers) {
        for (const { name, state, askedAt, imported } of answer.places)
          terminal.print(visible(`  ${answer.image.split('@')[0]} ${name}: ${state}, asked ${askedAt}${imported ? ', from an archive' : ''}`));
        for (const one of answer.listed) terminal.print(visible(`    ${one.digest} ${one.held ? 'held' : 'NOT HELD'}`));
      }
    }
  return 0;
}

function summary({ key, body }: StoredRecord) {
  const places = Object.entries(body).flatMap(([name, place]) =>
    isObject(place)
      ? [{ name, state: typeof place['state'] === 'string' ? place['state'] : '', askedAt: timeText(place['askedAt']), imported: place['imported'] === true }]
      : [],
  );
  return { image: key, askedAt: timeText(body['askedAt']), places };
}

function listed(body: JsonObject): string[] {
  const descriptors = Object.values(body).flatMap((place) => (isObject(place) && Array.isArray(place['descriptors']) ? place['descriptors'] : []));
  return [...new Set(descriptors.flatMap((one) => (isObject(one) && typeof one['digest'] === 'string' ? [one['digest']] : [])))];
}

function isObject(value: JsonValue): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function timeText(value: JsonValue | undefined): string {
  return typeof value === 'number' && Math.abs(value) <= 8.64e15 ? new Date(value).toISOString() : 'at an unknown time';
}
