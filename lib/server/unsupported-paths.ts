/** https://github.com/ollama/ollama/blob/main/docs/api.md */
const OLLAMA_PATHS: ReadonlySet<string> = new Set(['/api/signout', '/api/status']);

/**
 * Whether a path that no route serves belongs to the API of OpenAI, Anthropic or Ollama:
 * `unsupported-api.ts` responds then.
 */
export function isUnsupportedApi(pathname: string): boolean {
  return isV1(pathname) || OLLAMA_PATHS.has(pathname) || pathname.startsWith('/api/blobs/');
}

export function isV1(pathname: string): boolean {
  return pathname.startsWith('/v1/') || pathname === '/v1';
}
