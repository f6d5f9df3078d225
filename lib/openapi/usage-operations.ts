import type { Operation, OperationParameter } from '#lib/openapi/operation';
import { OWN_USAGE_GROUPS, USAGE_GROUPS } from '#lib/wire/usage';

/** What was used, by whom. See docs/contract.md#usage. */

const DATES: readonly OperationParameter[] = [
  {
    name: 'from',
    in: 'query',
    description: 'The first day, by the calendar of TZ. Where it is missing: 30 days with the last one.',
    schema: { type: 'string', format: 'date' },
  },
  {
    name: 'to',
    in: 'query',
    description: 'The last day. Today where it is missing.',
    schema: { type: 'string', format: 'date' },
  },
];

function groupBy(groups: readonly string[], fallback: string): OperationParameter {
  return {
    name: 'group_by',
    in: 'query',
    description: `Comma-separated, in the order of the rows: ${groups.join(', ')}. ${fallback} where it is missing.`,
    schema: { type: 'string' },
  };
}

function filter(name: string, description: string): OperationParameter {
  return { name, in: 'query', description, schema: { type: 'string', maxLength: 200 } };
}

const ROWS = 'A row for each group that was used.';

export const USAGE_OPERATIONS: readonly Operation[] = [
  {
    id: 'usage',
    tag: 'Usage',
    path: '/api/usage',
    method: 'get',
    summary: 'Get your own usage',
    description:
      'Of a person: of all its sessions and keys. Of a key without a person: of the key. Without keys and accounts: of everyone on this machine.',
    access: 'key',
    parameters: [
      ...DATES,
      groupBy(OWN_USAGE_GROUPS, 'day,model'),
      filter('key', 'Only of the own key with this id, also of a revoked one.'),
    ],
    responses: { 200: { description: ROWS, content: { 'application/json': { schema: 'UsageReport' } } } },
    errorCodes: ['invalid_request', 'forbidden', 'not_saved'],
    examples: [
      { summary: 'The last 30 days' },
      { summary: 'A month by key', query: { from: '2026-11-01', to: '2026-11-30', group_by: 'key' } },
    ],
  },
  {
    id: 'adminUsage',
    tag: 'Usage',
    path: '/api/admin/usage',
    method: 'get',
    summary: 'Get the usage of everyone',
    description: 'For administrators. Managers get that of their group. At most 20,000 rows.',
    access: 'key',
    parameters: [
      ...DATES,
      groupBy(USAGE_GROUPS, 'user,model'),
      filter('user', 'Only of the user with this id. Empty: without an account.'),
      filter('group', 'Only of the group with this id.'),
      filter('key', 'Only of the key with this id.'),
      filter('model', 'Only of this model.'),
      { name: 'format', in: 'query', description: 'json where it is missing.', schema: { enum: ['json', 'csv'] } },
    ],
    responses: {
      200: {
        description: ROWS,
        content: {
          'application/json': { schema: 'UsageReport' },
          'text/csv': { description: 'A header, then a line for each row, as RFC 4180 has it.' },
        },
        headers: { 'Content-Disposition': 'Of CSV: a file name.' },
      },
    },
    errorCodes: ['invalid_request', 'forbidden', 'not_saved'],
    examples: [
      { summary: 'Who used which model' },
      { summary: 'By month and user, as CSV', query: { from: '2026-01-01', group_by: 'month,user', format: 'csv' } },
    ],
  },
];
