import { transform } from 'sucrase';
import type { DemoFile } from './protocol.ts';

/** Strips types and keeps line numbers. Throws for invalid TypeScript. */
export function javascriptOf({ name, content }: DemoFile): string {
  if (!/\.[cm]?ts$/.test(name)) return content;
  return transform(content, { transforms: ['typescript'], disableESTransforms: true, filePath: name }).code;
}

/**
 * Whether Node would treat the code as a module: it imports or exports. A keyword at the start of
 * a line decides; after a wrong guess the program is evaluated the other way. Pure.
 */
export function looksLikeModule(code: string): boolean {
  return /^\s*(?:import\s*(?:[\w*{"']|$)|export\s+(?:default|const|let|var|function|async|class|\{|\*)|export\s*\{)/m.test(
    code,
  );
}

/** Resolves a relative import among `names`, with or without extension. Pure. */
export function resolveModule(request: string, from: string, names: readonly string[]): string | undefined {
  const parts = from.split('/').slice(0, -1);
  for (const part of request.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  }
  const path = parts.join('/');
  const stem = path.replace(/\.[cm]?js$/, '');
  return [path, `${path}.js`, `${path}.ts`, `${stem}.ts`, `${path}/index.js`, `${path}/index.ts`].find((name) =>
    names.includes(name),
  );
}
