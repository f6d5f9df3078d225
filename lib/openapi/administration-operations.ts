import type { Operation, OperationMethod, OperationParameter, OperationResponse } from '#lib/openapi/operation';
import { ID_PARAMETER, PAGE_PARAMETERS } from '#lib/openapi/people-parameters';
import type { SchemaName } from '#lib/openapi/schemas';
import type { ErrorCode } from '#lib/wire/error';
import { AUDIT_KINDS, ROLES } from '#lib/wire/people';

/** People, groups, invitations and keys, for administrators and, in their group, for managers. */

const CODES: readonly ErrorCode[] = ['invalid_request', 'forbidden', 'not_configured', 'not_saved'];
const EXAMPLE_ID = { id: 'id-of-the-entry' };

interface ListInput {
  id: string;
  path: string;
  summary: string;
  schema: SchemaName;
  parameters?: readonly OperationParameter[];
}

function list({ id, path, summary, schema, parameters = [] }: ListInput): Operation {
  return {
    id,
    tag: 'Administration',
    needsAccounts: true,
    path,
    method: 'get',
    summary,
    access: 'key',
    parameters: [...parameters, ...PAGE_PARAMETERS],
    responses: { 200: response('A page.', schema) },
    errorCodes: CODES,
    examples: [{ summary: 'The first page' }],
  };
}

interface EntryInput {
  id: string;
  path: string;
  method: OperationMethod;
  summary: string;
  description?: string;
  parameters?: readonly OperationParameter[];
  body?: SchemaName;
  example?: object;
  responses: Readonly<Record<number, OperationResponse>>;
  errorCodes?: readonly ErrorCode[];
}

function entry({
  id,
  path,
  method,
  summary,
  description,
  parameters = [],
  body,
  example,
  responses,
  errorCodes = [],
}: EntryInput): Operation {
  const hasId = path.includes('[id]');
  return {
    id,
    tag: 'Administration',
    needsAccounts: true,
    path,
    method,
    summary,
    ...(description === undefined ? {} : { description }),
    access: 'key',
    ...(hasId ? { parameters: [ID_PARAMETER, ...parameters] } : {}),
    ...(body === undefined ? {} : { body: { schema: body } }),
    responses,
    errorCodes: [...CODES, ...(hasId ? (['not_found'] as const) : []), ...errorCodes],
    examples: [
      { summary, ...(example === undefined ? {} : { body: example }), ...(hasId ? { path: EXAMPLE_ID } : {}) },
    ],
  };
}

function response(description: string, schema: SchemaName): OperationResponse {
  return { description, content: { 'application/json': { schema } } };
}

const DONE: OperationResponse = { description: 'Done.' };
const USERS = '/api/admin/users';
const GROUPS = '/api/admin/groups';

const query = (name: string, description: string): OperationParameter => ({
  name,
  in: 'query',
  description,
  schema: { type: 'string' },
});

const day = (name: string, description: string): OperationParameter => ({
  name,
  in: 'query',
  description,
  schema: { type: 'string', format: 'date' },
});

