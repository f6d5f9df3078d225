import { z } from 'zod';
import type { ListedWork, OverviewFigures } from '#lib/chat/scheduler/queue-overview';
import type { QueueFigures } from '#lib/chat/seams';
import type { Mirrors } from '#lib/cluster/mirrors';
import { repliesOf } from '#lib/cluster/replies';
import { decodeRun, decodeTicket, parseEntryId } from '#lib/cluster/run-format';
import type { ClusterLink, LaneWork, LocalLane } from '#lib/cluster/shared-types';
import { member } from '#lib/http/principal';

export interface SharedOverviewParts {
  readonly link: ClusterLink;
  readonly mirrors: Mirrors;
  /** The work of this instance, with the counts of all. */
  readonly own: QueueFigures;
  /** What the lanes have, as Redis says. Rejects if Redis does. */
  readonly laneWork: () => Promise<readonly LaneWork[]>;
  readonly laneOf: (id: string) => LocalLane | undefined;
}

const idsSchema = z.array(z.string());
const fieldsSchema = z.record(z.string(), z.string());
const entriesSchema = z.array(z.tuple([z.string(), z.unknown()]));

type Listed = OverviewFigures['waiting'] extends () => (infer T)[] ? T : never;

/**
 * The queue of all instances, for those who look at it: what workers have, and what waits, is asked
 * of Redis. What this instance has for itself, such as embeddings, is listed with it.
 */
export class SharedOverview {
  readonly #parts: SharedOverviewParts;
  #reading: Promise<OverviewFigures> | undefined;

  constructor(parts: SharedOverviewParts) {
    this.#parts = parts;
  }

  /** Callers at the same time get the result of one read. Rejects if Redis does. */
  read(): Promise<OverviewFigures> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<OverviewFigures> {
    const { own, mirrors, laneWork, laneOf } = this.#parts;
    const lanes = await laneWork();
    const found = await this.#works(lanes);
    const isElsewhere = ({ id }: { readonly id: string }) => mirrors.get(id) !== undefined;
    const ownRunning = new Map([...own.running].map((work) => [work.id, work]));
    const running: ListedWork[] = [...ownRunning.values()].filter(({ id }) => !found.has(id));
    const waiting: Listed[] = own.waiting().filter(({ item }) => !isElsewhere(item));
    for (const { lane, running: taken, waiting: line } of lanes) {
      for (const run of taken) {
        const work = found.get(run);
        // What is written here is newer than what Redis has of it, which has all of its requests.
        const { tokens = work?.tokens ?? 0 } = ownRunning.get(run) ?? {};
        if (work !== undefined) running.push({ ...work, tokens });
      }
      const server = laneOf(lane)?.server;
      for (const [index, run] of line.entries()) {
        const item = found.get(run);
        // It may have been taken between two reads.
        if (item !== undefined && !taken.includes(run))
          waiting.push({ item, since: item.createdAt, position: index + 1, server });
      }
    }
    return {
      queueLength: own.queueLength,
      isRunning: own.isRunning || running.length > 0,
      running,
      waiting: () => waiting.sort((a, b) => a.position - b.position || a.since - b.since),
      slots: own.slots,
      averageMs: own.averageMs,
      isAverageMeasured: own.isAverageMeasured,
      areServersSeveral: own.areServersSeveral,
    };
  }

  /** Those of which Redis has the record. */
  async #works(lanes: readonly LaneWork[]): Promise<ReadonlyMap<string, ListedWork & { readonly createdAt: number }>> {
    const { link, laneOf } = this.#parts;
    const { connection, keys } = link;
    const runs = lanes.flatMap(({ lane, running, waiting }) => [
      ...running.map((run) => ({ run, lane, isRunning: true })),
      ...waiting.map((run) => ({ run, lane, isRunning: false })),
    ]);
    if (runs.length === 0) return new Map();
    const reading = connection.client.pipeline();
    for (const { run } of runs)
      reading.hgetall(keys.run(run)).smembers(keys.tickets(run)).xrevrange(keys.log(run), '+', '-', 'COUNT', 1);
    const records = repliesOf(await reading.exec());
    const ticketIds = runs.map((_, index) => idsSchema.parse(records[3 * index + 1]));
    const tickets = connection.client.pipeline();
    for (const id of ticketIds.flat()) tickets.hgetall(keys.ticket(id));
    const owners = tickets.length === 0 ? [] : repliesOf(await tickets.exec());
    const works = new Map<string, ListedWork & { readonly createdAt: number }>();
    let next = 0;
    for (const [index, { run, lane, isRunning }] of runs.entries()) {
      const requests = (ticketIds[index] ?? []).flatMap((id) => {
        const ticket = decodeTicket(fieldsSchema.parse(owners[next++]));
        if (ticket === undefined) return [];
        const { caller, userId, groupId, name } = ticket;
        const whose = Object.entries({ userId, groupId, name }).filter(([, value]) => value !== undefined);
        return [{ id, caller, principal: member(caller, Object.fromEntries(whose)) }];
      });
      const stored = decodeRun(fieldsSchema.parse(records[3 * index]));
      if (stored === undefined) continue;
      const [last] = entriesSchema.parse(records[3 * index + 2]);
      const { startedAt, createdAt, model, priority } = stored;
      works.set(run, {
        id: run,
        model,
        priority,
        requests,
        createdAt: connection.toLocal(createdAt),
        startedAt: isRunning && startedAt !== undefined ? connection.toLocal(startedAt) : undefined,
        tokens: last === undefined ? 0 : parseEntryId(last[0]).number,
        server: laneOf(lane)?.server,
      });
    }
    return works;
  }
}
