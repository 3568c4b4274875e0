/** What is to be admitted: the attributes from which reviews are made. */
import type { JsonObject } from '../../core/encoding/index.ts';
import type { ServedKind } from './kinds.ts';
import type { ClusterUser } from './users.ts';

export interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly kind: ServedKind;
  /** The version of the request. */
  readonly version: string;
  /** Empty for the object itself. */
  readonly subresource: string;
  /** Of the object that is sent: a Scale for pods/scale, an Eviction for pods/eviction. */
  readonly objectKind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly namespace: string;
  /** Empty where the name is still to be generated. */
  readonly name: string;
  readonly object?: JsonObject;
  readonly oldObject?: JsonObject;
  readonly user: ClusterUser;
  readonly dryRun: boolean;
  readonly options: JsonObject;
  readonly warnings: string[];
}

/** Both throw ApiFailure for what is denied. */
export interface Admission {
  /** @returns the object as webhooks changed it. */
  mutate(request: AdmissionRequest): Promise<JsonObject>;
  validate(request: AdmissionRequest): Promise<void>;
}
