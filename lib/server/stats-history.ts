import { chatEngine } from '#lib/chat/engine-singleton';
import { cluster } from '#lib/cluster/cluster';
import { config } from '#lib/config/config';
import { gateway } from '#lib/gateway/index';
import { runner } from '#lib/runner/index';
import { clusterPoint, readCluster } from '#lib/server/cluster-series';
import { FINE, type RecordedSeries, SeriesRecorder, type SeriesSource } from '#lib/server/series-recorder';
import { onShutdown } from '#lib/shutdown';
import { singleton } from '#lib/singletons';
import { MIB, SECOND_MS } from '#lib/units';
import type { GatewaySeries, HistoryGroup, HistoryRange, ServerSeries, StatsHistory } from '#lib/wire/stats-history';

/** Records the figures of this process from the first call on, without keeping it alive. */
export function statsHistory(): StatsRecorder {
  return singleton('stats-history', () => {
    const recorder = new StatsRecorder();
    onShutdown(() => recorder.close());
    return recorder;
  });
}

class StatsRecorder {
  /** With Redis the figures of all servers. */
  readonly #server: Pick<SeriesRecorder<unknown, ServerField>, 'record' | 'series'> =
    cluster() === undefined
      ? new SeriesRecorder(SERVER_SOURCE, Date.now())
      : new SeriesRecorder(CLUSTER_SOURCE, Date.now());
  #gateway = gatewayRecorder();
  #timer: NodeJS.Timeout | undefined;

  constructor() {
    this.#schedule();
  }

  /** The points after `sinceMs` of what the dashboard, or the gateway's page, draws. */
  history(range: HistoryRange, group: HistoryGroup = 'server', sinceMs = 0): StatsHistory {
    const now = Date.now();
    if (group === 'server') {
      const recorded = this.#server.series(range, sinceMs, now);
      return { ...timesOf(range, recorded), server: columns(SERVER_FIELDS, recorded) };
    }
    const recorded = this.#gateway?.series(range, sinceMs, now) ?? { ...NOTHING, completeUntil: now };
    return { ...timesOf(range, recorded), gateway: columns(GATEWAY_FIELDS, recorded) };
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  /** Records at the next whole multiple of the step. */
  #schedule(): void {
    const now = Date.now();
    const next = (Math.round(now / FINE.stepMs) + 1) * FINE.stepMs;
    this.#timer = setTimeout(() => {
      this.#schedule();
      this.#gateway ??= gatewayRecorder();
      this.#gateway?.record(Date.now());
      const joined = cluster();
      if (joined === undefined) this.#server.record(Date.now());
      else void joined.figures.refresh().then(() => this.#server.record(Date.now()));
    }, next - now);
    this.#timer.unref();
  }
}

/** From the first backend on, which may be added while the server runs. */
function gatewayRecorder() {
  return gateway().state === 'not_configured' ? undefined : new SeriesRecorder(GATEWAY_SOURCE, Date.now());
}

const NOTHING = { stepMs: FINE.stepMs, points: [] };

type ServerField = keyof ServerSeries;
type GatewayField = keyof GatewaySeries;

const PERCENTILE_FIELDS = [
  'first_token_p50_ms',
  'first_token_p95_ms',
  'total_p50_ms',
  'total_p95_ms',
  'code_p50_ms',
  'code_p95_ms',
] as const satisfies readonly ServerField[];
const SERVER_GAUGES = [
  'running',
  'queued',
  'code_running',
  'code_queued',
  'rss_mb',
] as const satisfies readonly ServerField[];
const SERVER_FIELDS = [
  'requests_per_second',
  'tokens_per_second',
  'code_runs_per_second',
  ...SERVER_GAUGES,
  ...PERCENTILE_FIELDS,
  'error_rate',
  'failed_per_second',
  'cancelled_per_second',
  'cache_hit_rate',
  'cpu_percent',
] as const satisfies readonly ServerField[];

