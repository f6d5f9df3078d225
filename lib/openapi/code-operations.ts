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
  description: `One of the languages, or another of its names: ${describeLanguages()}`,
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
      'A program that fails is still a 200. With `Accept: text/event-stream`, output arrives while the program runs, and closing the connection ends it. There is no network in the sandbox.',
    access: 'key',
    body: { schema: 'CodeRequest' },
    responses: {
      200: {
        description: 'What became of it.',
        content: {
          'application/json': { schema: 'CodeResult' },
          'text/event-stream': {
            description: 'Output, then one `result`; or one `error`. Comments keep the connection.',
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
        description: 'Not valid, or a language that is not known here: then with the list of those that are.',
        content: { 'application/json': { schema: ['Error', 'UnsupportedLanguage'] } },
      },
    },
    errorCodes: RUN_ERROR_CODES,
    examples: [
      { summary: 'Python, with input', body: { language: 'python', code: SUM_PROGRAM, stdin: '1\n2\n3\n' } },
      {
        summary: 'JavaScript, output live',
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
    summary: 'Languages, versions and sandbox of the runner',
    access: 'open',
    responses: { 200: { description: 'What there is.', content: { 'application/json': { schema: 'RunnerHealth' } } } },
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
    description: 'At the root, too, of a server that was started with `EXECUTOR_LANGUAGE`.',
    access: 'key',
    parameters: [LANGUAGE],
    body: { schema: 'ExecuteRequest' },
    responses: {
      200: {
        description: 'What became of it.',
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
    summary: 'Find the errors of a program without running it',
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
    summary: 'Version, limits, features and a sample of one language',
    access: 'key',
    parameters: [LANGUAGE],
    responses: {
      200: { description: 'About the language.', content: { 'application/json': { schema: 'ExecutorInfo' } } },
    },
    errorCodes: ['not_found'],
    examples: [{ summary: 'Python', path: { language: 'python' } }],
  },
  {
    id: 'executorHealth',
    tag: 'Executors',
    path: '/api/executors/[language]/health',
    method: 'get',
    summary: 'Whether one language can be run',
    access: 'open',
    parameters: [LANGUAGE],
    responses: {
      200: { description: 'It can.', content: { 'application/json': { schema: 'ExecutorHealth' } } },
      503: { description: 'It cannot, and what to do.', content: { 'application/json': { schema: 'ExecutorHealth' } } },
    },
    errorCodes: ['not_found'],
    examples: [{ summary: 'Python', path: { language: 'python' } }],
  },
  {
    id: 'executorsHealth',
    tag: 'Executors',
    path: '/api/microservices/health',
    method: 'get',
    summary: 'All executors, with status and latency',
    access: 'open',
    responses: {
      200: { description: 'All of them.', content: { 'application/json': { schema: 'MicroservicesHealth' } } },
    },
    examples: [{ summary: 'All executors' }],
  },
  {
    id: 'executorDetails',
    tag: 'Executors',
    path: '/api/microservices/info/[language]',
    method: 'get',
    summary: 'The same as the info of an executor',
    access: 'key',
    parameters: [LANGUAGE],
    responses: {
      200: { description: 'About the language.', content: { 'application/json': { schema: 'ExecutorInfo' } } },
    },
    errorCodes: ['not_found'],
    examples: [{ summary: 'Python', path: { language: 'python' } }],
  },
];
