import { request, requestJson } from '#lib/browser/api-client';
import { API_BASE } from '#lib/browser/endpoints';
import { hasShape } from '#lib/browser/type-guards';
import type {
  AccessKey,
  AuditList,
  CreatedInvitation,
  CreatedKey,
  Group,
  GroupList,
  InvitationList,
  KeyList,
  MailReport,
  Member,
  MemberList,
  NewKey,
  PersonRole,
} from '#lib/wire/people';
import { isAccessKey, isCreatedKey, isKeyList, jsonRequest } from '../people/people-api.ts';

/** Requests of the administration's lists. */

const ADMIN = `${API_BASE}/api/admin`;
const at = (path: string, id: string) => `${ADMIN}/${path}/${encodeURIComponent(id)}`;

const isMemberList = hasShape<MemberList>({ users: 'array' });
const isMember = hasShape<Member>({
  id: 'string',
  name: 'string',
  email: 'string',
  role: 'string',
  disabled: 'boolean',
  two_factor: 'boolean',
  created_at: 'string',
});
const isInvitationList = hasShape<InvitationList>({ invitations: 'array' });
const isCreatedInvitation = hasShape<CreatedInvitation>({
  id: 'string',
  role: 'string',
  max_uses: 'number',
  uses: 'number',
  created_at: 'string',
  expires_at: 'string',
  url: 'string',
});
const isGroupList = hasShape<GroupList>({ groups: 'array' });
const isGroup = hasShape<Group>({ id: 'string', name: 'string', members: 'number', created_at: 'string' });
const isAuditList = hasShape<AuditList>({ entries: 'array' });
/** A link, and whether it was sent. */
export interface ResetLink {
  url: string;
  mail?: MailReport | null;
}
const isLink = hasShape<ResetLink>({ url: 'string' });

export const PATHS = {
  users: `${ADMIN}/users`,
  invitations: `${ADMIN}/invitations`,
  groups: `${ADMIN}/groups`,
  keys: `${ADMIN}/keys`,
  audit: `${ADMIN}/audit`,
} as const;

export function fetchMembers(url: string): Promise<MemberList> {
  return requestJson(isMemberList, url);
}

export function fetchMember(id: string): Promise<Member> {
  return requestJson(isMember, at('users', id));
}

export interface MemberChange {
  name?: string;
  role?: PersonRole;
  group_id?: string | null;
  disabled?: boolean;
  /** Removes the second factor of a person who lost it. */
  two_factor?: false;
}

export function changeMember(id: string, change: MemberChange): Promise<Member> {
  return requestJson(isMember, at('users', id), jsonRequest('PATCH', change));
}

export async function deleteMember(id: string): Promise<void> {
  await request(at('users', id), { method: 'DELETE' });
}

/** Signs a person out everywhere. */
export async function endSessionsOf(id: string): Promise<void> {
  await request(`${at('users', id)}/sessions`, { method: 'DELETE' });
}

/** A link with which a person chooses a new password; `isSent` sends it to the person, too. */
export function makeResetLink(id: string, isSent: boolean): Promise<ResetLink> {
  return requestJson(isLink, `${at('users', id)}/reset-link`, jsonRequest('POST', isSent ? { send_mail: true } : {}));
}

export function fetchInvitations(url: string): Promise<InvitationList> {
  return requestJson(isInvitationList, url);
}

export interface NewInvitation {
  role: PersonRole;
  group_id?: string;
  email?: string;
  /** Sends the link to `email`. */
  send_mail?: boolean;
  max_uses: number;
  expires_in_days: number;
  note?: string;
}

export function createInvitation(invitation: NewInvitation): Promise<CreatedInvitation> {
  return requestJson(isCreatedInvitation, PATHS.invitations, jsonRequest('POST', invitation));
}

export async function withdrawInvitation(id: string): Promise<void> {
  await request(at('invitations', id), { method: 'DELETE' });
}

export function fetchGroups(url: string): Promise<GroupList> {
  return requestJson(isGroupList, url);
}

export function fetchGroup(id: string): Promise<Group> {
  return requestJson(isGroup, at('groups', id));
}

export function createGroup(name: string): Promise<Group> {
  return requestJson(isGroup, PATHS.groups, jsonRequest('POST', { name }));
}

export interface GroupChange {
  name?: string;
  manager_id?: string | null;
}

export function changeGroup(id: string, change: GroupChange): Promise<Group> {
  return requestJson(isGroup, at('groups', id), jsonRequest('PATCH', change));
}

export async function deleteGroup(id: string): Promise<void> {
  await request(at('groups', id), { method: 'DELETE' });
}

export function fetchAllKeys(url: string): Promise<KeyList> {
  return requestJson(isKeyList, url);
}

export function fetchKey(id: string): Promise<AccessKey> {
  return requestJson(isAccessKey, at('keys', id));
}

export function createServiceKey(groupId: string, key: NewKey & { trust_end_user?: boolean }): Promise<CreatedKey> {
  return requestJson(isCreatedKey, PATHS.keys, jsonRequest('POST', { ...key, group_id: groupId }));
}

export async function revokeAnyKey(id: AccessKey['id']): Promise<void> {
  await request(at('keys', id), { method: 'DELETE' });
}

export function fetchAudit(url: string): Promise<AuditList> {
  return requestJson(isAuditList, url);
}
