/** Longer texts are cut before the regular expressions run. */
const MAX_READ_CHARACTERS = 2_000;
const MAX_SHOWN_CHARACTERS = 300;

const CREDENTIALS_IN_URL = /\/\/[^/\s@]+@/g;
const KEY =
  /\b(?:Bearer\s+[\w.~+/=*-]{8,}|(?:sk|hf|pk|rk|key|gsk|xai|ghp|glpat)[-_][\w.*-]{8,}|AIza[\w-]{16,}|AKIA[A-Z0-9]{12,}|eyJ[\w-]{10,}\.[\w.-]+)/gi;
const ADDRESS_IN_URL = /\b(?:https?|wss?|tcp):\/\/(\[[^\]\s]*\]|[^\s/:"'<>)]+)(:\d+)?[^\s"'<>)]*/gi;
const IPV4 = /\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b/g;
const IPV6 = /\[[0-9a-f]*:[0-9a-f:.]+\](?::\d{1,5})?/gi;
const DIALLED =
  /\b(dial (?:tcp|udp)|lookup|ECONNREFUSED|ENOTFOUND|connect(?:ing|ion)? to|localhost)(?:\s+|:)[^\s,;"']*[.:\d][^\s,;"']*/gi;
const PATH = /(^|[\s"'(=])(?:[A-Za-z]:)?[\\/](?:[\w.@+-]+[\\/])+[\w.@+-]*/g;
/** Names that only resolve inside a network. */
const INTERNAL_NAME = /^(?:[^.]+|.*\.(?:local|localhost|internal|intranet|lan|home|corp|private|svc|arpa))$/i;

/**
 * Makes a text of a model server safe to show to callers: one line of at most 300 characters,
 * without credentials, keys, paths, addresses inside a network, and `secrets`.
 */
export function redact(text: string, secrets: readonly string[] = []): string {
  let shown = text.slice(0, MAX_READ_CHARACTERS);
  shown = shown.replace(CREDENTIALS_IN_URL, '//').replace(ADDRESS_IN_URL, hideInternal);
  for (const secret of secrets) shown = shown.replaceAll(secret, '(hidden)');
  return shown
    .replace(KEY, '(key)')
    .replace(DIALLED, '$1 (address)')
    .replace(IPV4, '(address)')
    .replace(IPV6, '(address)')
    .replace(PATH, '$1(path)')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, MAX_SHOWN_CHARACTERS);
}

/** Keeps the URL of a public page, and hides an address inside a network. */
function hideInternal(url: string, host: string): string {
  return host.startsWith('[') || /^[\d.]+$/.test(host) || INTERNAL_NAME.test(host) ? '(address)' : url;
}
