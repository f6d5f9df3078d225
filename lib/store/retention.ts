import { sql } from 'kysely';
import type { Database } from '#lib/store/schema';
import type { Store } from '#lib/store/types';
import { log } from '#lib/telemetry/log';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#lib/units';

/** Rows of a table that are deleted by their age. `retention` makes one. */
export interface RetentionRule {
  readonly table: string;
  /** Columns of its primary key. */
  readonly key: readonly string[];
  /** A column of milliseconds, or of what `inUnits` returns. Indexed, unless the table is small. */
  readonly time: string;
  /** How long rows are kept after `time`. */
  readonly keepMs: () => number;
  /** Converts milliseconds since 1970 to the unit of `time`. */
  readonly inUnits?: (ms: number) => number | string;
}

/** Makes a rule, whose columns are checked against its table. */
export function retention<Table extends keyof Database & string>(rule: {
  table: Table;
  key: readonly (keyof Database[Table] & string)[];
  time: keyof Database[Table] & string;
  keepMs: () => number;
  inUnits?: (ms: number) => number | string;
}): RetentionRule {
  return rule;
}

/** Rows that are deleted at once, which takes about a millisecond. */
const STEP_ROWS = 500;
const PAUSE_MS = 50;
const FIRST_SWEEP_MS = MINUTE_MS;
const SWEEP_INTERVAL_MS = HOUR_MS;
/** A clock that jumps by more than this since the last sweep may be wrong. */
const MAX_JUMP_MS = HOUR_MS;

interface Clock {
  now: () => number;
  /** Never jumps. */
  monotonic: () => number;
}

const REAL_CLOCK: Clock = { now: () => Date.now(), monotonic: () => performance.now() };

/** Deletes expired rows every hour, in small steps with pauses. */
export class RetentionSweeper {
  readonly #store: Store;
  readonly #rules: readonly RetentionRule[];
  readonly #clock: Clock;
  #last: { now: number; monotonic: number };
  #timer: NodeJS.Timeout | undefined;

  constructor(store: Store, rules: readonly RetentionRule[], clock: Clock = REAL_CLOCK) {
    this.#store = store;
    this.#rules = rules;
    this.#clock = clock;
    this.#last = { now: clock.now(), monotonic: clock.monotonic() };
  }

  start(): void {
    this.#later(FIRST_SWEEP_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /**
   * Deletes what has expired, and returns how many rows. After a jump of the clock it deletes
   * nothing, because a wrong clock would empty the tables: the next sweep goes by the clock then.
   */
  async sweep(): Promise<number> {
    const { now, monotonic } = this.#last;
    this.#last = { now: this.#clock.now(), monotonic: this.#clock.monotonic() };
    const jumpMs = this.#last.now - now - (this.#last.monotonic - monotonic);
    if (Math.abs(jumpMs) > MAX_JUMP_MS) {
      log().warn({ jump_ms: Math.round(jumpMs) }, 'the clock jumped, so nothing is deleted by its age for an hour');
      return 0;
    }
    let deleted = 0;
    for (const rule of this.#rules) deleted += await this.#sweepRule(rule, this.#last.now);
    return deleted;
  }

  async #sweepRule(rule: RetentionRule, nowMs: number): Promise<number> {
    const { table, key, time, keepMs, inUnits = (ms) => ms } = rule;
    const oldestKept = inUnits(nowMs - keepMs());
    const columns = sql.join(key.map((column) => sql.ref(column)));
    const expired = sql`delete from ${sql.table(table)} where (${columns}) in (
      select ${columns} from ${sql.table(table)} where ${sql.ref(time)} < ${oldestKept}
      order by ${sql.ref(time)} limit ${STEP_ROWS})`;
    for (let deleted = 0; ; ) {
      const { numAffectedRows } = await expired.execute(this.#store.db);
      const step = Number(numAffectedRows ?? 0n);
      deleted += step;
      if (step < STEP_ROWS) return deleted;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  #later(delayMs: number): void {
    this.#timer = setTimeout(() => void this.#run(), delayMs).unref();
  }

  async #run(): Promise<void> {
    try {
      const deleted = await this.sweep();
      if (deleted > 0) log().info({ deleted }, 'expired rows deleted');
    } catch (error) {
      log().warn({ err: error }, 'expired rows could not be deleted');
    }
    // Not after `stop`.
    if (this.#timer !== undefined) this.#later(SWEEP_INTERVAL_MS);
  }
}

/** The rule for a setting in days. */
export function days(setting: () => number): () => number {
  return () => setting() * DAY_MS;
}
