import { setImmediate } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { Calendar, type Period, type PeriodCount, rollOver } from '#lib/people/limits/calendar';
import { COUNTED_LIMITS, COUNTED_NAMES, type CountedLimit } from '#lib/people/limits/limit-definitions';
import { SECOND_MS } from '#lib/units';

/** Subjects whose counts are in memory; the others are read again. */
const MAX_SUBJECTS = 20_000;
/** Counts that are not in the database yet. More are counted in memory only. */
const MAX_UNSAVED = 20_000;
const FLUSH_MS = 2 * SECOND_MS;
/** How long after a failed read the next one is tried. */
const RETRY_MS = 5 * SECOND_MS;

/** What was used in one period, as the database has it. */
export interface SavedCount {
  readonly name: CountedLimit;
  /** Its `Period.id`. */
  readonly period: string;
  /** Tokens, or milliseconds of CPU. */
  readonly used: number;
}

/** What one subject used in one period, to be added to the database. */
export interface CounterRow extends SavedCount {
  readonly subject: string;
  /** End of the period, in milliseconds since 1970. */
  readonly endsAt: number;
}

/** A period to count in. */
export interface CounterPeriod {
  readonly name: CountedLimit;
  readonly period: Period;
}

/** The rows of counts in the database. */
export interface CounterRows {
  read(subject: string, periods: readonly string[]): Promise<readonly SavedCount[]>;
  /** Adds to what is there, all or none. */
  add(rows: readonly CounterRow[]): Promise<void>;
  /** What the usage of people has of a subject, also of times without limits. */
  usage?(subject: string, periods: readonly CounterPeriod[]): Promise<readonly CounterRow[]>;
  /** Sets each count that is lower. */
  raise?(rows: readonly CounterRow[]): Promise<void>;
}

export interface UsageCountersOptions {
  readonly rows: CounterRows;
  /** Milliseconds since 1970, of the wall clock. */
  readonly now: () => number;
  /** How long changes are collected before they are written. @default 2 s */
  readonly flushMs?: number;
  /** Other servers add to the counts: one that is older than this is read again. @default never */
  readonly refreshMs?: number;
  /** Calls `task` once after `ms`, and returns the function that cancels it. */
  readonly after: (ms: number, task: () => void) => () => void;
  /** Called with the error of a read or write that failed. */
  readonly onError?: (error: unknown) => void;
}

/** The counts of one subject. */
interface Subject {
  readonly counts: Readonly<Record<CountedLimit, PeriodCount>>;
  /** The `#limitsVersion` for which the usage of before was added. */
  limitsVersion: number;
  /** Whether the counts of the database are part of them. */
  isLoaded: boolean;
  loading: Promise<void> | undefined;
  retryAtMs: number;
  /** When it was last read. */
  readAtMs: number;
}

/**
 * What each subject has used today and this month. Counts live in memory; every change is also
 * added to the database within FLUSH_MS, and a subject that memory does not know is read once, or
 * again with `refreshMs`. Until that read has ended, its count is what memory has: a request is not
 * held up by it.
 */
export class UsageCounters {
  readonly #options: UsageCountersOptions;
  readonly #calendar = new Calendar();
  readonly #subjects = new LRUCache<string, Subject>({ max: MAX_SUBJECTS });
  readonly #unsaved = new Map<string, CounterRow>();
  /** Subjects that are being read: what they use is not written until then. */
  readonly #loading = new Set<string>();
  #limitsVersion = 1;
  #writing: Promise<void> | undefined;
  #cancelFlush: (() => void) | undefined;
  #isClosing = false;

  constructor(options: UsageCountersOptions) {
    this.#options = options;
  }

