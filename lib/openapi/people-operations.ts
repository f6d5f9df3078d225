import type { Operation } from '#lib/openapi/operation';

/** Who uses the server, and what they may do. */
export const PEOPLE_OPERATIONS: readonly Operation[] = [
  {
    id: 'me',
    tag: 'Operation',
    path: '/api/me',
    method: 'get',
    summary: 'Get who you are',
    description:
      'The person or key of the request, with role, group and scopes. With `AUTH=none` everyone is a local administrator.',
    access: 'key',
    responses: {
      200: { description: 'The caller.', content: { 'application/json': { schema: 'Me' } } },
    },
    examples: [{ summary: 'Who am I?' }],
  },
];
