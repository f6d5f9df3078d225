import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';
import Histogram from 'prom-client/lib/histogram.js';
import Registry from 'prom-client/lib/registry.js';
import { singleton } from '#lib/singletons';
import { HttpDurationHistogram } from '#lib/telemetry/http-duration-histogram';
import { UsageSeries } from '#lib/telemetry/usage-series';
import type { CacheHeader } from '#lib/wire/chat';

/** All metrics of the app. Modules observe through these and create none. */
export interface Metrics {
  /** Every metric but `httpDuration`: `metricsExposition` writes all. */
  promRegistry: Registry;
  httpDuration: HttpDurationHistogram;
  /** Counts of response cache look-ups. Their counter reads them when metrics are scraped. */
  cacheLookups: Record<CacheHeader, number>;
  /** By model, model server and role. Their counters read them when metrics are scraped. */
  usage: UsageSeries;
  /** `scope` is for the figure of all servers together; this server's has no label. */
  queueLength: Gauge<'scope'>;
  activeStreams: Gauge;
  openConnections: Gauge;
  tokens: Counter<'kind'>;
  timeToFirstToken: Histogram;
  generationDuration: Histogram<'outcome'>;
  /** The servers are those of the settings, so their number is bounded. */
  modelServerRequests: Counter<'model_server' | 'outcome'>;
  codeRuns: Counter<'language' | 'status'>;
  codeDuration: Histogram<'language'>;
  gatewayDuration: Histogram<'status'>;
  mails: Counter<'kind' | 'outcome'>;
  uncleanExits: Gauge;
  /** Set from the statistics when metrics are scraped. */
  stats: StatGauges;
}

/** What the link of a mail is for. */
export const MAIL_KINDS = ['invitation', 'password'] as const;
export type MailKind = (typeof MAIL_KINDS)[number];

export interface StatGauges {
  cacheEntries: Gauge<'cache'>;
  cacheBytes: Gauge<'cache'>;
  cacheHits: Gauge<'cache'>;
  cacheMisses: Gauge<'cache'>;
  cacheEvictions: Gauge<'cache'>;
  requests: Gauge<'answered'>;
  batches: Gauge;
  batchSize: Gauge;
  codeActive: Gauge;
  codeWaiting: Gauge;
  gatewayConnections: Gauge<'kind'>;
  gatewayBackendUp: Gauge<'backend'>;
  modelServerUp: Gauge<'model_server' | 'scope'>;
  modelServerRunning: Gauge<'model_server' | 'scope'>;
  modelServerWaiting: Gauge<'model_server' | 'scope'>;
  databaseSaving: Gauge;
  redisUp: Gauge<'connection'>;
  instances: Gauge<'scope'>;
}

export function metrics(): Metrics {
  return singleton('metrics', createMetrics);
}

/** The response of `/api/metrics`, in the content type of the registry. */
export async function metricsExposition({ promRegistry, httpDuration }: Metrics): Promise<string> {
  await processMetrics(promRegistry);
  return `${await promRegistry.metrics()}\n${httpDuration.exposition()}\n`;
}

const PREFIX = 'chill_space_';
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

const withProcessMetrics = new WeakMap<Registry, Promise<void>>();

/**
 * Adds the metrics of the process, such as its processor time, when metrics are first asked for:
 * their module takes 8 MB. Their counters begin then.
 */
function processMetrics(registry: Registry): Promise<void> {
  let added = withProcessMetrics.get(registry);
  if (added === undefined) {
    added = addProcessMetrics(registry);
    withProcessMetrics.set(registry, added);
  }
  return added;
}

async function addProcessMetrics(registry: Registry): Promise<void> {
  const { default: collectDefaultMetrics } = await import('prom-client/lib/defaultMetrics.js');
  collectDefaultMetrics({ register: registry, prefix: PREFIX });
  // promtool rejects gauges that end in `_total`. Their values are the sums of the gauges by type.
  for (const name of ['handles', 'requests', 'resources'])
    registry.removeSingleMetric(`${PREFIX}nodejs_active_${name}_total`);
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  return {
    promRegistry: registry,
    httpDuration: new HttpDurationHistogram(
      'chill_space_http_request_duration_seconds',
      'Time from a request to the start of its answer.',
      SECONDS,
    ),
    cacheLookups: createLookups(registry),
    usage: createUsageSeries(registry),
    queueLength: createQueueLength(registry),
    activeStreams: new Gauge({
      name: 'chill_space_active_streams',
      help: 'Answers that are being written by a model.',
      registers,
    }),
    openConnections: new Gauge({
      name: 'chill_space_open_connections',
      help: 'HTTP connections that clients have open, idle ones too.',
      registers,
    }),
    tokens: new Counter({
      name: 'chill_space_tokens_total',
      help: 'Tokens read and written by models.',
      labelNames: ['kind'],
      registers,
    }),
    timeToFirstToken: new Histogram({
      name: 'chill_space_first_token_seconds',
      help: 'Time to first token, from the start of the run.',
      buckets: SECONDS,
      registers,
    }),
    generationDuration: new Histogram({
      name: 'chill_space_answer_seconds',
      help: 'Time of a whole answer, from the start of the run.',
      labelNames: ['outcome'],
      buckets: SECONDS,
      registers,
    }),
    modelServerRequests: new Counter({
      name: 'chill_space_model_server_requests_total',
      help: 'Requests that a model server has worked on, by outcome: completed, failed, cancelled or moved.',
      labelNames: ['model_server', 'outcome'],
      registers,
    }),
    codeRuns: new Counter({
      name: 'chill_space_code_runs_total',
      help: 'Programs run, by language and outcome.',
      labelNames: ['language', 'status'],
      registers,
    }),
    codeDuration: new Histogram({
      name: 'chill_space_code_run_seconds',
      help: 'Wall time of programs.',
      labelNames: ['language'],
      buckets: SECONDS,
      registers,
    }),
    gatewayDuration: new Histogram({
      name: 'chill_space_gateway_request_duration_seconds',
      help: 'Time from a request through the gateway to the start of its answer.',
      labelNames: ['status'],
      buckets: SECONDS,
      registers,
    }),
    mails: createMails(registry),
    uncleanExits: new Gauge({
      name: 'chill_space_unclean_exits',
      help: 'Servers on this port that ended without being shut down, in the hour before this one was started.',
      registers,
    }),
    stats: createStatGauges(registry),
  };
}

