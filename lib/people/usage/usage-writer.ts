import { setImmediate } from 'node:timers/promises';
import type { Compilable, Kysely } from 'kysely';
import type { UsageRow, UsageTotals } from '#lib/people/usage/usage-totals';
import { StoreUnavailable } from '#lib/store/errors';
import type { Database } from '#lib/store/schema';
import { SECOND_MS } from '#lib/units';

/** The part of the database that is needed to write. */
export interface UsageStore {
  readonly db: Kysely<Database>;
  writeAll(statements: readonly Compilable[]): Promise<void>;
}

interface Options {
  readonly totals: UsageTotals;
  /** Opens the database with the first rows. Rejects while it cannot be opened. */
  readonly open: () => Promise<UsageStore>;
  /** Loaded with the first rows: it needs Kysely. */
  readonly statements: () => Promise<typeof import('#lib/people/usage/usage-statements')>;
  /** Called with the first error of an outage. */
  readonly onError: (error: unknown) => void;
  /** Called with the first error of a flush of which the database refused `count` rows for good. */
  readonly onRefused: (error: unknown, count: number) => void;
}

/** What is lost if the process is killed. */
const FLUSH_MS = 5 * SECOND_MS;
/** Rows of one transaction: its statements are made in less than a millisecond. */
const ROWS_PER_WRITE = 6;

/**
 * Writes usage every few seconds, in small transactions between which other work goes on. Rows
 * that cannot be written are kept, within the bound of `UsageTotals`, and written later. A row that
 * the database refuses itself is dropped, so that it stops no other one.
 */
export class UsageWriter {
  readonly #options: Options;
  readonly #timer: NodeJS.Timeout;
  #flushing: Promise<void> | undefined;
  #isFailing = false;

  constructor(options: Options) {
    this.#options = options;
    this.#timer = setInterval(() => void this.flush(), FLUSH_MS);
    this.#timer.unref();
  }

  /** Resolves when all rows of before are written, or could not be. Never rejects. */
  async flush(): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing;
    if (this.#options.totals.size === 0) return;
    this.#flushing = this.#write(this.#options.totals.take());
    await this.#flushing;
    this.#flushing = undefined;
  }

  /** Writes the last rows. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  async #write(rows: readonly UsageRow[]): Promise<void> {
    const refusals: unknown[] = [];
    let written = 0;
    let singleUntil = 0;
    try {
      const [store, { usageStatements }] = await Promise.all([this.#options.open(), this.#options.statements()]);
      while (written < rows.length) {
        const part = rows.slice(written, written + (written < singleUntil ? 1 : ROWS_PER_WRITE));
        const refusal = await refusalOf(store.writeAll(usageStatements(store.db, part)));
        if (refusal !== undefined && part.length > 1) singleUntil = written + part.length;
        else {
          if (refusal !== undefined) refusals.push(refusal);
          written += part.length;
        }
        await setImmediate();
      }
      this.#isFailing = false;
    } catch (error) {
      this.#options.totals.putBack(rows.slice(written));
      if (!this.#isFailing) this.#options.onError(error);
      this.#isFailing = true;
    }
    if (refusals.length > 0) this.#options.onRefused(refusals[0], refusals.length);
  }
}

/** The error of statements that the database refuses. Rejects where it takes none at present. */
async function refusalOf(saved: Promise<void>): Promise<unknown> {
  try {
    await saved;
    return undefined;
  } catch (error) {
    if (StoreUnavailable.is(error)) throw error;
    return error;
  }
}
