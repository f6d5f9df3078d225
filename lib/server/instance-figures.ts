import { chatEngine } from '#lib/chat/engine-singleton';
import { cluster } from '#lib/cluster/cluster';
import type { OwnFigures } from '#lib/cluster/figures';
import type { LineScope } from '#lib/cluster/lines';
import { runner } from '#lib/runner/index';
import { isStopping } from '#lib/shutdown';
import type { PercentileWindow } from '#lib/telemetry/percentiles';
import { MIB } from '#lib/units';
import type { ServerStats } from '#lib/wire/server-stats';

/**
 * Whose waiting line the figures of the chat engine are of: queue length, slots and what waits at
 * each model server. With Redis there is one line for all servers, and none of these figures is
 * summed; see `sumOfLines` (lib/cluster/lines.ts).
 */
export function lineScope(): LineScope {
  return cluster() === undefined ? 'instance' : 'cluster';
}

/** What this server reports to the others. */
export function instanceFigures(stats: ServerStats): OwnFigures {
  return { ...instanceReading(), stats };
}

/** The same without the statistics: counters and gauges, at once. */
export function instanceReading(): Omit<OwnFigures, 'stats'> {
  const engine = chatEngine();
  const { requests, lookups, hits, completed, failed, cancelled, tokens } = engine.counters();
  const { running, waiting } = engine.load;
  const code = runner().occupancy();
  const { user, system } = process.cpuUsage();
  return {
    head: {
      isStopping: isStopping(),
      line: lineScope(),
      requests,
      running,
      waiting,
      codeRunning: code.active,
      codeWaiting: code.waiting,
      rssMb: Math.round((process.memoryUsage.rss() / MIB) * 10) / 10,
    },
    series: {
      ...{ requests, lookups, hits, completed, failed, cancelled, tokens },
      codeRuns: runner().runs.total,
      cpuMs: (user + system) / 1000,
      windows: {
        firstToken: windowOf(engine.latencies.firstToken),
        total: windowOf(engine.latencies.total),
        code: windowOf(runner().runs.durationsMs),
      },
    },
  };
}

function windowOf(window: PercentileWindow) {
  return { total: window.total, values: window.values() };
}