const SERVER_SOURCE: SeriesSource<ReturnType<typeof readServer>, ServerField> = {
  fields: SERVER_FIELDS,
  peaks: SERVER_GAUGES,
  read: readServer,
  point: (before, after, seconds) => {
    const { chat, load, code } = after;
    const change = (field: keyof typeof chat) => chat[field] - before.chat[field];
    const [failed, hits] = [change('failed'), change('hits')];
    const { firstToken, total } = chatEngine().latencies;
    const firstTokenMs = firstToken.percentiles(before.firstTokens);
    const totalMs = total.percentiles(before.totals);
    const codeMs = runner().runs.durationsMs.percentiles(before.codeRuns);
    return {
      requests_per_second: change('requests') / seconds,
      // A model server's own count at the end may be below what was counted on the way.
      tokens_per_second: Math.max(0, change('tokens')) / seconds,
      code_runs_per_second: (after.codeRuns - before.codeRuns) / seconds,
      running: load.running,
      queued: load.waiting,
      code_running: code.active,
      code_queued: code.waiting,
      first_token_p50_ms: firstTokenMs.p50 ?? Number.NaN,
      first_token_p95_ms: firstTokenMs.p95 ?? Number.NaN,
      total_p50_ms: totalMs.p50 ?? Number.NaN,
      total_p95_ms: totalMs.p95 ?? Number.NaN,
      code_p50_ms: codeMs.p50 ?? Number.NaN,
      code_p95_ms: codeMs.p95 ?? Number.NaN,
      error_rate: failed / (failed + hits + change('completed')),
      failed_per_second: failed / seconds,
      cancelled_per_second: change('cancelled') / seconds,
      cache_hit_rate: hits / change('lookups'),
      rss_mb: after.rssMb,
      cpu_percent: (100 * (after.cpuMs - before.cpuMs)) / (seconds * SECOND_MS),
    };
  },
};

const CLUSTER_SOURCE: SeriesSource<ReturnType<typeof readCluster>, ServerField> = {
  ...{ fields: SERVER_FIELDS, peaks: SERVER_GAUGES },
  ...{ read: readCluster, point: clusterPoint },
};

function readServer() {
  const engine = chatEngine();
  const { firstToken, total } = engine.latencies;
  const { user, system } = process.cpuUsage();
  return {
    chat: engine.counters(),
    load: engine.load,
    firstTokens: firstToken.total,
    totals: total.total,
    code: runner().occupancy(),
    codeRuns: runner().runs.total,
    cpuMs: (user + system) / 1000,
    rssMb: process.memoryUsage.rss() / MIB,
  };
}

const GATEWAY_GAUGES = ['open_requests', 'open_web_sockets'] as const satisfies readonly GatewayField[];
const GATEWAY_FIELDS = [
  'requests_per_second',
  'first_byte_p50_ms',
  'first_byte_p95_ms',
  'error_rate',
  ...GATEWAY_GAUGES,
] as const satisfies readonly GatewayField[];

const GATEWAY_SOURCE: SeriesSource<ReturnType<typeof readGateway>, GatewayField> = {
  fields: GATEWAY_FIELDS,
  peaks: GATEWAY_GAUGES,
  read: readGateway,
  point: (before, after, seconds) => {
    const responses = after.responses - before.responses;
    const { p50, p95 } = gateway().statistics.latencyMs.percentiles(before.responses);
    return {
      requests_per_second: responses / seconds,
      first_byte_p50_ms: p50 ?? Number.NaN,
      first_byte_p95_ms: p95 ?? Number.NaN,
      error_rate: (after.errors - before.errors) / responses,
      open_requests: after.active,
      open_web_sockets: after.webSockets,
    };
  },
};

function readGateway() {
  return gateway().statistics.counters();
}

function timesOf(range: HistoryRange, { stepMs, points, completeUntil }: RecordedSeries<string>) {
  return {
    range,
    step_seconds: stepMs / SECOND_MS,
    time: points.map(({ at }) => at / SECOND_MS),
    complete_until: completeUntil / SECOND_MS,
    limits: {
      response_cache_mb: config().CACHE_MAX_SIZE_MB,
      conversation_cache_mb: config().CONVERSATION_CACHE_MAX_SIZE_MB,
    },
  };
}

function columns<Field extends string>(
  fields: readonly Field[],
  { points }: RecordedSeries<Field>,
): Record<Field, (number | null)[]> {
  const entries = fields.map((field) => [field, points.map(({ point }) => rounded(point[field]))] as const);
  return Object.fromEntries(entries) as Record<Field, (number | null)[]>;
}

/** Four digits: the last one of a figure of a chart is noise. */
function rounded(value: number): number | null {
  return Number.isFinite(value) ? Number(value.toPrecision(4)) : null;
}
