import type { FinalEvent, GenerationState } from '#lib/chat/generation/generation';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import { execute } from '#lib/cluster/replies';
import {
  decodeEvents,
  type EntryEvent,
  type EntryId,
  encodeEntry,
  encodeEvents,
  encodeTicket,
  isFinal,
  type OtherSource,
  parseEntryId,
} from '#lib/cluster/run-format';
import type { ClusterLink } from '#lib/cluster/shared-types';
import { HOUR_MS } from '#lib/units';

/** An entry of a log. */
export interface LogEntry {
  readonly id: EntryId;
  readonly events: readonly EntryEvent[];
}

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

  /** The first entry of a log; undefined without one. Rejects if Redis does. */
  async firstEntry(run: string): Promise<LogEntry | undefined> {
    return entryOf(await this.client.xrange(this.keys.log(run), '-', '+', 'COUNT', 1));
  }

  /** All entries of a log. Rejects if Redis does. */
  async entries(run: string): Promise<[id: string, fields: string[]][]> {
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
    const keys = this.keys;
    if ((await this.client.exists(keys.run(run))) === 0) {
      await this.client.zrem(keys.openRuns, run);
      return false;
    }
    const replies = await execute(
      this.client.multi().hincrby(keys.run(run), 'attempt', 1).xrevrange(keys.log(run), '+', '-', 'COUNT', 1),
    );
    const last = entryOf(replies[1]);
    const final = last?.events.at(-1);
    if (isFinal(final)) {
      await this.finalize(run, final);
      return false;
    }
    await this.append(run, { attempt: Number(replies[0]), number: (last?.id.number ?? 0) + 1 }, [event]);
    await this.finalize(run, event);
    return true;
  }

  /** After the last entry of a log: the result is kept for its time. Rejects if Redis does. */
  async finalize(run: string, event: FinalEvent, firstTokenAt?: number): Promise<void> {
    const keys = this.keys;
    const { ttlMs } = this;
    const [tickets, flight] = await Promise.all([
      this.client.smembers(keys.tickets(run)),
      this.client.hget(keys.run(run), 'flightKey'),
    ]);
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
