/**
 * Which test files run against several servers behind a front; see "Several servers" in
 * test/README.md.
 */

/** They do so in every run of all tests: what clients see, in about two minutes. */
export const ALWAYS_BEHIND_A_FRONT = [
  'test/chat/limits.test.ts',
  'test/chat/ownership.test.ts',
  'test/chat/queue-headers.test.ts',
  'test/chat/sdk-clients.test.ts',
  'test/chat/stored-responses.test.ts',
];

/** Never, and why: what they measure is one process. */
export const ONE_PROCESS_FILES: Readonly<Record<string, string>> = {
  'test/chat/crowd.test.ts': 'connections and memory of a process; the front would have the connections',
  'test/chat/fault-soak.test.ts': 'the heap and the resources of a process, which it starts itself',
  'test/chat/memory.test.ts': 'the heap of a process, and what its own queue may hold',
  'test/chat/real-model-servers.test.ts':
    'it reads figures at once, which several servers know of each other up to 2 s later',
};
