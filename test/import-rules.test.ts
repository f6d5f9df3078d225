import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const REFUSED: [path: string, specifier: string][] = [
  ['components/chat/x.tsx', '#lib/chat/chat-engine'],
  ['components/chat/x.tsx', '#lib/config/config'],
  ['lib/client/x.ts', '#lib/http/reply'],
  ['lib/chat/x.ts', '#lib/runner/index'],
  ['lib/chat/x.ts', '#lib/http/reply'],
  ['lib/runner/x.ts', '#lib/chat/chat-engine'],
  ['lib/gateway/x.ts', '#lib/runner/index'],
  ['lib/models/x.ts', '#lib/chat/chat-engine'],
  ['lib/http/x.ts', '#lib/models/model-directory'],
  ['lib/config/x.ts', '#lib/chat/chat-engine'],
  ['app/api/x/route.ts', 'next/server'],
];

const ALLOWED: [path: string, specifier: string][] = [
  ['components/chat/x.tsx', '#lib/browser/api-client'],
  ['components/chat/x.tsx', '#lib/wire/chat'],
  ['lib/chat/x.ts', '#lib/models/provider'],
  ['lib/runner/x.ts', '#lib/telemetry/log'],
  ['app/api/x/route.ts', '#lib/chat/chat-engine'],
];

/** The files, each importing one thing, that the project's linter refuses for their import. */
function refusedFiles(cases: [path: string, specifier: string][]): Set<string> {
  const folder = mkdtempSync(join(tmpdir(), 'import-rules-'));
  try {
    const rules = JSON.parse(readFileSync('biome.json', 'utf8'));
    writeFileSync(join(folder, 'biome.json'), JSON.stringify({ ...rules, vcs: { enabled: false } }));
    const files = cases.map(([path, specifier], index) => {
      const file = path.replace('/x', `/x${index}`);
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), `import { thing } from '${specifier}';\n\nexport const other = thing;\n`);
      return file;
    });
    const { stdout } = spawnSync('biome', ['lint', '--reporter=json', '--max-diagnostics=none', '.'], {
      cwd: folder,
      encoding: 'utf8',
    });
    const report = stdout.split('\n').find((line) => line.startsWith('{')) ?? stdout;
    return new Set(
      files
        .filter((file) => isRefused(JSON.parse(report), file))
        .map((file) => cases[files.indexOf(file)]?.join(' ← ') ?? ''),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function isRefused(
  report: { diagnostics: { category: string; location: { path: string | { file: string } } }[] },
  file: string,
): boolean {
  return report.diagnostics.some(({ category, location }) => {
    const path = typeof location.path === 'string' ? location.path : location.path.file;
    return category === 'lint/style/noRestrictedImports' && path.endsWith(file);
  });
}

describe('import rules', () => {
  it('refuse every arrow that points the wrong way, and no other', () => {
    expect(refusedFiles([...REFUSED, ...ALLOWED])).toEqual(new Set(REFUSED.map((pair) => pair.join(' ← '))));
  });
});
