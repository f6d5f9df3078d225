/**
 * Removes what only the build needs from an image's `node_modules`, after `next build` and
 * `npm prune --omit=dev`: source maps, Next's compiler, packages that are bundled into the pages,
 * the model's libraries for other processors, and their sources. Never run by `npm start`: without
 * these nothing can be built.
 */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Bundled into the pages' scripts, or copied to `public/`, and loaded by no part of the server.
 */
export const BUNDLED: readonly string[] = ['@base-ui', 'lucide-react', 'pyodide'];
/** node-llama-cpp's sources, for a machine that no library of its is made for. */
const SOURCES = ['node-llama-cpp/llama/gitRelease.bundle'];

const modules = join(import.meta.dirname, '..', 'node_modules');
const processor = process.arch === 'arm' ? 'armv7l' : process.arch;

function below(scope: string): string[] {
  try {
    return readdirSync(join(modules, scope)).map((name) => `${scope}/${name}`);
  } catch {
    return [];
  }
}

if (process.argv[1] === import.meta.filename) slim();

function slim() {
  const others = [
    ...below('@next').filter((name) => name.startsWith('@next/swc-')),
    ...below('@node-llama-cpp').filter((name) => name !== `@node-llama-cpp/linux-${processor}`),
  ];
  for (const name of [...BUNDLED, ...SOURCES, ...others]) rmSync(join(modules, name), { recursive: true, force: true });
  for (const name of readdirSync(modules, { recursive: true, encoding: 'utf8' }))
    if (name.endsWith('.map') && statSync(join(modules, name)).isFile()) rmSync(join(modules, name));
}
