import type { ChainableCommander } from 'ioredis';
import { z } from 'zod';
import type { FinalEvent, GenerationState } from '#lib/chat/generation/generation';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import { execute, repliesOf } from '#lib/cluster/replies';
import {
  decodeEvents,
  decodeRun,
  type EntryEvent,
  type EntryId,
  encodeEntry,
  encodeEvents,
  encodeTicket,
  isFinal,
  type OtherSource,
  parseEntryId,
  type StoredRun,
} from '#lib/cluster/run-format';
import type { ClusterLink } from '#lib/cluster/shared-types';
import { HOUR_MS } from '#lib/units';

/** An entry of a log. */
export interface LogEntry {
  readonly id: EntryId;
  readonly events: readonly EntryEvent[];
}

/** What Redis has of a run that a worker has taken. */
export interface TakenRecord {
  /** Undefined if there is no such run (any more). */
  readonly stored: StoredRun | undefined;
  readonly last: LogEntry | undefined;
  /** As in `Wishes`. */
  readonly wanted: number;
  readonly tickets: number;
  /** Null if it has ended; undefined if it was not read. */
  readonly request: Buffer | null | undefined;
}

type RawEntries = readonly (readonly [id: string, fields: readonly string[]])[];

/** Tickets, and the key of the flight. */
const keptSchema = z.tuple([z.array(z.string()), z.string().nullable()]);

/** The logs of runs in Redis, and the end of runs, which is the last entry of each. */
export class RunLogs {
  protected readonly link: ClusterLink;
  /** How long results are kept. */
  protected readonly ttlMs: number;

  constructor(link: ClusterLink, ttlMs: number) {
    this.link = link;
    this.ttlMs = ttlMs;
  }

  protected get client() {
    return this.link.connection.client;
  }

  protected get keys() {
    return this.link.keys;
  }

  /** Of what a run needs while it has not ended. */
  protected get openTtlMs(): number {
    return this.ttlMs + HOUR_MS;
  }

  protected now(): number {
    return Math.round(this.link.connection.now());
  }

  /** A time of this machine, by the clock of Redis. */
  toRedis(localMs: number): number {
    return Math.round(localMs - this.link.connection.toLocal(0));
  }

  /** The last entry of a log; undefined without one. Rejects if Redis does. */
  async lastEntry(run: string): Promise<LogEntry | undefined> {
    return entryOf(await this.client.xrevrange(this.keys.log(run), '+', '-', 'COUNT', 1));
  }

  /**
   * What decides whether and how a run is begun, in one trip; its request only `withRequest`.
   * Rejects if Redis does.
   */
  async readTaken(run: string, withRequest: boolean): Promise<TakenRecord> {
    const { keys } = this;
    const commands = this.client.pipeline().hgetall(keys.run(run));
    commands.xrevrange(keys.log(run), '+', '-', 'COUNT', 1);
    commands.zcount(keys.wanted(run), this.now(), '+inf').scard(keys.tickets(run));
    if (withRequest) commands.getBuffer(keys.modelRequest(run));
    const [fields, last, wanted, tickets, request] = await execute(commands);
    return {
      stored: decodeRun(fields as Record<string, string>),
      last: entryOf(last),
      wanted: Number(wanted),
      tickets: Number(tickets),
      request: withRequest ? (request as Buffer | null) : undefined,
    };
  }

  /** The first entry of a log; undefined without one. Rejects if Redis does. */
  async firstEntry(run: string): Promise<LogEntry | undefined> {
    return entryOf(await this.client.xrange(this.keys.log(run), '-', '+', 'COUNT', 1));
  }

  /** A run with all entries of its log, in one trip. Rejects if Redis does. */
  async readAll(run: string): Promise<{ readonly stored: StoredRun | undefined; readonly entries: RawEntries }> {
    const reading = this.client.pipeline().hgetall(this.keys.run(run)).xrange(this.keys.log(run), '-', '+');
    const [fields, entries] = await execute(reading);
    return { stored: decodeRun(fields as Record<string, string>), entries: entries as RawEntries };
  }

