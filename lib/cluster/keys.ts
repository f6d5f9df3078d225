import { hash } from 'node:crypto';

/** Of the keys and what is in them: another version of the layout takes another number. */
const SCHEMA = 1;

/**
 * Every key of Redis that this app uses. Names of callers, credentials and cache keys are digests
 * in them. The braces put all keys on one slot of a Redis Cluster.
 *
 * | key | type | time to live | content |
 * | --- | --- | --- | --- |
 * | `changes` | stream | a day after the last one | the last changes, read by every instance |
 * | `hint` | channel | | «look now», with the id of the instance |
 * | `ended` | sorted set | as the last session | sessions that were signed out, by their expiry |
 * | `inst:<id>` | string | 5 s | heartbeat of an instance |
 * | `instances` | sorted set | an hour | ids of instances, by the time of their heartbeat |
 * | `fig:<id>` | string | 10 min | figures of an instance |
 * | `figures` | sorted set | an hour | ids of instances, by the time of their figures |
 * | `gen:<kind>` | string | none | generation of a kind of values; a clear adds 1 |
 * | `cache:<generation>:<key>` | string | `CACHE_TTL_SECONDS` ± 10 % | a response |
 * | `conv:<generation>:<key>` | string | `CONVERSATION_CACHE_TTL_SECONDS` | a conversation |
 * | `stored:<generation>:<key>` | string | `RESPONSES_TTL_SECONDS` | a response of /v1/responses |
 * | `idem:<name>` | string | `QUEUE_RESULT_TTL_SECONDS` | a request with an idempotency key |
 * | `over:<name>:<request>` | string | 10 s | the instance that takes a key from a lost request |
 * | `rl:<scope>:<caller>` | string | 60 s | requests of a minute, by rate-limiter-flexible |
 * | `minute:<key>` | string | 60 s | requests of a person in a minute |
 * | `open:<subject>` | hash | 30 s | open requests of a person, by instance |
 * | `run:<run>` | hash | an hour more than a result's, then that | a generation: `RunRecord` |
 * | `req:<run>` | string | as `run`, removed at the end | the request as its model gets it |
 * | `log:<run>` | stream | as `run` | ids `<attempt>-<n>`: events up to the one with number n |
 * | `want:<run>` | sorted set | as `run` | `i:<instance>`, `d:<ticket>`, by the end of the lease |
 * | `ticket:<ticket>` | hash | as `run` | a request of a client |
 * | `tickets:<run>` | set | as `run` | requests of a run that are not cancelled |
 * | `open` | sorted set | an hour | runs that have not ended, by when they were looked after |
 * | `flight:<key>` | string | an hour, removed at the end | the run that identical requests join |
 * | `wake:<instance>` | stream | a minute | interrupts the blocking read of an instance |
 * | `q:<lane>:*` | BullMQ | a day; a job until it ends | the line of a lane |
 * | `turn:<lane>` | sorted set | a day | `clock`, and the clock of each priority |
 * | `turn:<lane>:<priority>` | sorted set | a day | `n:<caller>`: next turn, `s:<caller>`: served |
 * | `held:<lane>` | hash | a day | waiting runs by caller, and runs since a clock moved |
 * | `batch:<lane>` | sorted set | a day | the group that was taken last, by its runs in a row |
 * | `batch-one:<lane>` | sorted set | a transaction | the group of the run that is being counted |
 * | `skipped:<lane>` | sorted set | a day | heads that a batch went ahead of, by the first time |
 * | `up:<lane>` | sorted set | an hour | instances that work on a lane, by when they said so |
 * | `models:<lane>` | string | 2 min | what a model server has, as it was read last |
 * | `poll:<lane>` | string | 14 s | the instance that has read that, or is about to |
 * | `janitor` | string | 5 s | the instance that looks after runs without an owner |
 */
export class RedisKeys {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = `{${prefix}}:${SCHEMA}:`;
  }

  /** For a scan of everything that this app has. */
  get pattern(): string {
    return `${this.#prefix}*`;
  }

  get changes(): string {
    return `${this.#prefix}changes`;
  }

  get hints(): string {
    return `${this.#prefix}hint`;
  }

  get endedSessions(): string {
    return `${this.#prefix}ended`;
  }

  get instances(): string {
    return `${this.#prefix}instances`;
  }

  instance(id: string): string {
    return `${this.#prefix}inst:${id}`;
  }

  /** Figures of one instance. */
  figuresOf(id: string): string {
    return `${this.#prefix}fig:${id}`;
  }

  get figures(): string {
    return `${this.#prefix}figures`;
  }

  generation(kind: string): string {
    return `${this.#prefix}gen:${kind}`;
  }

  response(generation: number, key: string): string {
    return `${this.#prefix}cache:${generation}:${digest(key)}`;
  }

  conversation(generation: number, key: string): string {
    return `${this.#prefix}conv:${generation}:${digest(key)}`;
  }

  storedResponse(generation: number, key: string): string {
    return `${this.#prefix}stored:${generation}:${digest(key)}`;
  }

  idempotent(name: string): string {
    return `${this.#prefix}idem:${name}`;
  }

  takeOver(name: string, request: string): string {
    return `${this.#prefix}over:${name}:${request}`;
  }

  /** The prefix that rate-limiter-flexible puts before `:<caller>`. */
  rateLimit(scope: string): string {
    return `${this.#prefix}rl:${scope}`;
  }

  get minutes(): string {
    return `${this.#prefix}minute`;
  }

  open(subject: string): string {
    return `${this.#prefix}open:${digest(subject)}`;
  }

  run(run: string): string {
    return `${this.#prefix}run:${run}`;
  }

  modelRequest(run: string): string {
    return `${this.#prefix}req:${run}`;
  }

  log(run: string): string {
    return `${this.#prefix}log:${run}`;
  }

  wanted(run: string): string {
    return `${this.#prefix}want:${run}`;
  }

  ticket(ticket: string): string {
    return `${this.#prefix}ticket:${ticket}`;
  }

  tickets(run: string): string {
    return `${this.#prefix}tickets:${run}`;
  }

  /** Unlike `open(subject)`, of runs. */
  get openRuns(): string {
    return `${this.#prefix}open`;
  }

  flight(key: string): string {
    return `${this.#prefix}flight:${digest(key)}`;
  }

  wake(instance: string): string {
    return `${this.#prefix}wake:${instance}`;
  }

  /** The name of a caller or subject in a key, which may be an address. */
  nameOf(caller: string): string {
    return digest(caller);
  }

  /** The prefix that BullMQ puts before `:<lane>:`. */
  get lines(): string {
    return `${this.#prefix}q`;
  }

  clocks(lane: string): string {
    return `${this.#prefix}turn:${lane}`;
  }

  turns(lane: string, priority: number): string {
    return `${this.#prefix}turn:${lane}:${priority}`;
  }

  held(lane: string): string {
    return `${this.#prefix}held:${lane}`;
  }

  batch(lane: string): string {
    return `${this.#prefix}batch:${lane}`;
  }

  batchOne(lane: string): string {
    return `${this.#prefix}batch-one:${lane}`;
  }

  skipped(lane: string): string {
    return `${this.#prefix}skipped:${lane}`;
  }

  up(lane: string): string {
    return `${this.#prefix}up:${lane}`;
  }

  modelList(lane: string): string {
    return `${this.#prefix}models:${lane}`;
  }

  poll(lane: string): string {
    return `${this.#prefix}poll:${lane}`;
  }

  get janitor(): string {
    return `${this.#prefix}janitor`;
  }
}

function digest(text: string): string {
  return hash('sha256', text, 'base64url');
}
