import { z } from 'zod';
import { bearerToken, hostNames, isBareUrl, trustedProxies, urlPath } from '#lib/config/network';
import { type LanguageId, languageIdSchema } from '#lib/wire/code';

/**
 * Every setting, its schema, its default and one line of meaning. `.env.example` is written from this table
 * (`npm run env-example`), and a test holds the two together. An empty value means the default.
 *
 * A default that depends on the machine or on other settings is `undefined` here and described in words.
 */

export interface Setting<T = unknown> {
  schema: z.ZodType<T>;
  /** As it would be written in the environment; undefined where there is none. */
  fallback: string | undefined;
  description: string;
  group: string;
}

const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^-?\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(least, `must be at least ${least}`).max(most, `must be at most ${most}`));

const flag = () =>
  z
    .enum(['true', 'false', '1', '0', 'yes', 'no', 'on', 'off'], { error: 'must be true or false' })
    .transform((word) => ['true', '1', 'yes', 'on'].includes(word));

const httpUrl = () =>
  z
    .url({ protocol: /^https?$/, error: 'must be a URL that begins with http:// or https://' })
    .transform((url) => url.replace(/\/+$/, ''));

const list = () =>
  z.string().transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  );

const text = () => z.string();
const optionalText = () => z.string().optional();

/** Go's duration form (`15m`, `1h30m`), or seconds as a bare number; −1 keeps a model for ever. */
const keepAlive = () =>
  z
    .string()
    .regex(/^(-1|\d+|(\d+(\.\d+)?(ms|s|m|h))+)$/, 'must be a duration such as 15m, 1h30m, or a number of seconds')
    .transform((word) => (/^-?\d+$/.test(word) ? Number(word) : word));

function define<T, D extends string | undefined>(
  group: string,
  schema: z.ZodType<T>,
  fallback: D,
  meaning: string,
): Setting<T> {
  return { schema, fallback, description: meaning, group };
}

const MAX_MS = 24 * 60 * 60 * 1000;
const port = () => whole(1, 65_535);

/** The other spellings that `EXECUTOR_LANGUAGE` may have; a test holds it to the runner's own. */
const SPELLINGS: Record<LanguageId, readonly string[]> = {
  python: ['py', 'python3'],
  javascript: ['js', 'node', 'nodejs'],
  typescript: ['ts'],
  java: [],
  cpp: ['c++', 'cxx', 'cplusplus', 'g++'],
  go: ['golang'],
  rust: ['rs'],
};
const LANGUAGE_OF = new Map(
  languageIdSchema.options.flatMap((id) => [id, ...SPELLINGS[id]].map((spelling) => [spelling, id] as const)),
);

const language = () =>
  z.string().transform((word, context): LanguageId => {
    const id = LANGUAGE_OF.get(word.toLowerCase());
    if (id !== undefined) return id;
    context.addIssue({ code: 'custom', message: 'must be python, javascript, typescript, java, cpp, go or rust' });
    return z.NEVER;
  });

const origin = () =>
  httpUrl()
    .transform((url) => new URL(url))
    .refine(
      ({ href, origin }) => href === `${origin}/`,
      'must be a scheme, a host and perhaps a port, without a path: https://backend.example',
    )
    .optional();

const urls = () => list().pipe(z.array(httpUrl()));

/** What passes everything on to a backend adds nothing of its own: credentials are HF_TOKEN's, the query is the caller's. */
const backendUrls = () =>
  urls().refine(
    (all) => all.every(isBareUrl),
    'must be without credentials, query and fragment: a token belongs into HF_TOKEN',
  );

