import { describe, expect, it } from 'vitest';
import { importsOf, readSource, repositoryFiles, type SourceImport } from '../support/source-files.ts';

/** Modules that every folder of lib may import. They import nothing but one another. */
const BASE = [
  'lib/config',
  'lib/wire',
  'lib/languages/infos.ts',
  'lib/languages/language-names.ts',
  'lib/telemetry',
  'lib/errors.ts',
  'lib/units.ts',
  'lib/calendar.ts',
  'lib/singletons.ts',
  'lib/shutdown.ts',
  'lib/edit-distance.ts',
  'lib/max-min-fairness.ts',
  'lib/memory-accounting.ts',
  'lib/anonymous-file.ts',
  'lib/clock.ts',
  'lib/file-descriptor-limit.ts',
  'lib/node-http.ts',
  'lib/worker-process.ts',
  'lib/make-folder.ts',
  'lib/storable-text.ts',
];

/** What several pages share. */
const SHARED = ['components/ui', 'lib/browser', 'lib/languages/infos.ts', 'type:lib/languages', 'type:lib/wire'];

/** What work reports to people, without knowing them. */
const PEOPLE_HOOKS = ['lib/people/usage/usage-event.ts', 'lib/people/usage/usage-recorder.ts'];

/** What is shared over Redis, as the app sees it. The implementation is loaded by lib/server. */
const CLUSTER = 'lib/cluster/cluster.ts';

/**
 * Who may import whom: a folder imports itself and what its row lists, `type:` for types only. The
 * longest row that fits a file is its row. Packages are free, except for those in `PACKAGES`.
 */
const MATRIX: Record<string, readonly string[]> = {
  'server.ts': ['lib/server', 'lib/node-http.ts', 'lib/worker-process.ts'],
  'proxy.ts': ['lib/http', 'lib/config', 'lib/browser/endpoints.ts'],
  app: ['components', 'lib'],
  'components/ui': ['lib/browser'],
  'components/shell': SHARED,
  'components/code-run': SHARED,
  // The palette lists the conversations, on every page. The layout hands it to the shell.
  'components/command-palette': ['components/chat', 'components/shell', ...SHARED],
  'components/markdown': ['components/code-run', 'lib/wire/diagram.ts', ...SHARED],
  'components/playground': [
    ...['components/shell', 'components/code-run', 'lib/languages/samples.ts', 'lib/languages/editor-grammars.ts'],
    // Colours before the editor is loaded.
    ...['components/markdown/highlight.ts', 'components/markdown/highlight-ranges.ts'],
    ...SHARED,
  ],
  // Signing in, the account and the administration share its fields, keys and usage.
  'components/people': SHARED,
  'components/sign-in': ['components/people', 'components/shell', ...SHARED],
  'components/account': ['components/people', 'components/shell', ...SHARED],
  'components/admin': ['components/people', 'components/shell', ...SHARED],
  // Static HTML is rendered once per process.
  'components/api-reference': ['components/shell', 'lib/singletons.ts', ...SHARED],
  components: ['components/shell', 'components/code-run', 'components/markdown', ...SHARED],
  'lib/browser': ['type:lib/wire'],
  'lib/server': ['lib'],
  'lib/chat': ['lib/models', 'lib/http', 'lib/store', CLUSTER, ...PEOPLE_HOOKS, ...BASE],
  'lib/models': ['lib/upstream-http', ...BASE],
  'lib/runner': ['lib/languages', 'lib/http', 'lib/upstream-http', ...PEOPLE_HOOKS, ...BASE],
  'lib/gateway': ['lib/http-client', 'lib/http', ...BASE],
  'lib/openapi': ['lib/http', 'lib/languages', ...BASE],
  'lib/http': ['lib/store', CLUSTER, ...BASE],
  // What administrators change of the models and of the gateway.
  'lib/people/admin': ['lib/chat', 'lib/models', 'lib/gateway', 'lib/http', 'lib/store', CLUSTER, ...BASE],
  'lib/people': ['lib/http', 'lib/store', CLUSTER, ...BASE],
  // The queue of several servers is that of one with other parts.
  'lib/cluster': ['lib/chat', 'lib/models', 'lib/http', ...BASE],
  'lib/cluster/cluster.ts': BASE,
  'lib/store': BASE,
  'lib/http-client': [],
  'lib/languages': BASE,
  'lib/upstream-http': ['lib/http-client', ...BASE],
  lib: BASE,
};

/**
 * Packages that only some folders may import: the page's JavaScript has no zod, and routes run
 * without Next.
 */
const PACKAGES: { name: RegExp; refused: readonly string[] }[] = [
  { name: /^zod(\/|$)/, refused: ['components', 'lib/browser', 'lib/http-client'] },
  { name: /^(next|react|react-dom|swr)(\/|$)/, refused: ['lib/'] },
  { name: /^(?!node:)/, refused: ['lib/http-client'] },
  // Loaded with REDIS_URL alone.
  {
    name: /^(ioredis|bullmq)(\/|$)/,
    refused: ['lib/chat', 'lib/http', 'lib/people', 'lib/server', 'lib/cluster/cluster.ts'],
  },
];

