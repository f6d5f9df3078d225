import { relative, sep } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that take long, the longest first: sandboxes and builds, then those that start servers one
 * after the other. The first takes seven minutes next to others, the fifth one.
 */
export const LONG_FILES: readonly string[] = [
  'lib/runner/sandbox/gvisor/gvisor.test.ts',
  'test/deployment/set-up.test.ts',
  'lib/runner/corpus.test.ts',
  'lib/runner/sandbox/attacks.test.ts',
  'test/chat/persistence.test.ts',
  'test/chat/fault-soak.test.ts',
  'test/cluster/workers.test.ts',
  'test/cluster/workers-end.test.ts',
  'test/cluster/workers-start.test.ts',
  'test/http/parity.test.ts',
  'test/http/host-check.test.ts',
  'test/chat/python-clients.test.ts',
  'test/deployment/life-cycle.test.ts',
  'test/http/access-matrix.test.ts',
  'test/chat/ollama-management.test.ts',
  'test/chat/real-model-servers.test.ts',
  'test/chat/pass-through.test.ts',
  'test/chat/embeddings.test.ts',
  'test/runner/code-run-output.test.ts',
  'test/store/engines.test.ts',
  'test/people/accounts.test.ts',
  'test/people/administration.test.ts',
];

/**
 * Longest processing time first (R. L. Graham, 1969), since a long file that begins last runs alone
 * at the end. Without a remembered run Vitest sorts by size, and the longest files are short texts.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { root } = this.ctx.config;
    return sortLongestFirst(await super.sort(files), ({ moduleId }) => relative(root, moduleId).split(sep).join('/'));
  }
}

/** The long files in the order of the list, then all others as they come. */
export function sortLongestFirst<T>(files: readonly T[], pathOf: (file: T) => string): T[] {
  const place = (file: T) => {
    const found = LONG_FILES.indexOf(pathOf(file));
    return found < 0 ? LONG_FILES.length : found;
  };
  return files.toSorted((one, other) => place(one) - place(other));
}
