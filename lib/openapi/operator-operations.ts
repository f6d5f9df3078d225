import type { Operation, OperationMethod } from '#lib/openapi/operation';
import type { ErrorCode } from '#lib/wire/error';
import { HISTORY_GROUPS, HISTORY_RANGES } from '#lib/wire/stats-history';

/** Statistics, health, signing in and the gateway. */

export const OPERATOR_OPERATIONS: readonly Operation[] = [
  {
    id: 'stats',
    tag: 'Operation',
    path: '/api/cache-stats',
    method: 'get',
    summary: 'Get statistics of caches, queue, code runner and process',
    description:
      'With REDIS_URL they are those of all servers that share it, and `instances` lists the servers. While Redis does not respond they are those of this server, and `scope` is `instance`.',
    access: 'key',
    responses: { 200: { description: 'Current statistics.', content: { 'application/json': { schema: 'Stats' } } } },
    examples: [{ summary: 'All statistics' }],
  },
  {
    id: 'statsHistory',
    tag: 'Operation',
    path: '/api/stats/history',
    method: 'get',
    summary: 'Figures over time',
    description:
      'The last hour at steps of 10 seconds, or the last day at steps of 5 minutes, as columns. Rates and percentiles are of each interval. Kept in the memory of the process: they begin with its start. With REDIS_URL they are those of all servers together.',
    access: 'key',
    parameters: [
      {
        name: 'range',
        in: 'query',
        description: '1h where it is missing.',
        schema: { type: 'string', enum: HISTORY_RANGES },
      },
      {
        name: 'group',
        in: 'query',
        description: 'Which figures: those of the server where it is missing.',
        schema: { type: 'string', enum: HISTORY_GROUPS },
      },
      {
        name: 'since',
        in: 'query',
        description: 'Unix seconds: only later points.',
        schema: { type: 'number' },
      },
    ],
    responses: {
      200: { description: 'Columns.', content: { 'application/json': { schema: 'StatsHistory' } } },
    },
    errorCodes: ['invalid_request'],
    examples: [
      { summary: 'The last hour' },
      { summary: 'The last five minutes of the gateway', query: { range: '5m', group: 'gateway' } },
    ],
  },
  {
    id: 'act',
    tag: 'Operation',
    path: '/api/cache-stats',
    method: 'post',
    summary: 'Clear a cache, or load a model',
    access: 'key',
    body: { schema: 'StatsAction' },
    responses: {
      200: { description: 'Done.', content: { 'application/json': { schema: 'StatsActionResult' } } },
    },
    errorCodes: [
      'rate_limited',
      'not_found',
      'model_not_found',
      'unsupported_value',
      'model_load_failed',
      'upstream_failed',
      'provider_unavailable',
      'not_configured',
      'shutting_down',
      'upstream_timeout',
    ],
    examples: [
      { summary: 'Clear both caches', body: { action: 'clear' } },
      { summary: 'Load the default model', body: { action: 'warm_model' } },
    ],
  },
  {
    id: 'metrics',
    tag: 'Operation',
    path: '/api/metrics',
    method: 'get',
    summary: 'Get metrics (Prometheus)',
    access: 'key',
    responses: {
      200: { description: "Prometheus's text format.", content: { 'text/plain': { description: 'Metrics.' } } },
    },
    examples: [{ summary: 'Metrics' }],
  },
  {
    id: 'ready',
    tag: 'Operation',
    path: '/api/ready',
    method: 'get',
    summary: 'Check readiness of each component',
    access: 'open',
    responses: {
      200: { description: 'Ready.', content: { 'application/json': { schema: 'Ready' } } },
      503: {
        description: 'A configured component is down, or the server is stopping.',
        content: { 'application/json': { schema: 'Ready' } },
        headers: { 'Retry-After': 'Seconds.' },
      },
    },
    examples: [{ summary: 'Readiness' }],
  },
  {
    id: 'health',
    tag: 'Operation',
    path: '/health',
    method: 'get',
    summary: 'Check liveness',
    access: 'open',
    responses: { 200: { description: 'Alive.', content: { 'application/json': { schema: 'Health' } } } },
    examples: [{ summary: 'Liveness' }],
  },
  {
    id: 'session',
    tag: 'Operation',
    path: '/api/session',
    method: 'get',
    summary: 'Get the session of this browser',
    access: 'open',
    responses: { 200: { description: 'The session.', content: { 'application/json': { schema: 'Session' } } } },
    errorCodes: ['rate_limited'],
    examples: [{ summary: 'Current session' }],
  },
  {
    id: 'signIn',
    tag: 'Operation',
    path: '/api/session',
    method: 'post',
    summary: 'Sign in',
    description: 'Exchanges a key for an HttpOnly cookie. 503 if the server has no keys.',
    access: 'open',
    body: { schema: 'SignIn' },
    responses: {
      200: {
        description: 'Signed in.',
        content: { 'application/json': { schema: 'SignedIn' } },
        headers: {
          'Set-Cookie':
            'The session cookie: HttpOnly, SameSite=Strict; with TLS also Secure, and its name begins with `__Host-`.',
        },
      },
    },
    errorCodes: ['unauthorized', 'rate_limited', 'not_configured'],
    examples: [{ summary: 'With a key', body: { key: 'your-key' } }],
  },
  {
    id: 'signOut',
    tag: 'Operation',
    path: '/api/session',
    method: 'delete',
    summary: 'Sign out',
    access: 'open',
    responses: {
      200: {
        description: 'Signed out.',
        content: { 'application/json': { schema: 'SignedIn' } },
        headers: { 'Set-Cookie': 'Ends the session.' },
      },
    },
    examples: [{ summary: 'Sign out' }],
  },
  {
    id: 'openApi',
    tag: 'Operation',
    path: '/api/openapi.json',
    method: 'get',
    summary: 'Get this API description',
    access: 'key',
    responses: {
      200: { description: 'OpenAPI 3.1.', content: { 'application/json': { description: 'The document.' } } },
    },
    examples: [{ summary: 'The document' }],
  },
  {
    id: 'diagramFile',
    tag: 'Operation',
    path: '/api/diagrams/[...file]',
    method: 'get',
    summary: 'Get a file of the diagram renderer',
    description: 'For the pages of this version only.',
    access: 'open',
    parameters: [{ name: 'file', in: 'path', description: 'Its path.', schema: { type: 'string' } }],
    responses: {
      200: {
        description: 'The file.',
        content: {
          'text/html': { description: 'The frame in which diagrams are drawn.' },
          'text/javascript': { description: 'A module of the renderer.' },
        },
      },
    },
    errorCodes: ['not_found'],
    examples: [{ summary: 'The frame', path: { file: 'frame' } }],
  },
];

