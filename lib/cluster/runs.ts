import type { ChainableCommander } from 'ioredis';
import type { FinalEvent, Generation } from '#lib/chat/generation/generation';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import { execute } from '#lib/cluster/replies';
import {
  decodeRun,
  decodeTicket,
  encodeModelRequest,
  encodePayer,
  encodeTargets,
  encodeTicket,
  encodeTurns,
  type StoredRun,
  type Ticket,
} from '#lib/cluster/run-format';
import { isUnwanted, RUNS_AT_ONCE, RunLeases } from '#lib/cluster/run-leases';
import type { ClusterLink, NewRun, RunRecord, Runs } from '#lib/cluster/shared-types';
import { HOUR_MS, MINUTE_MS } from '#lib/units';
import type { CancelledBy } from '#lib/wire/chat-queue';

/** An id that was claimed and not used is free again after this time. */
const CLAIM_MS = MINUTE_MS;

/** A run that this instance wants no more. */
interface Unwanted {
  /** Ids of the requests that it has here. */
  readonly tickets: readonly string[];
  readonly flight: string | undefined;
}

export interface RunStoreOptions {
  readonly link: ClusterLink;
  /** How long results are kept. */
  readonly ttlMs: number;
  /** The unfinished requests of a generation here. */
  readonly requestsOf: (generation: Generation) => readonly PendingRequest[];
  /** The key of the flight that a run has taken. */
  readonly flightOf: (run: string) => string | undefined;
  /** A run was begun by this instance. */
  readonly onCreate: (generation: Generation, lane: string) => void;
  /** It is in the line: another instance may begin it. */
  readonly onAdmitted: (generation: Generation) => void;
  /** It is in no line: it ends, or lives in this process alone. */
  readonly onNotAdmitted: (generation: Generation) => void;
  /** Redis is away: it lives in this process alone, until Redis is back. */
  readonly onUnshared: (generation: Generation, lane: string) => void;
}

/** Runs, their tickets and who wants them, in Redis. */
export class RunStore extends RunLeases implements Runs {
  readonly #options: RunStoreOptions;
  /** What waits until a run is in the line. */
  readonly #admissions = new Map<string, { readonly written: Promise<void>; readonly resolve: () => void }>();
  /** What is to be removed of runs, once Redis is there. */
  readonly #unwanted = new Map<string, Unwanted>();

  constructor(options: RunStoreOptions) {
    super(options.link, options.ttlMs);
    this.#options = options;
  }

