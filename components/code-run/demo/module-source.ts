import { transform } from 'sucrase';
import type { DemoFile } from './protocol.ts';

/** The JavaScript of a file: TypeScript loses its types, and every line stays where it is. Throws for what is no TypeScript. */
export function javascriptOf({ name, content }: DemoFile): string {
  if (!/\.[cm]?ts$/.test(name)) return content;
  return transform(content, { transforms: ['typescript'], disableESTransforms: true, filePath: name }).code;
}

/**
 * Whether Node would read it as a module: it imports or exports, or awaits outside of any function. A word at the
 * beginning of a line is near enough: where it is a mistake, the program is read the other way. Pure.
 */
export function looksLikeModule(code: string): boolean {
  return /^\s*(?:import\s*(?:[\w*{"']|$)|export\s+(?:default|const|let|var|function|async|class|\{|\*)|export\s*\{)/m.test(
    code,
  );
}

/** Among `names`, the file that `request` means when it is written in `from`: as it is, or with an extension. Pure. */
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