  /** All entries of a log. Rejects if Redis does. */
  async entries(run: string): Promise<RawEntries> {
    return await this.client.xrange(this.keys.log(run), '-', '+');
  }

  /** Whether an earlier attempt than this one has written text. Rejects if Redis does. */
  async hasTextBefore(run: string, attempt: number): Promise<boolean> {
    const before = await this.client.xrevrange(this.keys.log(run), `(${attempt}-0`, '-', 'COUNT', 1);
    return (entryOf(before)?.id.number ?? 0) > 0;
  }

  /**
   * Begins an attempt of this instance, `step` after the last one: returns its number. Rejects if
   * Redis does.
   */
  async beginAttempt(run: string, step = 1): Promise<number> {
    const { instanceId } = this.link;
    const key = this.keys.run(run);
    const replies = await execute(
      this.client.multi().hincrby(key, 'attempt', step).hset(key, { owner: instanceId }).pexpire(key, this.openTtlMs),
    );
    return Number(replies[0]);
  }

  /**
   * Appends events to a log; the last one has the number. `other` writes them, if that is not what
   * the attempt began with. Rejects if Redis does, also with a `ReplyError` if a later attempt
   * has written.
   */
  async append(
    run: string,
    { attempt, number }: EntryId,
    events: readonly EntryEvent[],
    other?: OtherSource,
  ): Promise<void> {
    await this.client.xadd(this.keys.log(run), `${attempt}-${number}`, ...encodeEntry(events, other));
  }

  /**
   * Begins the attempt of this instance that is to be number `expected`, with its first entry, in
   * one trip. Returns its number, which is a later one if another instance has begun the run in the
   * same moment; or the last entry of the run if that has ended meanwhile. Rejects if Redis does.
   */
  async begin(run: string, expected: number, event: EntryEvent): Promise<number | LogEntry> {
    const key = this.keys.run(run);
    const log = this.keys.log(run);
    const replies = await this.client
      .multi()
      .hincrby(key, 'attempt', 1)
      .hset(key, { owner: this.link.instanceId, state: 'running', startedAt: this.now() })
      .pexpire(key, this.openTtlMs)
      .xadd(log, `${expected}-0`, 'e', encodeEvents([event]))
      .pexpire(log, this.openTtlMs)
      .exec();
    const [attempt] = repliesOf(replies?.slice(0, 1) ?? null);
    if (attempt === expected) {
      repliesOf(replies);
      return expected;
    }
    // Redis may have refused the entry: there is one of another attempt.
    const last = await this.lastEntry(run);
    const end = last?.events.at(-1);
    if (last !== undefined && isFinal(end)) {
      await this.finalize(run, end);
      return last;
    }
    await this.appendStarted(run, Number(attempt), event);
    return Number(attempt);
  }

  /** Notes an attempt of this instance that Redis has lost. Rejects if Redis does. */
  async noteAttempt(run: string, attempt: number): Promise<void> {
    const { instanceId } = this.link;
    const key = this.keys.run(run);
    await execute(
      this.client.multi().hset(key, { attempt, owner: instanceId, state: 'running' }).pexpire(key, this.openTtlMs),
    );
  }

  /**
   * The first entry of an attempt, from which on earlier ones are refused; with `isNew` instead of
   * what there is. As `append`.
   */
  async appendStarted(run: string, attempt: number, event: EntryEvent, isNew = false): Promise<void> {
    const keys = this.keys;
    const commands = this.client.multi();
    if (isNew) commands.del(keys.log(run));
    await execute(
      commands
        .xadd(keys.log(run), `${attempt}-0`, 'e', encodeEvents([event]))
        .pexpire(keys.log(run), this.openTtlMs)
        .hset(keys.run(run), { state: 'running', startedAt: this.now() }),
    );
  }