const PASSED_METHODS: readonly OperationMethod[] = ['get', 'post', 'put', 'patch', 'delete'];
const GATEWAY_ERROR_CODES: readonly ErrorCode[] = [
  'invalid_request',
  'forbidden',
  'origin_not_allowed',
  'not_found',
  'method_not_allowed',
  'upstream_failed',
  'queue_full',
  'upstream_timeout',
];

export const GATEWAY_OPERATIONS: readonly Operation[] = [
  {
    id: 'gatewayHealth',
    tag: 'Gateway',
    path: '/gateway-health',
    method: 'get',
    summary: 'Check liveness of the gateway',
    description: 'Does not contact the backend. For its state use /api/ready.',
    access: 'open',
    responses: { 200: { description: 'Alive.', content: { 'application/json': { schema: 'GatewayHealth' } } } },
    examples: [{ summary: 'Health' }],
  },
  {
    id: 'gatewayStats',
    tag: 'Gateway',
    path: '/api/gateway-stats',
    method: 'get',
    summary: 'Get statistics of the gateway',
    access: 'key',
    responses: {
      200: { description: 'Current statistics.', content: { 'application/json': { schema: 'GatewayStats' } } },
    },
    examples: [{ summary: 'All statistics' }],
  },
  ...PASSED_METHODS.flatMap((method) => [
    passing('/gateway/[...path]', method, 'passByName', 'Forward a request to the private backend'),
    passing('/[...path]', method, 'pass', 'Forward any path that this server does not serve'),
  ]),
];

function passing(path: string, method: OperationMethod, id: string, summary: string): Operation {
  return {
    id: `${id}${method[0]?.toUpperCase()}${method.slice(1)}`,
    tag: 'Gateway',
    path,
    method,
    summary,
    description:
      "With a backend, of `PRIVATE_BACKEND_URL` or one that an administrator added: path and query are unchanged, both bodies are streamed, and `HF_TOKEN` is added for those of `PRIVATE_BACKEND_URL`. The caller's own Authorization is sent as `X-Forwarded-Authorization`. Without it, or with `GATEWAY_ORIGIN` at any other host: 404.",
    access: 'key',
    parameters: [{ name: 'path', in: 'path', description: "The backend's path.", schema: { type: 'string' } }],
    responses: {},
    errorCodes: GATEWAY_ERROR_CODES,
    passesOn: true,
    examples: [],
  };
}
