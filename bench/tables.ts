/** Every table, in the order of `bench/RESULTS.md`. */
import type { Benchmark } from './harness.ts';
import { accounts } from './tables/accounts.ts';
import { cachedQuestions } from './tables/cached-questions.ts';
import { cachedJson, cachedStream } from './tables/cached-response.ts';
import { chaos } from './tables/chaos.ts';
import { chatPage } from './tables/chat-page.ts';
import { cluster } from './tables/cluster.ts';
import { clusterStreams } from './tables/cluster-streams.ts';
import { coalescing } from './tables/coalescing.ts';
import { code } from './tables/code.ts';
import { codeThroughput } from './tables/code-throughput.ts';
import { databaseWrites } from './tables/database-writes.ts';
import { distinctStreams } from './tables/distinct-streams.ts';
import { gatewayTable } from './tables/gateway.ts';
import { gatewayBodies } from './tables/gateway-bodies.ts';
import { largeBodies } from './tables/large-bodies.ts';
import { lighthousePages } from './tables/lighthouse.ts';
import { memory } from './tables/memory.ts';
import { modelServers } from './tables/model-servers.ts';
import { queue } from './tables/queue.ts';
import { soak } from './tables/soak.ts';
import { start } from './tables/start.ts';
import { streamOverhead } from './tables/stream-overhead.ts';
import { uncached } from './tables/uncached.ts';
import { upstreamConnections } from './tables/upstream-connections.ts';
import { usageReport } from './tables/usage-report.ts';

export const BENCHMARKS: readonly Benchmark[] = [
  cachedJson,
  cachedStream,
  cachedQuestions,
  largeBodies,
  uncached,
  upstreamConnections,
  streamOverhead,
  distinctStreams,
  coalescing,
  queue,
  modelServers,
  cluster,
  clusterStreams,
  memory,
  accounts,
  usageReport,
  code,
  codeThroughput,
  gatewayTable,
  gatewayBodies,
  databaseWrites,
  start,
  chatPage,
  lighthousePages,
  soak,
  chaos,
];