  handleSubmitted({ generation, lane }: NewRun): void {
    const { promise: written, resolve } = Promise.withResolvers<void>();
    this.#admissions.set(generation.id, { written, resolve });
    // A client that waits for that cannot read yet.
    generation.retain();
    for (const request of this.#options.requestsOf(generation)) this.expect(request);
    this.#options.onCreate(generation, lane);
  }

  isEntering(run: string): boolean {
    return this.#admissions.has(run);
  }

  /** A request of a run that may be on its way into the line. */
  expect(request: PendingRequest, written?: Promise<void>): void {
    const admission = this.#admissions.get(request.generation.id);
    const both = Promise.all([admission?.written, written]).then(() => undefined);
    request.saved = { eventOffset: 0, isOnDisk: admission === undefined, isShared: true, written: both };
  }

  /**
   * Writes a run again that Redis has lost, with these requests of this instance. Rejects if Redis
   * does.
   */
  async createAgain(run: NewRun, requests: readonly PendingRequest[]): Promise<void> {
    const commands = this.client.multi();
    this.addCreation(commands, run, requests);
    const { id } = run.generation;
    const flight = this.#options.flightOf(id);
    if (flight !== undefined) commands.set(this.keys.flight(flight), id, 'PX', HOUR_MS, 'NX');
    await execute(commands);
  }

  addCreation(
    commands: ChainableCommander,
    { generation, lane }: NewRun,
    requests = this.#options.requestsOf(generation),
  ): void {
    const keys = this.keys;
    const { id: run } = generation;
    const body = encodeModelRequest(generation);
    if (body !== undefined) commands.set(keys.modelRequest(run), body, 'PX', this.openTtlMs);
    commands.hset(keys.run(run), {
      state: 'queued',
      lane,
      group: generation.group,
      caller: generation.caller,
      priority: generation.priority,
      model: generation.model,
      createdAt: this.toRedis(generation.createdAt),
      key: generation.key ?? '',
      flightKey: this.#options.flightOf(run) ?? '',
      isNew: generation.isNew ? '1' : '0',
      prefixKey: generation.prefixKey ?? '',
      targets: encodeTargets(generation.targets),
      requestBytes: generation.requestBytes,
      behind: payerOf(generation, requests),
      ...encodeTurns(requests),
    });
    commands.pexpire(keys.run(run), this.openTtlMs);
    for (const request of requests) this.#addTicket(commands, run, request);
    this.addLease(commands, run);
    commands.zadd(keys.openRuns, this.now(), run);
    commands.pexpire(keys.openRuns, HOUR_MS);
  }

  addPlace(commands: ChainableCommander, run: string, { turn, sortKey }: { turn: number; sortKey: number }): void {
    commands.hset(this.keys.run(run), { turn, sortKey }).pexpire(this.keys.run(run), this.openTtlMs, 'NX');
  }

  addLane(commands: ChainableCommander, run: string, lane: string): void {
    commands.hset(this.keys.run(run), { lane }).pexpire(this.keys.run(run), this.openTtlMs, 'NX');
  }

  handleAdmitted(generation: Generation): void {
    for (const { saved } of this.#options.requestsOf(generation)) if (saved?.isShared === true) saved.isOnDisk = true;
    this.#options.onAdmitted(generation);
    this.#settle(generation);
  }

  handleNotAdmitted(generation: Generation, error?: FinalEvent & { readonly type: 'error' }): void {
    const requests = this.#options.requestsOf(generation);
    for (const request of requests) setUnsaved(request);
    this.discard(generation.id, requests);
    this.#options.onNotAdmitted(generation);
    if (error !== undefined) generation.finish(error);
    this.#settle(generation);
  }

  handleUnshared({ generation, lane }: NewRun): void {
    this.#options.onUnshared(generation, lane);
  }

  #settle(generation: Generation): void {
    const admission = this.#admissions.get(generation.id);
    if (admission === undefined) return;
    this.#admissions.delete(generation.id);
    admission.resolve();
    generation.release();
  }

  /**
   * Removes what Redis has of a run that this instance wants no more, now or once Redis is there:
   * its requests of this instance, and all of it if no other instance has one of its requests or
   * wants it for a reader.
   */
  discard(run: string, requests: readonly PendingRequest[]): void {
    const tickets = requests.filter(({ isCopy }) => !isCopy).map(({ id }) => id);
    this.#unwanted.set(run, { tickets, flight: this.#options.flightOf(run) });
    void this.removeDiscarded();
  }

  /** Whether something of a run is left to be removed. */
  isDiscarding(run: string): boolean {
    return this.#unwanted.has(run);
  }

  /** Removes what was left to be removed. Never rejects. */
  async removeDiscarded(): Promise<void> {
    if (this.#unwanted.size === 0 || !this.#options.link.connection.isUsable) return;
    const all = [...this.#unwanted];
    const { keys, client } = this;
    const { instanceId } = this.#options.link;
    try {
      const commands = client.multi();
      for (const [run, { tickets }] of all) {
        if (tickets.length > 0) {
          commands.del(...tickets.map((ticket) => keys.ticket(ticket)));
          commands.srem(keys.tickets(run), ...tickets);
        }
        commands.zrem(keys.wanted(run), `i:${instanceId}`, ...tickets.map((ticket) => `d:${ticket}`));
      }
      for (const [run] of all) commands.scard(keys.tickets(run)).zcount(keys.wanted(run), this.now(), '+inf');
      const left = (await execute(commands)).slice(-2 * all.length);
      // Where others have joined or read, they go on.
      const ownOnly = all.filter((_, index) => left[2 * index] === 0 && left[2 * index + 1] === 0);
      const removal = client.multi();
      for (const [run, { flight }] of ownOnly) {
        removal.del(keys.run(run), keys.modelRequest(run), keys.log(run), keys.wanted(run), keys.tickets(run));
        if (flight !== undefined) removal.del(keys.flight(flight));
        removal.zrem(keys.openRuns, run);
      }
      if (ownOnly.length > 0) await execute(removal);
      for (const [run, unwanted] of all) if (this.#unwanted.get(run) === unwanted) this.#unwanted.delete(run);
    } catch {
      // The guard has recorded the failure; it is tried again with the next tick.
    }
  }

  /** Which of these requests, and of their runs, Redis does not have. Rejects if Redis does. */
  async findLost(
    known: readonly { readonly run: string; readonly requests: readonly PendingRequest[] }[],
  ): Promise<{ readonly isRunLost: boolean; readonly lost: readonly PendingRequest[] }[]> {
    const commands = this.client.pipeline();
    for (const { run, requests } of known) {
      commands.exists(this.keys.run(run));
      for (const { id } of requests) commands.exists(this.keys.ticket(id));
    }
    const replies = await execute(commands);
    let at = 0;
    return known.map(({ requests }) => {
      const [run, ...tickets] = replies.slice(at, at + 1 + requests.length);
      at += 1 + requests.length;
      return { isRunLost: run === 0, lost: requests.filter((_, index) => tickets[index] === 0) };
    });
  }

  /** Takes the flight of a run of this instance again, if it is free. Rejects if Redis does. */
  async keepFlight(run: string): Promise<void> {
    const flight = this.#options.flightOf(run);
    if (flight !== undefined) await this.takeFlight(flight, run);
  }

  /**
   * Lets a run wait again whose instance is lost. Returns false if there is text of it, or no
   * request. Rejects if Redis does.
   */
  async requeue(run: string): Promise<boolean> {
    const [last, hasRequest] = await Promise.all([
      this.lastEntry(run),
      this.client.exists(this.keys.modelRequest(run)),
    ]);
    if ((last?.id.number ?? 0) > 0 || hasRequest === 0) return false;
    await execute(
      this.client.multi().hset(this.keys.run(run), { state: 'queued' }).pexpire(this.keys.run(run), this.openTtlMs),
    );
    return true;
  }

  /** Reserves an id of a client. Returns whether it was free. Rejects if Redis does. */
  async claimId(id: string): Promise<boolean> {
    const key = this.keys.ticket(id);
    const replies = await execute(this.client.multi().hsetnx(key, 'run', '').pexpire(key, CLAIM_MS, 'NX'));
    return replies[0] === 1;
  }

  /** Adds a request to an unfinished run, and wants that for this instance. */
  async addTicket(run: string, request: PendingRequest): Promise<void> {
    const commands = this.client.multi();
    this.#addTicket(commands, run, request);
    // The caller of a request that has joined is within its share.
    if (!request.generation.isBehind) commands.hset(this.keys.run(run), { behind: '' });
    this.addLease(commands, run);
    await execute(commands);
  }

  #addTicket(commands: ChainableCommander, run: string, request: PendingRequest): void {
    const keys = this.keys;
    const { id } = request;
    commands.hset(keys.ticket(id), encodeTicket(request, run, this.toRedis(request.createdAt)));
    commands.pexpire(keys.ticket(id), this.openTtlMs);
    commands.sadd(keys.tickets(run), id);
    commands.pexpire(keys.tickets(run), this.openTtlMs);
    if (request.detached) commands.zadd(keys.wanted(run), '+inf', `d:${id}`);
  }

  /** Keeps the keys of unfinished runs for their whole time from now on. Rejects if Redis does. */
  async renew(runs: readonly string[]): Promise<void> {
    for (let from = 0; from < runs.length; from += RUNS_AT_ONCE)
      await this.#renew(runs.slice(from, from + RUNS_AT_ONCE));
  }

  async #renew(runs: readonly string[]): Promise<void> {
    const keys = this.keys;
    const commands = this.client.pipeline();
    for (const run of runs) {
      for (const key of [keys.run(run), keys.modelRequest(run), keys.log(run), keys.wanted(run), keys.tickets(run)])
        commands.pexpire(key, this.openTtlMs);
      const flight = this.#options.flightOf(run);
      if (flight !== undefined) commands.pexpire(keys.flight(flight), HOUR_MS);
      commands.smembers(keys.tickets(run));
    }
    const tickets = (await execute(commands)).filter((reply): reply is string[] => Array.isArray(reply)).flat();
    const more = this.client.pipeline();
    for (const ticket of tickets) more.pexpire(keys.ticket(ticket), this.openTtlMs);
    if (tickets.length > 0) await execute(more);
  }

  /** The ticket with this id; undefined if it does not exist (any more). Rejects if Redis does. */
  async findTicket(id: string): Promise<Ticket | undefined> {
    return decodeTicket(await this.client.hgetall(this.keys.ticket(id)));
  }

  async stillBehind(runs: readonly string[]): Promise<ReadonlySet<string>> {
    const commands = this.client.pipeline();
    for (const run of runs) commands.hget(this.keys.run(run), 'behind');
    const replies = await execute(commands);
    // Of a run that Redis has lost, nothing else is known.
    return new Set(runs.filter((_, index) => replies[index] !== ''));
  }

  /** Undefined if there is no such run (any more). Rejects if Redis does. */
  async find(run: string): Promise<StoredRun | undefined> {
    return decodeRun(await this.client.hgetall(this.keys.run(run)));
  }

  /** The request of a run; null if it has ended. Rejects if Redis does. */
  readRequest(run: string): Promise<Buffer | null> {
    return this.client.getBuffer(this.keys.modelRequest(run));
  }

  async read(run: string): Promise<RunRecord | undefined> {
    const stored = await this.find(run);
    return (
      stored && { ...stored, id: run, turn: stored.turn, sortKey: stored.sortKey, cancelledBy: stored.cancelledBy }
    );
  }

  async untouched(ms: number, count: number): Promise<string[]> {
    return await this.client.zrangebyscore(this.keys.openRuns, '-inf', this.now() - ms, 'LIMIT', 0, count);
  }

  async touch(runs: readonly string[]): Promise<void> {
    if (runs.length === 0) return;
    const key = this.keys.openRuns;
    const now = this.now();
    const scores = runs.flatMap((run) => [now, run]);
    const commands = this.client.multi();
    commands.zadd(key, 'XX', ...scores).pexpire(key, HOUR_MS);
    // Redis may have lost them: what is written to them now expires, too.
    for (const run of runs)
      for (const name of [this.keys.run(run), this.keys.log(run)]) commands.pexpire(name, this.openTtlMs, 'NX');
    await execute(commands);
  }

  /** Milliseconds since a run was touched; undefined if it has ended. Rejects if Redis does. */
  async untouchedFor(run: string): Promise<number | undefined> {
    const score = await this.client.zscore(this.keys.openRuns, run);
    return score === null ? undefined : this.now() - Number(score);
  }

  /** Cancels one request. Returns whether its run goes on for others. Rejects if Redis does. */
  async cancelTicket(ticket: string, run: string, by: CancelledBy): Promise<boolean> {
    const keys = this.keys;
    const replies = await execute(
      this.client
        .multi()
        .hset(keys.ticket(ticket), { cancelledBy: by, cancelledAt: this.now() })
        .pexpire(keys.ticket(ticket), this.ttlMs)
        .srem(keys.tickets(run), ticket)
        .zrem(keys.wanted(run), `d:${ticket}`)
        .scard(keys.tickets(run)),
    );
    if (Number(replies[4]) > 0) return true;
    const marking = this.client.multi().hset(keys.run(run), { cancelledBy: by });
    marking
      .pexpire(keys.run(run), this.openTtlMs)
      .zcount(keys.wanted(run), this.now(), '+inf')
      .scard(keys.tickets(run));
    // Another request may have joined meanwhile.
    const [, , wanted, tickets] = await execute(marking);
    return !isUnwanted({ wanted: Number(wanted), tickets: Number(tickets), cancelledBy: by });
  }
}

/** Whose share is used up, if the generation waits behind others for that. */
function payerOf({ id, isBehind }: Generation, requests: readonly PendingRequest[]): string {
  const principal = isBehind ? requests.find((request) => request.id === id)?.principal : undefined;
  return principal === undefined ? '' : encodePayer(principal);
}

/** The request lives in this process alone, which the reply to it says. */
export function setUnsaved(request: PendingRequest): void {
  request.saved = request.detached ? { eventOffset: 0, isOnDisk: false, written: Promise.resolve() } : undefined;
}
