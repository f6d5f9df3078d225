/** The last step of a build, on what browsers fetch. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

/**
 * Asks browsers to compile all of a script while it still arrives, on another thread. Without it a
 * function is compiled when it is first called, which is half of the time that the page's own
 * thread is busy while a page comes alive. Chromium knows the comment
 * (https://v8.dev/blog/explicit-compile-hints); to others it is one.
 */
export const HINT = '//# allFunctionsCalledOnLoad\n';
/** What is smaller gains nothing by being compressed. */
const LEAST_BYTES = 1024;

/**
 * Finishes the build in `root`: hints on the scripts, and scripts and styles once more as `.br`
 * and `.gz`. Once more, it changes nothing.
 */
export async function finishBuild(root: string): Promise<void> {
  const folder = join(root, '.next', 'static');
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(?:js|css)$/.test(name));
  await Promise.all(names.map((name) => finish(join(folder, name))));
}

async function finish(path: string): Promise<void> {
  let content: Buffer = readFileSync(path);
  if (path.endsWith('.js') && !content.subarray(0, HINT.length).equals(Buffer.from(HINT))) {
    content = Buffer.concat([Buffer.from(HINT), content]);
    writeFileSync(path, content);
  }
  if (content.length < LEAST_BYTES) return;
  const size = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  writeFileSync(`${path}.br`, await promisify(brotliCompress)(content, { params: size }));
  writeFileSync(`${path}.gz`, await promisify(gzip)(content, { level: 9 }));
}

const file = fileURLToPath(import.meta.url);
if (process.argv[1] === file) await finishBuild(dirname(dirname(file)));
