/**
 * As much of OpenAPI v2 as older versions of kubectl look at before a dry run: which PATCH knows the parameter dryRun. They take
 * it as protocol buffers alone, in the shape of gnostic's openapi.v2.Document; the numbers below are those of its fields.
 */
import { concatBytes, utf8 } from '../../core/encoding/index.ts';
import type { ServedKind } from './kinds.ts';

const DOCUMENT = { swagger: 1, info: 2, paths: 8 };
const INFO = { title: 1, version: 2 };
const PATHS = { path: 2 };
const NAMED = { name: 1, value: 2 };
const PATH_ITEM = { patch: 8 };
const OPERATION = { parameters: 8, vendorExtension: 13 };
const PARAMETER = { parameter: 1, nonBody: 2, query: 3 };
const QUERY = { in: 2, name: 4 };
const ANY = { yaml: 2 };

/** A field of bytes: its number with wire type 2, the length, and what is in it. */
function field(number: number, ...inner: readonly (Uint8Array | string)[]): Uint8Array {
  const value = concatBytes(...inner.map((each) => (typeof each === 'string' ? utf8(each) : each)));
  return concatBytes(varint(number * 8 + 2), varint(value.length), value);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; bytes.length === 0 || rest > 0; rest >>>= 7) bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
  return Uint8Array.from(bytes);
}

export function openApiV2(kinds: readonly ServedKind[]): Uint8Array {
  const query = field(PARAMETER.query, field(QUERY.in, 'query'), field(QUERY.name, 'dryRun'));
  const dryRun = field(OPERATION.parameters, field(PARAMETER.parameter, field(PARAMETER.nonBody, query)));
  const paths = kinds.flatMap(({ group, versions, kind, plural }) =>
    versions.map((version) => {
      const named = JSON.stringify({ group, version, kind });
      const extension = field(OPERATION.vendorExtension, field(NAMED.name, 'x-kubernetes-group-version-kind'), field(NAMED.value, field(ANY.yaml, named)));
      const item = field(PATH_ITEM.patch, dryRun, extension);
      return field(PATHS.path, field(NAMED.name, `/apis/${group}/${version}/${plural}/{name}`), field(NAMED.value, item));
    }),
  );
  const info = field(DOCUMENT.info, field(INFO.title, 'Kubernetes'), field(INFO.version, 'v1.32.0'));
  return concatBytes(field(DOCUMENT.swagger, '2.0'), info, field(DOCUMENT.paths, ...paths));
}
