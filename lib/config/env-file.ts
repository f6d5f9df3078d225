/** What begins after an address in OLLAMA_API_URL and OPENAI_BASE_URL. */
const CUT_FRAGMENT =
  /^\s*(?:export\s+)?(OLLAMA_API_URL|OPENAI_BASE_URL)\s*=\s*[^"'`\s#][^#\n]*\S#(?:slots|name|weight)=/gm;

/**
 * One sentence for each setting of a `.env` whose `#slots=…` is read as a comment, because its
 * value has no quotes.
 */
export function cutFragments(envFile: string): string[] {
  return [...envFile.matchAll(CUT_FRAGMENT)].map(
    ([, name]) => `${name} in .env is cut off at its #: put the value in quotes.`,
  );
}
