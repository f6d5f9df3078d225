/**
 * Makes `public/demo/engine/`, from which demo mode runs programs in the browser where no runner
 * can be reached: the workers, each in one file, and the engines' own files out of their packages.
 * Nothing of it is loaded before a program is run there.
 */
import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build, type OutputOptions } from 'rolldown';

const root = join(import.meta.dirname, '..');
const target = join(root, 'public', 'demo', 'engine');
const require = createRequire(import.meta.url);

const COPIES = {
  'pyodide.asm.wasm': 'pyodide/pyodide.asm.wasm',
  'python_stdlib.zip': 'pyodide/python_stdlib.zip',
  'quickjs.wasm': '@jitl/quickjs-ng-wasmfile-release-sync/wasm',
};

mkdirSync(target, { recursive: true });
for (const [name, from] of Object.entries(COPIES)) copy(require.resolve(from), join(target, name));
// Pyodide asks for the list of its packages, of which it gets none here.
const { info } = JSON.parse(readFileSync(require.resolve('pyodide/pyodide-lock.json'), 'utf8'));
write('pyodide-lock.json', JSON.stringify({ info, packages: {} }));
await bundle('python-worker', 'python.js');
await bundle('javascript-worker', 'javascript.js');
await bundle('node-prelude', 'prelude.js', { name: 'prelude' }, ({ code }) => `${code};prelude.install`);

/** A classic script: a worker without an origin cannot be a module. */
async function bundle(
  entry: string,
  name: string,
  output: OutputOptions = {},
  finish: (chunk: { code: string }) => string = ({ code }) => code,
): Promise<void> {
  const { output: chunks } = await build({
    input: join(root, 'components', 'code-run', 'demo', `${entry}.ts`),
    platform: 'browser',
    // Never reached in a browser.
    logLevel: 'silent',
    external: /^(?:node:|ws$)/,
    write: false,
    // Pyodide has other ways for that, none of which is taken in a browser.
    checks: { eval: false },
    output: { format: 'iife', ...output, minify: true, codeSplitting: false },
  });
  write(name, finish(chunks[0]));
}

/** A file that is as it was keeps its time, so that browsers keep what they have. */
function write(name: string, text: string): void {
  const file = join(target, name);
  if (readOr(file) !== text) writeFileSync(file, text);
}

function copy(from: string, to: string): void {
  const size = statSync(to, { throwIfNoEntry: false })?.size;
  if (size !== statSync(from).size || !readFileSync(from).equals(readFileSync(to))) copyFileSync(from, to);
}

function readOr(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