export const ADMINISTRATION_OPERATIONS: readonly Operation[] = [
  list({
    id: 'listPeople',
    path: USERS,
    summary: 'List people',
    schema: 'PersonList',
    parameters: [
      query('search', 'Part of a name or an address.'),
      query('group_id', 'Only people of this group.'),
      { name: 'role', in: 'query', description: 'Only people with this role.', schema: { enum: [...ROLES] } },
    ],
  }),
  entry({
    id: 'readPerson',
    path: `${USERS}/[id]`,
    method: 'get',
    summary: 'Get a person',
    responses: { 200: response('The person.', 'Person') },
  }),
  entry({
    id: 'changePerson',
    path: `${USERS}/[id]`,
    method: 'patch',
    summary: 'Change a person',
    description:
      'A disabled person is locked out at once. The last administrator stays one. Role and group are for administrators.',
    body: 'PersonChange',
    example: { disabled: true },
    responses: { 200: response('The person.', 'Person') },
    errorCodes: ['conflict'],
  }),
  entry({
    id: 'deletePerson',
    path: `${USERS}/[id]`,
    method: 'delete',
    summary: 'Delete a person',
    description: 'With its sessions and keys.',
    responses: { 204: DONE },
    errorCodes: ['conflict'],
  }),
  entry({
    id: 'listPersonSessions',
    path: `${USERS}/[id]/sessions`,
    method: 'get',
    summary: 'List the sessions of a person',
    description: 'The one that was used last comes first.',
    parameters: PAGE_PARAMETERS,
    responses: { 200: response('A page.', 'PersonSessions') },
  }),
  entry({
    id: 'endPersonSessions',
    path: `${USERS}/[id]/sessions`,
    method: 'delete',
    summary: 'Sign a person out everywhere',
    responses: { 204: DONE },
  }),
  entry({
    id: 'makeResetLink',
    path: `${USERS}/[id]/reset-link`,
    method: 'post',
    summary: 'Make a link that sets a password',
    description: 'With `send_mail` it is sent to the person, too: see docs/contract.md#mail. A body is optional.',
    body: 'ResetLinkRequest',
    example: { send_mail: true },
    responses: { 201: response('The link.', 'ResetLink') },
  }),
  entry({
    id: 'setTemporaryPassword',
    path: `${USERS}/[id]/temporary-password`,
    method: 'post',
    summary: 'Set a temporary password',
    description: 'Ends the sessions of the person.',
    responses: { 201: response('The password.', 'TemporaryPassword') },
  }),
  list({
    id: 'listInvitations',
    path: '/api/admin/invitations',
    summary: 'List invitations',
    schema: 'InvitationList',
  }),
  entry({
    id: 'createInvitation',
    path: '/api/admin/invitations',
    method: 'post',
    summary: 'Make an invitation',
    description:
      'For one person, or for `max_uses`. `url` is shown once, and sent to `email`: see docs/contract.md#mail. Managers invite members into their group.',
    body: 'NewInvitation',
    example: { role: 'member', max_uses: 30, expires_in_days: 14, note: 'Class 9b' },
    responses: { 201: response('The invitation.', 'CreatedInvitation') },
  }),
  entry({
    id: 'deleteInvitation',
    path: '/api/admin/invitations/[id]',
    method: 'delete',
    summary: 'Withdraw an invitation',
    responses: { 204: DONE },
  }),
  list({
    id: 'listGroups',
    path: GROUPS,
    summary: 'List groups',
    schema: 'GroupList',
    parameters: [query('search', 'Part of a name.')],
  }),
  entry({
    id: 'createGroup',
    path: GROUPS,
    method: 'post',
    summary: 'Make a group',
    body: 'NewGroup',
    example: { name: 'Class 9b' },
    responses: { 201: response('The group.', 'Group') },
    errorCodes: ['conflict'],
  }),
  entry({
    id: 'readGroup',
    path: `${GROUPS}/[id]`,
    method: 'get',
    summary: 'Get a group',
    responses: { 200: response('The group.', 'Group') },
  }),
  entry({
    id: 'changeGroup',
    path: `${GROUPS}/[id]`,
    method: 'patch',
    summary: 'Change a group',
    body: 'GroupChange',
    example: { name: 'Class 10b' },
    responses: { 200: response('The group.', 'Group') },
    errorCodes: ['conflict'],
  }),
  entry({
    id: 'deleteGroup',
    path: `${GROUPS}/[id]`,
    method: 'delete',
    summary: 'Delete a group',
    description: 'With its service keys and invitations. Its people stay, without a group.',
    responses: { 204: DONE },
  }),
  list({
    id: 'listAllKeys',
    path: '/api/admin/keys',
    summary: 'List keys of everyone',
    schema: 'KeyList',
    parameters: [query('user_id', 'Only keys of this person.')],
  }),
  entry({
    id: 'createServiceKey',
    path: '/api/admin/keys',
    method: 'post',
    summary: 'Make a service key',
    description: 'It belongs to a group and has the rights of a member. `key` is shown once.',
    body: 'ServiceKeyRequest',
    example: { name: 'Class server', group_id: 'id-of-the-group', trust_end_user: true },
    responses: { 201: response('The key.', 'CreatedKey') },
    errorCodes: ['not_found', 'conflict'],
  }),
  entry({
    id: 'readAnyKey',
    path: '/api/admin/keys/[id]',
    method: 'get',
    summary: 'Get a key',
    responses: { 200: response('The key, without its secret.', 'Key') },
  }),
  entry({
    id: 'revokeAnyKey',
    path: '/api/admin/keys/[id]',
    method: 'delete',
    summary: 'Revoke a key',
    responses: { 204: DONE },
  }),
  list({
    id: 'listChanges',
    path: '/api/admin/audit',
    summary: 'List what was changed, by whom and from where',
    schema: 'AuditList',
    parameters: [
      query('action', `Only this one, such as user.disable, or all of a kind: ${AUDIT_KINDS.join(', ')}.`),
      query('who', 'Part of the name of who did it, in any case.'),
      query('actor', '`user:` or `key:` and an id; `server`.'),
      query('target', 'Id of what was changed; of limits with its kind, such as user:id.'),
      day('from', 'The first day, by the calendar of TZ.'),
      day('to', 'The last day.'),
    ],
  }),
];
