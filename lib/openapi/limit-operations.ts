import type { Operation, OperationParameter } from '#lib/openapi/operation';

/** Limits of people, set while the server runs. */

const scopeParameters = (kinds: string): readonly OperationParameter[] => [
  {
    name: 'kind',
    in: 'query',
    description: kinds,
    schema: { type: 'string', enum: ['default', 'group', 'user', 'key'] },
  },
  { name: 'id', in: 'query', description: 'Of the group, user or key; none for default.', schema: { type: 'string' } },
];

const CHANGED = {
  200: { description: 'The limits of the scope.', content: { 'application/json': { schema: 'ScopedLimits' } } },
} as const;

const RULES =
  'For administrators, and for managers within their group. A limit of 0 is none; a name that is missing is that of a less specific scope: key, user, group, default. The change holds at once.';

export const LIMIT_OPERATIONS: readonly Operation[] = [
  {
    id: 'limits',
    tag: 'Administration',
    path: '/api/admin/limits',
    method: 'get',
    summary: 'List limits of people',
    access: 'key',
    parameters: [
      ...scopeParameters('Shows this scope alone. All scopes where it is missing.'),
      { name: 'cursor', in: 'query', description: '`next_cursor` of the page before.', schema: { type: 'string' } },
    ],
    responses: {
      200: { description: 'Limits by scope.', content: { 'application/json': { schema: 'LimitList' } } },
    },
    errorCodes: ['invalid_request', 'forbidden', 'not_found'],
    examples: [{ summary: 'All limits' }, { summary: 'Those of all callers', query: { kind: 'default' } }],
  },
  {
    id: 'setLimits',
    tag: 'Administration',
    path: '/api/admin/limits',
    method: 'put',
    summary: 'Replace the limits of a scope',
    description: RULES,
    access: 'key',
    body: { schema: 'LimitsChange' },
    responses: CHANGED,
    errorCodes: ['forbidden', 'not_found', 'unsupported_value', 'not_saved'],
    examples: [
      {
        summary: 'A share of tokens for all callers',
        body: {
          scope: { kind: 'default' },
          limits: { tokens_per_day: { limit: 1_000_000, kind: 'share' }, concurrent_requests: 100 },
        },
      },
    ],
  },
  {
    id: 'changeLimits',
    tag: 'Administration',
    path: '/api/admin/limits',
    method: 'patch',
    summary: 'Change some limits of a scope',
    description: `${RULES} null removes a limit.`,
    access: 'key',
    body: { schema: 'LimitsChange' },
    responses: CHANGED,
    errorCodes: ['forbidden', 'not_found', 'unsupported_value', 'not_saved'],
    examples: [
      {
        summary: 'Without a limit of open requests',
        body: { scope: { kind: 'default' }, limits: { concurrent_requests: null } },
      },
    ],
  },
  {
    id: 'deleteLimits',
    tag: 'Administration',
    path: '/api/admin/limits',
    method: 'delete',
    summary: 'Remove the limits of a scope',
    description: 'Those of less specific scopes hold from now on.',
    access: 'key',
    parameters: scopeParameters('The scope.'),
    responses: { 204: { description: 'It has no limits.' } },
    errorCodes: ['invalid_request', 'forbidden', 'not_found', 'not_saved'],
    examples: [{ summary: 'Of all callers', query: { kind: 'default' } }],
  },
];