  async end(run: string, event: FinalEvent): Promise<boolean> {
    const { keys, client } = this;
    const reading = client.pipeline().exists(keys.run(run));
    const [exists, ...kept] = await execute(this.#addKept(reading, run));
    if (exists === 0) {
      await client.zrem(keys.openRuns, run);
      return false;
    }
    const replies = await execute(
      client.multi().hincrby(keys.run(run), 'attempt', 1).xrevrange(keys.log(run), '+', '-', 'COUNT', 1),
    );
    const last = entryOf(replies[1]);
    const final = last?.events.at(-1);
    if (isFinal(final)) {
      await this.#finalize(run, final, kept);
      return false;
    }
    await this.append(run, { attempt: Number(replies[0]), number: (last?.id.number ?? 0) + 1 }, [event]);
    await this.#finalize(run, event, kept);
    return true;
  }

  /** After the last entry of a log: the result is kept for its time. Rejects if Redis does. */
  async finalize(run: string, event: FinalEvent, firstTokenAt?: number): Promise<void> {
    await this.#finalize(run, event, await execute(this.#addKept(this.client.pipeline(), run)), firstTokenAt);
  }

  /** Adds the commands whose replies `#finalize` needs. */
  #addKept(commands: ChainableCommander, run: string): ChainableCommander {
    return commands.smembers(this.keys.tickets(run)).hget(this.keys.run(run), 'flightKey');
  }

  async #finalize(run: string, event: FinalEvent, kept: readonly unknown[], firstTokenAt?: number): Promise<void> {
    const [tickets, flight] = keptSchema.parse(kept);
    const { keys, ttlMs } = this;
    const commands = this.client.multi();
    commands.hset(keys.run(run), {
      state: stateOf(event),
      finishedAt: this.now(),
      ...(firstTokenAt === undefined ? {} : { firstTokenAt: this.toRedis(firstTokenAt) }),
    });
    for (const key of [keys.run(run), keys.log(run), keys.wanted(run), keys.tickets(run)]) commands.pexpire(key, ttlMs);
    for (const ticket of tickets) commands.pexpire(keys.ticket(ticket), ttlMs);
    commands.del(keys.modelRequest(run), ...(flight === null || flight === '' ? [] : [keys.flight(flight)]));
    commands.zrem(keys.openRuns, run);
    await execute(commands);
  }

  /** Writes a request that was complete at once, so that other instances find it by its id. */
  async addFinished(request: PendingRequest, events: readonly EntryEvent[]): Promise<void> {
    const keys = this.keys;
    const { id: run, generation } = request;
    const { ttlMs } = this;
    // Written before: by another instance, or here.
    const ticket = keys.ticket(run);
    const [isFirst] = await execute(this.client.multi().hsetnx(ticket, 'source', '').pexpire(ticket, ttlMs, 'NX'));
    if (isFirst === 0) return;
    const now = this.now();
    await execute(
      this.client
        .multi()
        .hset(keys.ticket(run), encodeTicket(request, run, this.toRedis(request.createdAt)))
        .hset(keys.run(run), {
          ...{ state: 'completed', lane: '', group: '', caller: request.caller, priority: 0, model: generation.model },
          ...{ createdAt: this.toRedis(request.createdAt), finishedAt: now, cached: generation.cached ? '1' : '0' },
        })
        .xadd(keys.log(run), `1-${events.length}`, 'e', encodeEvents(events))
        .sadd(keys.tickets(run), run)
        .pexpire(keys.ticket(run), ttlMs)
        .pexpire(keys.run(run), ttlMs)
        .pexpire(keys.log(run), ttlMs)
        .pexpire(keys.tickets(run), ttlMs),
    );
  }
}

export function stateOf(event: FinalEvent): GenerationState {
  if (event.type === 'done') return 'completed';
  return event.error.code === 'cancelled' ? 'cancelled' : 'failed';
}

function entryOf(entries: unknown): LogEntry | undefined {
  if (!Array.isArray(entries) || entries.length === 0) return undefined;
  const [id, fields] = entries[0] as [string, string[]];
  return { id: parseEntryId(id), events: decodeEvents(fields[1]) ?? [] };
}