  /** Undefined if memory has the counts, or if they cannot be read now. Never rejects. */
  load(subject: string): Promise<void> | undefined {
    const known = this.#subject(subject);
    const { refreshMs } = this.#options;
    const now = this.#options.now();
    // The clock may have been set back.
    const isOld = refreshMs !== undefined && Math.abs(now - known.readAtMs) >= refreshMs;
    if (known.isLoaded && known.limitsVersion === this.#limitsVersion && !isOld) return undefined;
    if (now < known.retryAtMs) return known.loading;
    known.loading ??= this.#read(subject, known);
    return known.loading;
  }

  /** What was used while a limit did not exist was not counted: it is read from the usage. */
  limitsChanged(): void {
    this.#limitsVersion += 1;
  }

  used(subject: string, name: CountedLimit): number {
    return this.#count(subject, name).used;
  }

  /** The period that the count is of. */
  periodOf(subject: string, name: CountedLimit): Period {
    return this.#count(subject, name).period;
  }

  add(subject: string, name: CountedLimit, amount: number): void {
    if (!(amount > 0)) return;
    const count = this.#count(subject, name);
    count.used += amount;
    this.#save({ subject, name, period: count.period.id, endsAt: count.period.endMs, used: amount });
    this.#scheduleFlush();
  }

  /** Writes what is not in the database yet. Never rejects: what failed is written later. */
  async flush(): Promise<void> {
    await this.#writing;
    const rows = [...this.#unsaved.entries()].filter(([, { subject }]) => !this.#loading.has(subject));
    if (rows.length === 0) return;
    for (const [key] of rows) this.#unsaved.delete(key);
    // Several servers add to the same rows: one order for all of them cannot end in a deadlock.
    const all = rows.sort(([one], [other]) => (one < other ? -1 : 1)).map(([, row]) => row);
    this.#writing = this.#options.rows
      .add(all)
      .catch((error: unknown) => {
        for (const row of all) this.#save(row);
        this.#scheduleFlush();
        this.#options.onError?.(error);
      })
      .finally(() => {
        this.#writing = undefined;
      });
    await this.#writing;
  }

  /** Writes everything, and from now on every change at once. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    // Other parts that end now add what their requests used.
    await setImmediate();
    await Promise.all([...this.#loading].map((subject) => this.#subjects.peek(subject)?.loading));
    await this.flush();
  }

  #subject(subject: string): Subject {
    let known = this.#subjects.get(subject);
    if (known === undefined) {
      const counts = this.#emptyCounts();
      known = { counts, limitsVersion: 0, isLoaded: false, loading: undefined, retryAtMs: 0, readAtMs: 0 };
      this.#subjects.set(subject, known);
    }
    return known;
  }

  #emptyCounts(): Subject['counts'] {
    const now = this.#options.now();
    const count = (name: CountedLimit) => ({ period: this.#calendar.at(COUNTED_LIMITS[name], now), used: 0 });
    return {
      tokens_per_day: count('tokens_per_day'),
      tokens_per_month: count('tokens_per_month'),
      code_seconds_per_day: count('code_seconds_per_day'),
    };
  }

  #count(subject: string, name: CountedLimit): PeriodCount {
    return this.#current(this.#subject(subject), name);
  }

  #current({ counts }: Subject, name: CountedLimit): PeriodCount {
    const count = counts[name];
    rollOver(count, this.#calendar.at(COUNTED_LIMITS[name], this.#options.now()));
    return count;
  }

  async #read(subject: string, known: Subject): Promise<void> {
    this.#loading.add(subject);
    known.readAtMs = this.#options.now();
    try {
      // What is being written now is part of what is read then.
      await this.#writing;
      const periods = new Set(COUNTED_NAMES.map((name) => this.#current(known, name).period.id));
      const limitsVersion = this.#limitsVersion;
      if (known.limitsVersion !== limitsVersion) await this.#raiseToUsage(subject, known);
      const rows = await this.#options.rows.read(subject, [...periods]);
      for (const name of COUNTED_NAMES) {
        const count = known.counts[name];
        const id = count.period.id;
        if (!periods.has(id)) continue;
        const saved = rows.find((row) => row.name === name && row.period === id)?.used ?? 0;
        count.used = saved + (this.#unsaved.get(keyOf({ subject, name, period: id }))?.used ?? 0);
      }
      known.isLoaded = true;
      known.limitsVersion = limitsVersion;
    } catch (error) {
      known.retryAtMs = this.#options.now() + RETRY_MS;
      this.#options.onError?.(error);
    } finally {
      known.loading = undefined;
      this.#loading.delete(subject);
      // What was used meanwhile was not written.
      if (this.#unsaved.size > 0) this.#scheduleFlush();
    }
  }

  /** What is not written yet is part of the usage, and is added to the counts later. */
  async #raiseToUsage(subject: string, known: Subject): Promise<void> {
    const { rows } = this.#options;
    if (rows.usage === undefined || rows.raise === undefined) return;
    const periods = COUNTED_NAMES.map((name) => ({ name, period: this.#current(known, name).period }));
    const unsaved = new Map(
      periods.map(({ name, period }) => [
        name,
        this.#unsaved.get(keyOf({ subject, name, period: period.id }))?.used ?? 0,
      ]),
    );
    const usage = await rows.usage(subject, periods);
    const raised = usage.map((row) => ({ ...row, used: row.used - (unsaved.get(row.name) ?? 0) }));
    const used = raised.filter((row) => row.used > 0);
    if (used.length > 0) await rows.raise(used);
  }

  #save(row: CounterRow): void {
    const key = keyOf(row);
    const waiting = this.#unsaved.get(key);
    if (waiting === undefined && this.#unsaved.size >= MAX_UNSAVED) return;
    this.#unsaved.set(key, waiting === undefined ? row : { ...row, used: waiting.used + row.used });
  }

  #scheduleFlush(): void {
    this.#cancelFlush ??= this.#options.after(this.#isClosing ? 0 : (this.#options.flushMs ?? FLUSH_MS), () => {
      this.#cancelFlush = undefined;
      void this.flush();
    });
  }
}

function keyOf({ subject, name, period }: Pick<CounterRow, 'subject' | 'name' | 'period'>): string {
  return `${period} ${name} ${subject}`;
}
