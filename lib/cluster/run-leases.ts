import type { ChainableCommander } from 'ioredis';
import { z } from 'zod';
import type { TurnElsewhere } from '#lib/chat/generation/generation-types';
import { execute } from '#lib/cluster/replies';
import { RunLogs } from '#lib/cluster/run-logs';
import { HOUR_MS, SECOND_MS } from '#lib/units';
import type { CancelledBy } from '#lib/wire/chat-queue';

/** Runs of one pipeline: thousands would take longer than a command may. */
export const RUNS_AT_ONCE = 200;
/** An instance that wants a run says so again before this is over. */
const LEASE_MS = 15 * SECOND_MS;

/** `gone`: Redis does not have the run (any more). */
export type RunFate = 'open' | 'ended' | 'gone';

/** What decides whether a run that is worked on goes on. */
export interface Wishes {
  /** Instances and detached requests that want it. */
  readonly wanted: number;
  /** Requests that are not cancelled. */
  readonly tickets: number;
  readonly cancelledBy: CancelledBy | undefined;
  /** The instance that has begun the run last; undefined before the first one. */
  readonly owner: string | undefined;
}

/** Who wants a run, what has become of it, and which run identical requests join. */
export class RunLeases extends RunLogs {
  protected addLease(commands: ChainableCommander, run: string): void {
    const { instanceId } = this.link;
    commands.zadd(this.keys.wanted(run), this.now() + LEASE_MS, `i:${instanceId}`);
    commands.pexpire(this.keys.wanted(run), this.openTtlMs);
  }

  /** Says that this instance wants these runs still. Rejects if Redis does. */
  async renewLeases(runs: readonly string[]): Promise<void> {
    for (let from = 0; from < runs.length; from += RUNS_AT_ONCE) {
      const commands = this.client.pipeline();
      for (const run of runs.slice(from, from + RUNS_AT_ONCE)) this.addLease(commands, run);
      await execute(commands);
    }
  }

  /** This instance does not want the run any more. Rejects if Redis does. */
  async dropLease(run: string): Promise<void> {
    await this.client.zrem(this.keys.wanted(run), `i:${this.link.instanceId}`);
  }

  async isWanted(run: string): Promise<boolean> {
    const [wishes] = await this.wishes([run]);
    return wishes !== undefined && !isUnwanted(wishes);
  }

  /** What is wanted of runs, in their order. Rejects if Redis does. */
  async wishes(runs: readonly string[]): Promise<Wishes[]> {
    const keys = this.keys;
    const now = this.now();
    const commands = this.client.pipeline();
    for (const run of runs)
      commands
        .zcount(keys.wanted(run), now, '+inf')
        .scard(keys.tickets(run))
        .hmget(keys.run(run), 'cancelledBy', 'owner');
    const replies = await execute(commands);
    return runs.map((_, index) => {
      const [wanted, tickets, fields] = replies.slice(3 * index);
      const [cancelledBy, owner] = Array.isArray(fields) ? fields : [];
      return {
        wanted: Number(wanted),
        tickets: Number(tickets),
        cancelledBy: cancelledByOf(cancelledBy),
        owner: typeof owner === 'string' && owner !== '' ? owner : undefined,
      };
    });
  }

  /** Those whose requests are not cancelled; all while Redis is away. Never rejects. */
  async turnsLeft(turns: readonly TurnElsewhere[]): Promise<readonly TurnElsewhere[]> {
    const commands = this.client.pipeline();
    for (const { request = '' } of turns) commands.hget(this.keys.ticket(request), 'cancelledBy');
    try {
      const replies = await execute(commands);
      return turns.filter((_, index) => replies[index] === null);
    } catch {
      // The guard has recorded the failure: a turn too many is less than one that is lost.
      return turns;
    }
  }

  /** What has become of runs, in their order. Rejects if Redis does. */
  async fates(runs: readonly string[]): Promise<RunFate[]> {
    const commands = this.client.pipeline();
    for (const run of runs) commands.hmget(this.keys.run(run), 'state', 'finishedAt');
    if (runs.length === 0) return [];
    return z
      .array(z.tuple([z.string().nullable(), z.string().nullable()]))
      .parse(await execute(commands))
      .map(([state, finishedAt]) => (state === null ? 'gone' : finishedAt === null ? 'open' : 'ended'));
  }

  /** Takes a flight for a run. Returns the run that has it already. Rejects if Redis does. */
  async takeFlight(key: string, run: string): Promise<string | undefined> {
    return (await this.client.set(this.keys.flight(key), run, 'PX', HOUR_MS, 'NX', 'GET')) ?? undefined;
  }

  /** The run that has a flight. Rejects if Redis does. */
  async flightRun(key: string): Promise<string | undefined> {
    return (await this.client.get(this.keys.flight(key))) ?? undefined;
  }

  /** Gives up a flight that `run` has. Never rejects. */
  async releaseFlight(key: string, run: string): Promise<void> {
    try {
      if ((await this.flightRun(key)) === run) await this.client.del(this.keys.flight(key));
    } catch {
      // It expires; requests that wait for its run give up before.
    }
  }
}

/** Whether a run is not wanted any more. */
export function isUnwanted({ wanted, tickets, cancelledBy }: Omit<Wishes, 'owner'>): boolean {
  return wanted === 0 || (tickets === 0 && cancelledBy !== undefined);
}

function cancelledByOf(value: unknown): CancelledBy | undefined {
  return value === 'user' || value === 'operator' ? value : undefined;
}
