import type { KeyScope } from '#lib/wire/people';

interface ExampleKey {
  key: string;
  scopes: readonly KeyScope[];
}

/** A command that uses a new key for the first thing that it may do, in a POSIX shell. */
export function keyExample({ key, scopes }: ExampleKey, origin: string, model: string): string {
  const head = (path: string) => `curl ${origin}${path} \\\n  -H "Authorization: Bearer ${key}"`;
  const post = (path: string, body: object) =>
    `${head(path)} \\\n  -H "Content-Type: application/json" \\\n  -d ${quoted(JSON.stringify(body))}`;
  if (scopes.includes('chat'))
    return post('/v1/chat/completions', { model, messages: [{ role: 'user', content: 'Hello' }] });
  if (scopes.includes('code')) return post('/api/v1/code/run', { language: 'python', code: 'print(6 * 7)' });
  if (scopes.includes('gateway')) return head('/gateway/');
  return head('/api/cache-stats');
}

/** A single-quoted word of a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
