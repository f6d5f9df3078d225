import { DEFAULT_LANGUAGES, describeLanguages } from '#lib/languages/language-names';
import type { Operation, OperationParameter } from '#lib/openapi/operation';
import type { ErrorCode } from '#lib/wire/error';

/** The runner's API, and the executor API of each language. */

const RUN_ERROR_CODES: readonly ErrorCode[] = [
  'rate_limited',
  'code_too_large',
  'runner_busy',
  'sandbox_unavailable',
  'language_unavailable',
  'shutting_down',
  'cancelled',
  'upstream_failed',
  'upstream_timeout',
];

const LANGUAGE: OperationParameter = {
  name: 'language',
  in: 'path',
  description: `A language, or one of its aliases: ${describeLanguages()}`,
  schema: { type: 'string', examples: DEFAULT_LANGUAGES },
};

const EXECUTION_TIME = { 'X-Execution-Time-Ms': 'Wall time of the program, in milliseconds.' };
const SUM_PROGRAM = 'print(sum(int(line) for line in open(0)))';

export const CODE_OPERATIONS: readonly Operation[] = [
  {
    id: 'runCode',
    tag: 'Code',
    path: '/api/v1/code/run',
    method: 'post',
    summary: 'Run a program in the sandbox',
    description:
      'A program that fails is still a 200. With `Accept: text/event-stream` the output is streamed while the program runs, and closing the connection stops it. The sandbox has no network.',
    access: 'key',
    body: { schema: 'CodeRequest' },
    responses: {
      200: {
        description: 'The result.',
        content: {
          'application/json': { schema: 'CodeResult' },
          'text/event-stream': {
            description: 'Output, then one `result`, or one `error`. Comments keep the connection open.',
            events: [
              { event: 'stdout', schema: 'CodeOutput' },
              { event: 'stderr', schema: 'CodeOutput' },
              { event: 'result', schema: 'CodeResult' },
              { event: 'error', schema: 'Error' },
            ],
          },
        },
        headers: EXECUTION_TIME,
      },
      400: {
        description: 'Not valid, or an unknown language; then with the list of languages.',
        content: { 'application/json': { schema: ['Error', 'UnsupportedLanguage'] } },
      },
    },
    errorCodes: RUN_ERROR_CODES,
    examples: [
      { summary: 'Python, with input', body: { language: 'python', code: SUM_PROGRAM, stdin: '1\n2\n3\n' } },
      {
        summary: 'JavaScript, streamed output',
        headers: { Accept: 'text/event-stream' },
        body: { language: 'javascript', code: 'for (const n of [1, 2, 3]) console.log(n * n);' },
      },
    ],
  },
  {
    id: 'runnerHealth',
    tag: 'Code',
    path: '/api/v1/health',
    method: 'get',
    summary: 'Get the code runner’s languages, versions and sandbox',
    access: 'open',
    responses: {
      200: { description: 'The code runner.', content: { 'application/json': { schema: 'RunnerHealth' } } },
    },
    examples: [{ summary: 'Health' }],
  },
];

export const EXECUTOR_OPERATIONS: readonly Operation[] = [
  {
    id: 'execute',
    tag: 'Executors',
    path: '/api/executors/[language]/execute',
    method: 'post',
    summary: 'Run a program in one language',
    description: 'A server started with `EXECUTOR_LANGUAGE` also serves this at its root.',
    access: 'key',
    parameters: [LANGUAGE],
    body: { schema: 'ExecuteRequest' },
    responses: {
      200: {
        description: 'The result.',
        content: { 'application/json': { schema: 'ExecuteResult' } },
        headers: EXECUTION_TIME,
      },
    },
    errorCodes: [...RUN_ERROR_CODES, 'not_found', 'unsupported_language'],
    examples: [
      {
        summary: 'Python',
        path: { language: 'python' },
        body: { code: SUM_PROGRAM, input_data: '1\n2\n3\n', timeout: 10 },
      },
    ],
  },
  {
    id: 'validate',
    tag: 'Executors',
    path: '/api/executors/[language]/validate',
    method: 'post',
    summary: 'Check a program without running it',
    access: 'key',
    parameters: [LANGUAGE],
    body: { schema: 'ValidateRequest' },
    responses: {
      200: { description: 'Its errors and warnings.', content: { 'application/json': { schema: 'ValidateResult' } } },
    },
    errorCodes: [...RUN_ERROR_CODES, 'not_found', 'unsupported_language', 'unsupported_value'],
    examples: [{ summary: 'A syntax error', path: { language: 'python' }, body: { code: 'print(1' } }],
  },
  {
    id: 'executorInfo',
    tag: 'Executors',
    path: '/api/executors/[language]/info',
    method: 'get',
    summary: 'Get version, limits, features and an example of one language',
    access: 'key',
    parameters: [LANGUAGE],
    responses: {
      200: { description: 'The language.', content: { 'application/json': { schema: 'ExecutorInfo' } } },
    },
    errorCodes: ['not_found'],
    examples: [{ summary: 'Python', path: { language: 'python' } }],
  },
  {
    id: 'executorHealth',
    tag: 'Executors',
    path: '/api/executors/[language]/health',
    method: 'get',
    summary: 'Check whether one language is available',
    access: 'open',
    parameters: [LANGUAGE],
    responses: {
      200: { description: 'Available.', content: { 'application/json': { schema: 'ExecutorHealth' } } },
      503: {
        description: 'Unavailable, with what to do.',
        content: { 'application/json': { schema: 'ExecutorHealth' } },
      },
    },
    errorCodes: ['not_found'],
    examples: [{ summary: 'Python', path: { language: 'python' } }],
  },
  {
    id: 'executorsHealth',
    tag: 'Executors',
    path: '/api/microservices/health',
    method: 'get',
    summary: 'List executors with status and latency',
    access: 'open',
    responses: {
      200: { description: 'The executors.', content: { 'application/json': { schema: 'MicroservicesHealth' } } },
    },
    examples: [{ summary: 'All executors' }],
  },
  {
    id: 'executorDetails',
    tag: 'Executors',
    path: '/api/microservices/info/[language]',
    method: 'get',
    summary: 'Get information about one language (alias)',
    access: 'key',
    parameters: [LANGUAGE],
    responses: {
      200: { description: 'The language.', content: { 'application/json': { schema: 'ExecutorInfo' } } },
    },
    errorCodes: ['not_found'],
    examples: [{ summary: 'Python', path: { language: 'python' } }],
  },
];
