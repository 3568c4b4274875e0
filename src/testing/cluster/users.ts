/** Who asks, and what they may: tokens and client certificates, and rules as in a Role. */
import type { JsonObject, JsonValue } from '../../core/encoding/index.ts';
import { listAt } from './members.ts';

export interface ClusterUser {
  readonly name: string;
  readonly groups?: readonly string[];
  /** The rules of Roles and ClusterRoles that hold for this user; everything is allowed when missing. */
  readonly rules?: readonly { readonly namespace?: string; readonly rule: JsonValue }[];
}

export const ADMINISTRATOR: ClusterUser = { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };
export const ANONYMOUS: ClusterUser = { name: 'system:anonymous', groups: ['system:unauthenticated'], rules: [] };

export interface Access {
  readonly verb: string;
  readonly group: string;
  readonly plural: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

/** RBAC: whether one rule has the verb, the group, the resource (with its subresource) and, where it names any, the name. */
export function mayAccess(user: ClusterUser, access: Access): boolean {
  if (!user.rules) return true;
  const resource = access.subresource === '' ? access.plural : `${access.plural}/${access.subresource}`;
  const holds = (rule: JsonValue, member: string, ...wanted: readonly string[]): boolean => {
    const listed = listAt(rule, member);
    return listed.includes('*') || wanted.some((each) => listed.includes(each));
  };
  return user.rules.some(({ namespace, rule }) => {
    if (namespace !== undefined && namespace !== access.namespace) return false;
    const names = listAt(rule, 'resourceNames');
    const wildcard = access.subresource === '' ? [] : [`*/${access.subresource}`];
    return (
      holds(rule, 'verbs', access.verb) &&
      holds(rule, 'apiGroups', access.group) &&
      holds(rule, 'resources', resource, ...wildcard) &&
      (names.length === 0 || names.includes(access.name))
    );
  });
}

/** As it stands in a review. */
export const userInfo = (user: ClusterUser): JsonObject => ({ username: user.name, groups: [...(user.groups ?? ['system:authenticated'])] });
