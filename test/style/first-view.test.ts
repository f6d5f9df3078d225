import { expect, it } from 'vitest';
import { importsOf, readSource, repositoryFiles } from '../support/source-files.ts';

const known = new Set(repositoryFiles());

/** Files that a page loads with `entries`: those that they import, without `import()`. */
function loadedWith(...entries: string[]): Set<string> {
  const loaded = new Set<string>();
  const visit = (file: string) => {
    if (loaded.has(file) || !/\.tsx?$/.test(file) || !known.has(file)) return;
    loaded.add(file);
    for (const { target, isType, isDynamic } of importsOf(file, readSource(file), known))
      if (!isType && isDynamic !== true) visit(target);
  };
  for (const entry of entries) visit(entry);
  return loaded;
}

it('keeps what an empty chat does not need out of the first view of the chat page', () => {
  const loaded = loadedWith('components/chat/chat.tsx', 'app/layout.tsx');
  expect(loaded).toContain('components/shell/providers.tsx');
  expect(loaded).toContain('components/chat/composer.tsx');
  const later = [
    'components/chat/activity-instance.ts',
    'components/chat/attachment-store.ts',
    'components/chat/chat-api.ts',
    'components/chat/delete-chat.ts',
    'components/chat/follow-response.ts',
    'components/chat/message-list.tsx',
    'components/chat/message-reducer.ts',
    'components/chat/outbox-db.ts',
    'components/chat/strings/chat-actions.ts',
    'components/chat/strings/turns.ts',
    'components/chat/use-reading-position.ts',
    'components/markdown/rich-markdown.tsx',
    'components/ui/tooltip-layer.tsx',
    'lib/browser/error-sentence.ts',
  ];
  expect(later.filter((file) => !known.has(file))).toEqual([]);
  expect(later.filter((file) => loaded.has(file))).toEqual([]);
});

it('keeps the results of programs out of the code that draws a chat', () => {
  const loaded = loadedWith('components/chat/conversation-code.ts');
  expect(loaded).toContain('components/markdown/code-block.tsx');
  const later = [
    'components/code-run/ansi.ts',
    'components/code-run/program-output.tsx',
    'components/code-run/run-report.tsx',
    'components/code-run/run-view.tsx',
    'components/markdown/run-result.tsx',
  ];
  expect(later.filter((file) => !known.has(file))).toEqual([]);
  expect(later.filter((file) => loaded.has(file))).toEqual([]);
});
