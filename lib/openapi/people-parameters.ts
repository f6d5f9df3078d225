import type { OperationParameter } from '#lib/openapi/operation';

/** Parameters of lists that are paged by a cursor, and of their entries. */

export const ID_PARAMETER: OperationParameter = {
  name: 'id',
  in: 'path',
  description: 'Its id.',
  schema: { type: 'string' },
};

export const PAGE_PARAMETERS: readonly OperationParameter[] = [
  { name: 'cursor', in: 'query', description: '`next_cursor` of the page before.', schema: { type: 'string' } },
  {
    name: 'limit',
    in: 'query',
    description: '50 where it is missing.',
    schema: { type: 'integer', minimum: 1, maximum: 200 },
  },
];