const files = repositoryFiles();
const known = new Set(files);
const sources = files.filter(
  (file) => /^(app|components|lib|server\.ts|proxy\.ts)/.test(file) && /\.tsx?$/.test(file) && !isTest(file),
);
const graph = new Map(sources.map((file) => [file, importsOf(file, readSource(file), known)]));

/** Undefined for an import that the matrix allows, otherwise a sentence. */
function complaint(from: string, { target, isType }: SourceImport): string | undefined {
  if (!known.has(target)) {
    const refused = PACKAGES.some(
      ({ name, refused: folders }) => name.test(target) && !isType && folders.some((folder) => from.startsWith(folder)),
    );
    if (!refused || (from.startsWith('lib/browser/') && /^(react|swr)/.test(target))) return undefined;
    return `${from} may not import the package ${target}`;
  }
  const row = Object.keys(MATRIX)
    .filter((name) => isBelow(from, name))
    .sort((a, b) => b.length - a.length)[0];
  if (row === undefined) return `${from} has no row in the import matrix`;
  if (featureOf(from) === featureOf(target) || target === 'package.json') return undefined;
  const isAllowed = (MATRIX[row] ?? []).some((entry) =>
    entry.startsWith('type:') ? isType && isBelow(target, entry.slice('type:'.length)) : isBelow(target, entry),
  );
  return isAllowed ? undefined : `${from} (row ${row}) may not import ${isType ? 'a type of ' : ''}${target}`;
}

/** A page's feature, a folder of lib, or a file next to them. */
function featureOf(file: string): string {
  return file.match(/^(app|(?:components|lib)\/[^/]+)/)?.[0] ?? file;
}

function isBelow(file: string, folder: string): boolean {
  return file === folder || file.startsWith(`${folder}/`);
}

function isTest(file: string): boolean {
  return /\.test\.tsx?$/.test(file);
}

/** The first circle of imports that is found, types included, as a list of files. */
function findCycle(edges: ReadonlyMap<string, readonly { target: string }[]>): string[] | undefined {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    done.add(file);
    path.push(file);
    for (const { target } of edges.get(file) ?? []) {
      const cycle = visit(target);
      if (cycle !== undefined) return cycle;
    }
    path.pop();
    return undefined;
  };
  for (const file of edges.keys()) {
    const cycle = visit(file);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

describe('the import matrix', () => {
  it('allows every import of the sources', () => {
    const found = [...graph].flatMap(([file, imports]) => imports.flatMap((one) => complaint(file, one) ?? []));
    expect([...new Set(found)]).toEqual([]);
  });

  it('finds no circle of imports, types included', () => {
    expect(findCycle(graph)).toBeUndefined();
    expect(
      findCycle(
        new Map([
          ['a', [{ target: 'b' }]],
          ['b', [{ target: 'c' }]],
          ['c', [{ target: 'b' }]],
        ]),
      ),
    ).toEqual(['b', 'c', 'b']);
  });

  it('has no row that fits no file', () => {
    expect(Object.keys(MATRIX).filter((row) => !sources.some((file) => isBelow(file, row)))).toEqual([]);
  });

  it.each([
    ['components/chat/chat.tsx', "import { dashboard } from '#components/dashboard/dashboard';"],
    ['components/chat/chat.tsx', "import { config } from '#lib/config/config';"],
    ['components/chat/chat.tsx', "import { chatRequestSchema } from '#lib/wire/chat';"],
    ['components/chat/chat.tsx', "import { z } from 'zod';"],
    ['lib/browser/format.ts', "const later = import('#lib/http/reply');"],
    ['lib/chat/chat-engine.ts', "import type { Runner } from '#lib/runner/runner';"],
    ['lib/runner/runner.ts', "export * from '#lib/chat/chat-engine';"],
    ['lib/gateway/gateway.ts', "import { runner } from '#lib/runner/runner';"],
    ['lib/models/provider.ts', "type Engine = import('#lib/chat/chat-engine').ChatEngine;"],
    ['lib/http/route.ts', "import { modelDirectory } from '#lib/models/model-directory';"],
    ['lib/http-client/pool.ts', "import { log } from '#lib/telemetry/log';"],
    ['lib/http-client/pool.ts', "import { Pool } from 'undici';"],
    ['lib/config/config.ts', "import { route } from '#lib/http/route';"],
    ['lib/chat/chat-engine.ts', "import { NextResponse } from 'next/server';"],
  ])('refuses in %s: %s', (file, line) => {
    const [one] = importsOf(file, line, known);
    expect(one && complaint(file, one)).toMatch(/may not import/);
  });

  it.each([
    ['components/chat/chat.tsx', "import type { ChatRequest } from '#lib/wire/chat';"],
    ['lib/chat/chat-engine.ts', "import { type Provider } from '#lib/models/provider';"],
    ['lib/gateway/gateway.ts', "import { Pool } from '#lib/http-client/pool';"],
    ['app/page.tsx', "import { chat } from '#components/chat/chat';"],
  ])('allows in %s: %s', (file, line) => {
    const [one] = importsOf(file, line, known);
    expect(one && complaint(file, one)).toBeUndefined();
  });
});
