/** What an API server says when it does not do what was asked: Status objects, in its own words. */
import type { JsonObject } from '../../core/encoding/index.ts';
import { kindKey, type ServedKind } from './kinds.ts';

export class ApiFailure extends Error {
  readonly status: JsonObject;
  readonly code: number;

  constructor(code: number, reason: string, message: string, details?: JsonObject) {
    super(message);
    this.code = code;
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      ...(reason === '' ? {} : { reason }),
      ...(details ? { details } : {}),
      code,
    };
  }
}

const about = (kind: ServedKind, name: string): JsonObject => ({ name, ...(kind.group === '' ? {} : { group: kind.group }), kind: kind.plural });

export const notServed = (): ApiFailure => new ApiFailure(404, 'NotFound', 'the server could not find the requested resource', {});
export const notAllowed = (): ApiFailure => new ApiFailure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
export const unauthorized = (): ApiFailure => new ApiFailure(401, 'Unauthorized', 'Unauthorized');
export const badRequest = (message: string): ApiFailure => new ApiFailure(400, 'BadRequest', message);
export const internal = (message: string): ApiFailure => new ApiFailure(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });

export const notFound = (kind: ServedKind, name: string): ApiFailure =>
  new ApiFailure(404, 'NotFound', `${kindKey(kind)} "${name}" not found`, about(kind, name));

export const alreadyExists = (kind: ServedKind, name: string): ApiFailure =>
  new ApiFailure(409, 'AlreadyExists', `${kindKey(kind)} "${name}" already exists`, about(kind, name));

export const modified = (kind: ServedKind, name: string): ApiFailure =>
  new ApiFailure(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${kindKey(kind)} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
    about(kind, name),
  );

/** The precondition of a deletion. */
export const otherUid = (kind: ServedKind, name: string, wanted: string, found: string): ApiFailure =>
  new ApiFailure(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${kind.kind} "${name}": the UID in the precondition (${wanted}) does not match the UID in record (${found}). The object might have been deleted and then recreated`,
    { ...about(kind, name), kind: kind.kind },
  );

const CAUSES: Readonly<Record<string, string>> = {
  Required: 'FieldValueRequired',
  Forbidden: 'FieldValueForbidden',
  Unsupported: 'FieldValueNotSupported',
  Duplicate: 'FieldValueDuplicate',
};

/** @param message begins with the kind of the fault: "Required value", "Forbidden: field is immutable". */
export const invalid = (kind: Pick<ServedKind, 'group' | 'kind'>, name: string, field: string, message: string): ApiFailure =>
  new ApiFailure(422, 'Invalid', `${kind.kind}${kind.group === '' ? '' : `.${kind.group}`} "${name}" is invalid: ${field}: ${message}`, {
    ...(name === '' ? {} : { name }),
    ...(kind.group === '' ? {} : { group: kind.group }),
    // Everywhere else it is the plural.
    kind: kind.kind,
    causes: [{ reason: CAUSES[/^\w+/.exec(message)?.[0] ?? ''] ?? 'FieldValueInvalid', message, field }],
  });

/** What is wrong with the query of a request. @param options such as "PatchOptions" */
export const badOptions = (options: string, field: string, message: string): ApiFailure => invalid({ group: 'meta.k8s.io', kind: options }, '', field, message);

/** @param fields such as ".data.a", each with who applied it. */
export function applyConflict(fields: readonly (readonly [field: string, manager: string])[]): ApiFailure {
  const causes = fields.map(([field, manager]) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with "${manager}"${manager === 'unknown' ? ' using v1' : ''}`,
    field,
  }));
  const managers = [...new Set(fields.map(([, manager]) => manager))].sort();
  const each = managers.map(
    (manager) =>
      `conflicts with "${manager}"${manager === 'unknown' ? ' using v1' : ''}:\n${fields
        .filter(([, by]) => by === manager)
        .map(([field]) => `- ${field}`)
        .join('\n')}`,
  );
  const [only] = causes;
  const said = causes.length === 1 && only ? `1 conflict: ${only.message}: ${only.field}` : `${causes.length} conflicts: ${each.join('\n')}`;
  return new ApiFailure(409, 'Conflict', `Apply failed with ${said}`, { causes });
}

export const forbidden = (user: string, verb: string, kind: ServedKind, subresource: string, namespace: string, name: string): ApiFailure => {
  const resource = `${kind.plural}${subresource === '' ? '' : `/${subresource}`}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const what = name === '' ? `${kindKey(kind)} is` : `${kindKey(kind)} "${name}" is`;
  return new ApiFailure(
    403,
    'Forbidden',
    `${what} forbidden: User "${user}" cannot ${verb} resource "${resource}" in API group "${kind.group}" ${where}`,
    about(kind, name),
  );
};

export const versionTooOld = (asked: number, oldest: number): ApiFailure => new ApiFailure(410, 'Expired', `too old resource version: ${asked} (${oldest})`);

export const continueTooOld = (): ApiFailure =>
  new ApiFailure(
    410,
    'Expired',
    'The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.',
  );

export const versionTooLarge = (asked: number, current: number): ApiFailure =>
  new ApiFailure(504, 'Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