export const SETTINGS = {
  HOST: define(
    'Server',
    optionalText(),
    undefined,
    'Address to listen on. Default: 127.0.0.1 without API_KEYS, 0.0.0.0 with them.',
  ),
  PORT: define('Server', port(), '3000', 'Port to listen on.'),
  LOG_LEVEL: define(
    'Server',
    z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
      error: 'must be fatal, error, warn, info, debug, trace or silent',
    }),
    'info',
    'fatal, error, warn, info, debug, trace or silent.',
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: define(
    'Server',
    httpUrl().optional(),
    undefined,
    'OpenTelemetry collector that gets traces over OTLP/HTTP, without its /v1/traces: http://localhost:4318. Default: none.',
  ),
  OTEL_EXPORTER_OTLP_HEADERS: define('Server', list(), '', 'Headers for it, as name=value, comma-separated.'),
  OTEL_SERVICE_NAME: define('Server', text(), 'chill-space', 'Name of this service in the traces.'),
  SHUTDOWN_TIMEOUT_MS: define('Server', whole(0, MAX_MS), '10000', 'How long open requests may go on after SIGTERM.'),
  RECEIVING_MAX_SIZE_MB: define(
    'Server',
    whole(48, 1_048_576),
    '128',
    'Bodies of requests that are being received, all together; one caller may have half of it. More get 503.',
  ),
  FRONTEND_URL: define(
    'Server',
    httpUrl().optional(),
    undefined,
    'Origin of a page elsewhere that may call this server.',
  ),
  CORS_ALLOWED_ORIGINS: define(
    'Server',
    list(),
    '',
    'More allowed origins, comma-separated; * allows all, for development.',
  ),
  API_KEYS: define(
    'Server',
    list(),
    '',
    'Keys that callers must show, comma-separated, of at least 16 characters each unless the server listens on loopback. Without any, the server is for this machine only.',
  ),
  ALLOWED_HOSTS: define(
    'Server',
    hostNames(),
    '',
    'Host names under which the server is reached without API_KEYS, beside localhost and the addresses of this machine, comma-separated; *.example.org is every name below it, * any name. With API_KEYS every name is served.',
  ),
  TRUST_PROXY: define(
    'Server',
    trustedProxies(),
    'false',
    "Proxies in front whose X-Forwarded-For tells the client's address: false, their number (true is 1), or their addresses and networks, comma-separated (loopback and private are known).",
  ),

  MODEL_PROVIDER: define(
    'Models',
    z.enum(['auto', 'ollama', 'openai', 'embedded'], { error: 'must be auto, ollama, openai or embedded' }),
    'auto',
    'auto takes Ollama or an OpenAI-compatible server where there is one, else the embedded model.',
  ),
  OLLAMA_API_URL: define('Models', httpUrl().optional(), 'http://localhost:11434', 'Where Ollama listens.'),
  OLLAMA_MODEL: define('Models', text(), 'deepseek-r1:8b', 'The model for requests that name none.'),
  OLLAMA_SYSTEM_PROMPT: define('Models', optionalText(), undefined, 'System prompt for requests that bring none.'),
  OLLAMA_KEEP_ALIVE: define(
    'Models',
    keepAlive(),
    '15m',
    'How long Ollama keeps a model loaded. A request can only prolong it.',
  ),
  OPENAI_BASE_URL: define('Models', httpUrl().optional(), undefined, 'An OpenAI-compatible server, with its /v1.'),
  OPENAI_API_KEY: define('Models', optionalText(), undefined, 'Its key.'),
  EMBEDDED_MODEL: define(
    'Models',
    optionalText(),
    undefined,
    'The built-in model: path of a GGUF file, or hub id (owner/repository/file.gguf, checked where #sha256=… follows). Default: SmolLM2-135M-Instruct.',
  ),
  EMBEDDED_CONTEXT_TOKENS: define(
    'Models',
    whole(256, 131_072),
    '2048',
    'Context of the built-in model; bounds its memory.',
  ),
  EMBEDDED_THREADS: define(
    'Models',
    whole(0, 256),
    '0',
    'Threads of the built-in model; 0 is one less than there are cores.',
  ),
  MODEL_CACHE_DIR: define(
    'Models',
    optionalText(),
    undefined,
    'Where the built-in model is kept. Default: ~/.cache/chill-space/models.',
  ),

  CACHE_ENABLED: define('Cache', flag(), 'true', 'Keep answers and give them again to identical requests.'),
  CACHE_SCOPE: define(
    'Cache',
    z.enum(['all', 'caller'], { error: 'must be all or caller' }),
    'all',
    'Who shares answers, kept or running: all callers, or caller for each by itself. Shared ones show that somebody asked the same.',
  ),
  CACHE_MAX_SIZE_MB: define('Cache', whole(1, 1_048_576), '256', 'Bound of the response cache, keys and values.'),
  CACHE_TTL_SECONDS: define('Cache', whole(1, 31_536_000), '3600', 'How long an answer is kept.'),
  CONVERSATION_CACHE_MAX_SIZE_MB: define('Cache', whole(1, 1_048_576), '128', 'Bound of the kept conversations.'),
  CONVERSATION_CACHE_TTL_SECONDS: define('Cache', whole(1, 31_536_000), '1800', 'How long a conversation is kept.'),

  QUEUE_MAX_CONCURRENT: define('Queue', whole(1, 1_000), '1', 'Requests that the model works on at a time.'),
  QUEUE_MAX_SIZE: define('Queue', whole(0, 1_000_000), '100', 'Requests that may wait; one more gets 503.'),
  QUEUE_MAX_MB: define(
    'Queue',
    whole(64, 1_048_576),
    '256',
    'Memory of all waiting requests with their images, half of it for one caller; one more gets 503.',
  ),
  QUEUE_ESTIMATED_TIME_PER_REQUEST_MS: define(
    'Queue',
    whole(1, MAX_MS),
    '30000',
    'Waiting time per request until one was measured.',
  ),
  QUEUE_RESULT_TTL_SECONDS: define('Queue', whole(1, 604_800), '600', 'How long a finished result can be fetched.'),
  DISCONNECT_GRACE_MS: define(
    'Queue',
    whole(0, MAX_MS),
    '10000',
    'How long an answer goes on after its last reader left.',
  ),
  BATCH_MAX_SIZE: define('Queue', whole(1, 1_000), '3', 'Waiting requests of one model that are released together.'),
  BATCH_TIMEOUT_MS: define(
    'Queue',
    whole(0, MAX_MS),
    '2000',
    'How long a request may be held back for a batch while all slots are busy.',
  ),
  BATCH_DEDUPLICATION: define('Queue', flag(), 'true', 'Join identical requests that are queued or running.'),

  MAX_RESPONSE_MB: define(
    'Upstream',
    whole(1, 1_024),
    '32',
    'Memory of one response while it is written; one that grows larger fails.',
  ),
  UPSTREAM_RETRIES: define(
    'Upstream',
    whole(0, 10),
    '2',
    'Tries again after a refused connection or a 5xx before the first token.',
  ),
  UPSTREAM_FIRST_TOKEN_TIMEOUT_MS: define(
    'Upstream',
    whole(1, MAX_MS),
    '300000',
    'Longest wait for the first token (a model may have to load).',
  ),
  UPSTREAM_IDLE_TIMEOUT_MS: define('Upstream', whole(1, MAX_MS), '60000', 'Longest silence between two tokens.'),
  UPSTREAM_TOTAL_TIMEOUT_MS: define('Upstream', whole(1, MAX_MS), '900000', 'Longest answer.'),

  RATE_LIMIT_CHAT: define(
    'Rate limits',
    whole(0, 1_000_000),
    '60',
    'Chat requests a minute for each caller; 0 is no limit.',
  ),
  RATE_LIMIT_CODE: define(
    'Rate limits',
    whole(0, 1_000_000),
    '30',
    'Code runs a minute for each caller; 0 is no limit.',
  ),
  RATE_LIMIT_CHECKS: define(
    'Rate limits',
    whole(0, 1_000_000),
    '360',
    "Checks of programs a minute for each caller (the editor's own, at most one in 5 s: 30 people behind one address); 0 is no limit.",
  ),

  PRIVATE_BACKEND_URL: define(
    'Gateway',
    backendUrls(),
    '',
    'Where everything goes that the app does not serve itself; several backends comma-separated.',
  ),
  HF_TOKEN: define('Gateway', bearerToken(), undefined, 'Token that the backend is shown as Authorization: Bearer.'),
  GATEWAY_POOL_SIZE: define(
    'Gateway',
    whole(1, 10_000),
    '50',
    'Connections to each backend; more requests wait for one. WebSockets are not counted.',
  ),
  GATEWAY_KEEP_ALIVE_MS: define('Gateway', whole(1, MAX_MS), '90000', 'How long an idle connection is kept.'),
  GATEWAY_TIMEOUT_MS: define(
    'Gateway',
    whole(1, MAX_MS),
    '60000',
    'Longest wait for the start of an answer, and longest silence within a body.',
  ),
  GATEWAY_ORIGIN: define(
    'Gateway',
    origin(),
    undefined,
    "Origin of its own for the gateway, as https://backend.example or http://gateway.localhost:3000, with a host name that leads here too. Recommended: without it the backend's pages share the app's origin, and can do all that its visitors can.",
  ),
  GATEWAY_SANDBOX: define(
    'Gateway',
    flag(),
    'false',
    "Show the backend's pages in an opaque origin (Content-Security-Policy: sandbox): their scripts run, without cookies and storage.",
  ),
  GATEWAY_MAX_QUEUE: define(
    'Gateway',
    whole(0, 100_000),
    '1000',
    'Requests that may wait for a connection to a backend; one more gets 503.',
  ),
  GATEWAY_MAX_WEBSOCKETS: define(
    'Gateway',
    whole(0, 100_000),
    '1000',
    'WebSockets that may be open; a client may hold four for each that is free, and one more gets 503.',
  ),
  GATEWAY_MIN_BYTES_PER_SECOND: define(
    'Gateway',
    whole(0, 1_000_000),
    '240',
    'Slowest upload, and slowest reading of an answer, that keeps its connection to a backend; 0 is no limit.',
  ),
  GATEWAY_HEALTH_PATH: define(
    'Gateway',
    urlPath(),
    undefined,
    'Path that is asked whether a backend is well (below 500 is). Default: whether it takes a connection.',
  ),

  SANDBOX: define(
    'Code',
    z.enum(['auto', 'bubblewrap', 'gvisor', 'none'], { error: 'must be auto, bubblewrap, gvisor or none' }),
    'auto',
    'auto and bubblewrap are the same; gvisor is stronger and slower, and needs runsc; none runs code bare, which is dangerous.',
  ),
  CODE_TIMEOUT_SECONDS: define(
    'Code',
    whole(1, 3_600),
    '10',
    'Wall time of a run that asks for none; at /api/executors it is 30.',
  ),
  CODE_MAX_TIMEOUT_SECONDS: define('Code', whole(1, 3_600), '60', 'The longest that a request may ask for.'),
  CODE_MAX_BYTES: define('Code', whole(1, 100_000_000), '50000', 'Size of a program.'),
  CODE_MAX_OUTPUT_BYTES: define('Code', whole(1, 100_000_000), '100000', 'Size of stdout, and of stderr.'),
  CODE_MEMORY_MB: define('Code', whole(16, 1_048_576), '128', 'Memory of a program, all its processes together.'),
  CODE_COMPILE_MEMORY_MB: define('Code', whole(64, 1_048_576), '1024', 'Memory of a compiler.'),
  CODE_COMPILE_TIMEOUT_SECONDS: define('Code', whole(1, 3_600), '30', 'Wall time of a compiler.'),
  // Below 16, V8 never starts and the JVM ends: the program's own error would name neither the
  // cause nor this setting.
  CODE_MAX_PROCESSES: define(
    'Code',
    whole(32, 100_000),
    '64',
    'Processes and threads of a program, at least 32: Node and Java need up to 16 for themselves.',
  ),
  CODE_DISK_MB: define('Code', whole(1, 1_048_576), '64', 'Disk of a program, gone afterwards.'),
  CODE_WARM_MEMORY_MB: define(
    'Code',
    whole(0, 1_048_576),
    '512',
    'What sandboxes that wait for programs may hold, together; 0 is none.',
  ),
  CODE_MAX_CONCURRENT: define('Code', whole(0, 1_000), '0', 'Runs at a time; 0 is one a core.'),
  // A class of 30 that runs its programs at once, twice over: on two cores the last one waits for
  // half a minute.
  CODE_MAX_QUEUE: define(
    'Code',
    whole(0, 100_000),
    '64',
    'Runs that may wait, and as many checks; one more gets 503, of the caller that has most.',
  ),

  EXECUTOR_LANGUAGE: define(
    'Executors',
    language().optional(),
    undefined,
    'Be the executor of this one language: PORT is then 8001 python, 8002 javascript and typescript, 8003 java, 8004 cpp, 8005 go, 8006 rust, and there are no rate limits of code.',
  ),
  PYTHON_EXECUTOR_URL: define(
    'Executors',
    urls(),
    '',
    'Where Python is run instead of here; replicas comma-separated.',
  ),
  JAVASCRIPT_EXECUTOR_URL: define('Executors', urls(), '', 'The same for JavaScript and TypeScript.'),
  JAVA_EXECUTOR_URL: define('Executors', urls(), '', 'The same for Java.'),
  CPP_EXECUTOR_URL: define('Executors', urls(), '', 'The same for C++.'),
  GO_EXECUTOR_URL: define('Executors', urls(), '', 'The same for Go.'),
  RUST_EXECUTOR_URL: define('Executors', urls(), '', 'The same for Rust.'),
  EXECUTOR_API_KEY: define('Executors', optionalText(), undefined, 'The key that these executors ask for.'),
} satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;

/** Settings that the pages read at build time. They are not checked here, but stand in `.env.example` with the rest. */
export const PUBLIC_SETTINGS: Record<string, string> = {
  NEXT_PUBLIC_API_URL:
    'Another server for the chat and the dashboard, e.g. http://localhost:8080; empty is this one. Read at build time.',
  NEXT_PUBLIC_CODE_API_URL:
    'Another code runner, with its path, e.g. https://runner.example/api/v1; empty is this one. Read at build time.',
};

/** Older names that still work where the new one is not set (SPEC §6). */
export const LEGACY_NAMES: Partial<Record<SettingName, string>> = {
  OLLAMA_API_URL: 'NEXT_PUBLIC_CHAT_API_URL',
  OLLAMA_MODEL: 'NEXT_PUBLIC_OLLAMA_MODEL',
  OLLAMA_SYSTEM_PROMPT: 'NEXT_PUBLIC_OLLAMA_SYSTEM_PROMPT',
};
