import { relative, sep } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that take long, the longest first: sandboxes and builds, then those that start servers one
 * after the other. Next to others the first takes five minutes, the tenth one and a half, the last
 * half a minute.
 */
export const LONG_FILES: readonly string[] = [
  'lib/runner/sandbox/gvisor/gvisor.test.ts',
  'test/deployment/set-up.test.ts',
  'lib/runner/corpus.test.ts',
  'lib/runner/sandbox/attacks.test.ts',
  'test/chat/persistence.test.ts',
  'test/cluster/rolling-restart.test.ts',
  'test/cluster/workers-end.test.ts',
  'test/cluster/shared-requests.test.ts',
  'test/cluster/line-faults.test.ts',
  'lib/models/providers.test.ts',
  'test/cluster/workers.test.ts',
  'test/http/access-matrix.test.ts',
  'test/chat/fault-soak.test.ts',
  'test/openapi/fuzz.test.ts',
  'test/chat/ollama-management.test.ts',
  'test/openapi/document.test.ts',
  'test/deployment/life-cycle.test.ts',
  'lib/models/server-dialects.test.ts',
  'test/people/administration.test.ts',
  'test/chat/embeddings.test.ts',
  'test/http/parity.test.ts',
  'lib/runner/crowd.test.ts',
  'test/deployment/caddy.test.ts',
  'test/cluster/workers-start.test.ts',
  'test/chat/python-clients.test.ts',
  'test/people/own-account.test.ts',
  'test/chat/memory.test.ts',
  'test/chat/completions-real-models.test.ts',
  'test/chat/limits.test.ts',
  'lib/runner/pool/compile-service.test.ts',
  'test/cluster/redis-away.test.ts',
  'test/cluster/start.test.ts',
  'test/people/default-mode.test.ts',
  'test/chat/model-servers.test.ts',
  'test/cluster/each-request-elsewhere.test.ts',
  'test/cluster/long-stream.test.ts',
  'test/chat/ownership.test.ts',
  'test/people/accounts.test.ts',
  'test/chat/left-calls.test.ts',
  'test/store/engines.test.ts',
  'test/chat/real-model-servers.test.ts',
  'test/chat/crowd.test.ts',
  'test/cluster/parts.test.ts',
  'test/runner/code-run-output.test.ts',
  'test/people/broken-disk.test.ts',
  'test/http/host-check.test.ts',
  'test/chat/pass-through.test.ts',
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
