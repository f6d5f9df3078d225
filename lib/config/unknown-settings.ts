import { LEGACY_NAMES, PUBLIC_SETTINGS, SETTINGS } from '#lib/config/settings';
import { editDistance } from '#lib/edit-distance';

/** Variables of other programs with a prefix of this app's settings. */
const FOREIGN_VARIABLES = new Set([
  // Ollama's own: https://github.com/ollama/ollama/blob/main/envconfig/config.go
  ...['OLLAMA_HOST', 'OLLAMA_MODELS', 'OLLAMA_DEBUG', 'OLLAMA_ORIGINS', 'OLLAMA_NUM_PARALLEL', 'OLLAMA_MAX_QUEUE'],
  ...['OLLAMA_MAX_LOADED_MODELS', 'OLLAMA_FLASH_ATTENTION', 'OLLAMA_KV_CACHE_TYPE', 'OLLAMA_CONTEXT_LENGTH'],
  ...['OLLAMA_LLM_LIBRARY', 'OLLAMA_LOAD_TIMEOUT', 'OLLAMA_GPU_OVERHEAD', 'OLLAMA_NOHISTORY', 'OLLAMA_NOPRUNE'],
  ...['OLLAMA_SCHED_SPREAD', 'OLLAMA_MULTIUSER_CACHE', 'OLLAMA_NEW_ENGINE', 'OLLAMA_AUTH', 'OLLAMA_API_KEY'],
  ...['OLLAMA_VULKAN', 'OLLAMA_REMOTES', 'OLLAMA_EDITOR', 'OLLAMA_TMPDIR', 'OLLAMA_RUNNERS_DIR'],
  // OpenAI's packages, and tools around them.
  ...['OPENAI_ORG_ID', 'OPENAI_ORGANIZATION', 'OPENAI_PROJECT_ID', 'OPENAI_PROJECT', 'OPENAI_API_BASE'],
  ...['OPENAI_API_HOST', 'OPENAI_API_TYPE', 'OPENAI_API_VERSION', 'OPENAI_LOG', 'OPENAI_MODEL', 'OPENAI_ADMIN_KEY'],
  ...['OPENAI_WEBHOOK_SECRET', 'OPENAI_PROXY'],
  // Xcode and CGI.
  ...['CODE_SIGN_IDENTITY', 'GATEWAY_INTERFACE'],
]);

/**
 * Prefixes of this app alone. A variable with such a prefix that is no setting is misspelt, or
 * belongs to another version.
 */
const OWN_PREFIXES = [
  ...[
    'BATCH_',
    'CACHE_',
    'CODE_',
    'CONVERSATION_CACHE_',
    'DISCONNECT_GRACE',
    'EMBEDDED_',
    'EXECUTOR_',
    'GATEWAY_',
    'LIMIT_',
  ],
  ...['OLLAMA_', 'OPENAI_', 'PRIVATE_BACKEND', 'QUEUE_', 'RATE_LIMIT_', 'SHUTDOWN_TIMEOUT', 'TRUST_PROX', 'UPSTREAM_'],
];
const EXECUTOR_ADDRESS = /_EXECUTOR_URLS?$/;
/** A name without such a prefix is reported up to this edit distance. */
const MAX_EDITS = 2;
/** A shorter name without such a prefix is close to too many others. */
const MIN_LETTERS = 7;

/**
 * One sentence for each variable of `environment` that looks like a setting of this app and is
 * none, with the closest setting. Variables of other programs are left out.
 */
export function unknownSettings(environment: Readonly<Record<string, string | undefined>> = process.env): string[] {
  const names = [...Object.keys(SETTINGS), ...Object.keys(PUBLIC_SETTINGS)];
  const known = new Set([...names, ...Object.values(LEGACY_NAMES)]);
  return Object.keys(environment)
    .filter((name) => !known.has(name) && !FOREIGN_VARIABLES.has(name) && !isServiceAddress(name, environment[name]))
    .sort()
    .flatMap((name) => {
      const upper = name.toUpperCase();
      const hasPrefix = OWN_PREFIXES.some((prefix) => name.startsWith(prefix)) || EXECUTOR_ADDRESS.test(name);
      if (!hasPrefix && upper.length < MIN_LETTERS) return [];
      // Few variables have such a prefix. The others are compared with names of about their length.
      const [nearest, edits] = nearestOf(upper, names, hasPrefix ? Number.POSITIVE_INFINITY : MAX_EDITS);
      if (!hasPrefix && edits > MAX_EDITS) return [];
      const isClose = edits <= Math.max(MAX_EDITS, upper.length / 3);
      const meant = edits <= MAX_EDITS ? nearest : (withMoreWords(upper, names) ?? (isClose ? nearest : undefined));
      return `${name} is not a setting and has no effect.${meant === undefined ? '' : ` Did you mean ${meant}?`}`;
    });
}

/**
 * The shortest setting that has all words of `name` in their order: CACHE_TTL_SECONDS for
 * CACHE_TTL.
 */
function withMoreWords(name: string, candidates: readonly string[]): string | undefined {
  const words = name.split('_');
  return candidates
    .filter((candidate) => {
      let found = 0;
      for (const word of candidate.split('_')) if (word === words[found]) found += 1;
      return found === words.length && words.length > 1;
    })
    .sort((a, b) => a.length - b.length)[0];
}

/**
 * Whether Kubernetes or a Docker link set the variable for a service:
 * https://kubernetes.io/docs/concepts/services-networking/service/
 */
function isServiceAddress(name: string, value: string | undefined): boolean {
  return (
    /_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP)\w*)$/.test(name) ||
    /^(?:tcp|udp):\/\//.test(value ?? '')
  );
}

/** The nearest candidate with at most `most` edits; `most` and one edit if absent. */
function nearestOf(name: string, candidates: readonly string[], most: number): [nearest: string, edits: number] {
  let nearest = '';
  let least = most + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= least) continue;
    const edits = editDistance(name, candidate);
    if (edits < least) [nearest, least] = [candidate, edits];
  }
  return [nearest, least];
}
