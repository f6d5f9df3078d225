/**
 * The last step of a build: tells browsers to compile each script of the pages while it still arrives, on another thread. Without it
 * a function is compiled when it is first called, which is half of the time that the page's own thread is busy while a page
 * comes alive. Chromium knows the comment (https://v8.dev/blog/explicit-compile-hints); to others it is one.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const HINT = '//# allFunctionsCalledOnLoad\n';

/** Puts the hint on top of every script of the build in `root`. Once more, it changes nothing. */
export function hintScripts(root) {
  const folder = join(root, '.next', 'static', 'chunks');
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.js')) continue;
    const path = join(folder, name);
    const script = readFileSync(path, 'utf8');
    if (!script.startsWith(HINT)) writeFileSync(path, HINT + script);
  }
}

const file = fileURLToPath(import.meta.url);
if (process.argv[1] === file) hintScripts(dirname(dirname(file)));