/** Begins each series at 0, so that the first failure is an increase. */
function createMails(registry: Registry): Counter<'kind' | 'outcome'> {
  const counter = new Counter({
    name: 'chill_space_mails_total',
    help: 'Mails, by what their link is for, and whether the mail server took them: sent or failed.',
    labelNames: ['kind', 'outcome'],
    registers: [registry],
  });
  for (const kind of MAIL_KINDS) for (const outcome of ['sent', 'failed']) counter.inc({ kind, outcome }, 0);
  return counter;
}

/** A gauge with labels has no value at first; this server's queue has a length from the start. */
function createQueueLength(registry: Registry): Gauge<'scope'> {
  const gauge = new Gauge({
    name: 'chill_space_queue_length',
    help: 'Chat requests that wait.',
    labelNames: ['scope'],
    registers: [registry],
  });
  gauge.set(0);
  return gauge;
}

function createLookups(registry: Registry): Record<CacheHeader, number> {
  const lookups = { hit: 0, miss: 0, joined: 0, bypass: 0 };
  new Counter({
    name: 'chill_space_cache_lookups_total',
    help: 'Look-ups in the response cache, by result.',
    labelNames: ['result'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [result, count] of Object.entries(lookups)) this.inc({ result }, count);
    },
  });
  return lookups;
}

function createUsageSeries(registry: Registry): UsageSeries {
  const series = new UsageSeries();
  const registers = [registry];
  const labelNames = ['model', 'server', 'role'] as const;
  new Counter({
    name: 'chill_space_model_requests_total',
    help: 'Requests to models, by how they ended: generated, cached, joined or failed.',
    labelNames: [...labelNames, 'outcome'],
    registers,
    collect() {
      this.reset();
      for (const one of series.all())
        for (const [outcome, count] of one.requestsBy()) this.inc({ ...one.labels, outcome }, count);
    },
  });
  new Counter({
    name: 'chill_space_model_tokens_total',
    help: 'Tokens that models have read (prompt) and written (completion), and those of cached and joined responses (saved).',
    labelNames: [...labelNames, 'kind'],
    registers,
    collect() {
      this.reset();
      for (const one of series.all())
        for (const [kind, count] of one.tokensBy()) this.inc({ ...one.labels, kind }, count);
    },
  });
  new Counter({
    name: 'chill_space_model_seconds_total',
    help: 'Time in which model servers worked.',
    labelNames,
    registers,
    collect() {
      this.reset();
      for (const one of series.all()) this.inc(one.labels, one.generationMs / 1000);
    },
  });
  return series;
}

function createStatGauges(registry: Registry): StatGauges {
  const gauge = <Label extends string = never>(name: string, help: string, ...labelNames: Label[]) =>
    new Gauge<Label>({ name: `${PREFIX}${name}`, help, labelNames, registers: [registry] });
  const ofModelServer = ['model_server', 'scope'] as const;
  return {
    cacheEntries: gauge('cache_entries', 'Entries of a cache.', 'cache'),
    cacheBytes: gauge('cache_size_bytes', 'What a cache holds, keys and values.', 'cache'),
    cacheHits: gauge('cache_hits', 'Look-ups of a cache that found something, since the process began.', 'cache'),
    cacheMisses: gauge('cache_misses', 'Look-ups of a cache that found nothing, since the process began.', 'cache'),
    cacheEvictions: gauge('cache_evictions', 'Entries that made room for others, since the process began.', 'cache'),
    requests: gauge('chat_requests', 'Chat requests since the process began, by how they were answered.', 'answered'),
    batches: gauge('batches', 'Batches released to models since the process began.'),
    batchSize: gauge('batch_size_average', 'Requests in a batch, on average.'),
    codeActive: gauge('code_runs_active', 'Programs that run now.'),
    codeWaiting: gauge('code_runs_waiting', 'Programs that wait for a place.'),
    gatewayConnections: gauge('gateway_open_connections', 'Requests, WebSockets and backend connections.', 'kind'),
    gatewayBackendUp: gauge('gateway_backend_up', '1 where a backend was reachable when last heard of.', 'backend'),
    modelServerUp: gauge('model_server_up', '1 where a model server was up when last heard of.', ...ofModelServer),
    modelServerRunning: gauge('model_server_running', 'Requests that a model server works on.', ...ofModelServer),
    modelServerWaiting: gauge('model_server_waiting', 'Requests that wait for a model server.', ...ofModelServer),
    redisUp: gauge('redis_up', '1 for a connection to Redis that is up.', 'connection'),
    instances: gauge('instances', 'Servers that share a Redis, as this one sees them.', 'scope'),
    databaseSaving: gauge('database_saving', '1 where the database takes writes, 0 where nothing is saved.'),
  };
}
