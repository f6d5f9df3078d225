import type { GenerationLog, LogEvent } from '#lib/chat/generation/generation-log';
import type { Clock } from '#lib/clock';
import type { OtherSource } from '#lib/cluster/run-format';
import type { LogEntry } from '#lib/cluster/run-logs';
import type { RunStore } from '#lib/cluster/runs';

/** Events wait this long for others. */
const BATCH_MS = 10;
/** Or until there is this much of them. */
const BATCH_BYTES = 4 * 1024;
/** Of one entry: a command with more would hold up others. */
const MAX_ENTRY_CHARS = 256 * 1024;
/** How long a failed command waits until it is sent again. */
const RETRY_MS = 200;

/**
 * How the log of a run came to its end here: all of it is in Redis, another instance writes it, or
 * the writer was closed before.
 */
export type WriterEnd = 'written' | 'fenced' | 'closed';

export interface LogWriterOptions {
  readonly store: Pick<RunStore, 'append' | 'lastEntry'>;
  readonly run: string;
  readonly attempt: number;
  readonly log: GenerationLog;
  /** What writes now, where that is not what the attempt began with. */
  readonly other?: () => OtherSource;
  readonly clock: Clock;
  /** Whether nothing is to be written yet: Redis may have lost what came before. */
  readonly isHeld?: () => boolean;
}

/**
 * Writes the log of a run to its stream: the first event at once, others in batches. While Redis is
 * away, events stay in the log. What another attempt has begun to write is refused by Redis.
 */
export class LogWriter {
  readonly ended: Promise<WriterEnd>;
  /** The last entry of the instance that writes the log now, where this one is fenced. */
  successor: LogEntry | undefined;
  readonly #options: LogWriterOptions;
  readonly #stop: () => void;
  #end: (end: WriterEnd) => void = () => {};
  #attempt: number;
  #written = 0;
  /** The last event of an entry whose fate is unknown: it is sent again as it was. */
  #unknownTo: number | undefined;
  /** Where `rewind` has left off while an entry was on its way. */
  #rewoundTo: number | undefined;
  /** `GenerationLog.bytes` at the last batch. */
  #sentBytes = 0;
  #isSending = false;
  #isClosed = false;
  #cancelTimer: (() => void) | undefined;

  constructor(options: LogWriterOptions) {
    this.#options = options;
    this.#attempt = options.attempt;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#stop = options.log.listen(() => this.#handleNews());
    this.#handleNews();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Stops, whatever is not written. Idempotent. */
  close(end: WriterEnd = 'closed'): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelTimer?.();
    this.#stop();
    this.#end(end);
  }

  /** The log is written again from its beginning, as that of another attempt. */
  renumber(attempt: number): void {
    this.#attempt = attempt;
    this.rewind(0);
  }

  /** It is not held any more. */
  resume(): void {
    if (!this.#isClosed && this.#options.log.lastNumber > this.#written) void this.#send();
  }

  /** Another instance has ended the run, or goes on with it: `last` is its last entry. */
  fence(last: LogEntry): void {
    this.successor ??= last;
    this.close('fenced');
  }

  /** Redis has lost the events after `number`: they are written again. */
  rewind(number: number): void {
    if (this.#isClosed || number >= this.#written) return;
    this.#rewoundTo = number;
    if (!this.#isSending) void this.#send();
  }

  /**
   * Looks whether another attempt has begun: Redis would say so with the next event alone. Never
   * rejects.
   */
  async checkFence(): Promise<void> {
    if (this.#isClosed) return;
    try {
      this.#fenceBy(await this.#options.store.lastEntry(this.#options.run));
    } catch {
      // The guard has recorded the failure.
    }
  }

  /** Returns whether the entry is of a later attempt, which ends the writer. */
  #fenceBy(last: LogEntry | undefined): boolean {
    if (last === undefined || last.id.attempt <= this.#attempt) return false;
    this.fence(last);
    return true;
  }

  #handleNews(): void {
    const { log } = this.#options;
    if (this.#isClosed || this.#isSending || log.lastNumber === this.#written) return;
    // What else the end of a generation writes, such as its response, is written before.
    if (log.ended) queueMicrotask(() => setImmediate(() => void this.#send()));
    else if (this.#sentBytes === 0 || log.bytes - this.#sentBytes >= BATCH_BYTES) void this.#send();
    else this.#sendIn(BATCH_MS);
  }

  #sendIn(ms: number): void {
    this.#cancelTimer ??= this.#options.clock.after(ms, () => {
      this.#cancelTimer = undefined;
      void this.#send();
    });
  }

  /** Never rejects. */
  async #send(): Promise<void> {
    const { store, run, log, other, isHeld } = this.#options;
    if (this.#isSending || this.#isClosed) return;
    this.#isSending = true;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    let isFailed = false;
    try {
      this.#sentBytes = Math.max(1, log.bytes);
      this.#applyRewind();
      while (this.#written < log.lastNumber && !this.#isClosed) {
        isFailed = isHeld?.() === true;
        if (isFailed) break;
        const events = this.#next();
        this.#unknownTo = this.#written + events.length;
        await store.append(run, { attempt: this.#attempt, number: this.#unknownTo }, events, other?.());
        this.#written = this.#unknownTo;
        this.#unknownTo = undefined;
        this.#applyRewind();
        if (!log.ended && log.bytes - this.#sentBytes < BATCH_BYTES) break;
        this.#sentBytes = log.bytes;
      }
    } catch (error) {
      isFailed = !(await this.#handleRefusal(error));
    }
    this.#isSending = false;
    if (this.#isClosed) return;
    if (log.ended && this.#written === log.lastNumber) this.close('written');
    else if (this.#written < log.lastNumber) this.#sendIn(isFailed ? RETRY_MS : log.ended ? 0 : BATCH_MS);
  }

  #applyRewind(): void {
    if (this.#rewoundTo === undefined) return;
    this.#written = Math.min(this.#written, this.#rewoundTo);
    this.#rewoundTo = undefined;
    this.#unknownTo = undefined;
  }

  #next(): LogEvent[] {
    const { log } = this.#options;
    const events: LogEvent[] = [];
    let chars = 0;
    for (let number = this.#written + 1; number <= (this.#unknownTo ?? log.lastNumber); number++) {
      const event = log.eventAt(number);
      if (event === undefined) break;
      events.push(event);
      if ('text' in event) chars += event.text.length;
      if (chars >= MAX_ENTRY_CHARS) break;
    }
    return events;
  }

  /**
   * Redis refuses an entry that is not newer than the last one: another attempt has written, or
   * this entry was written although its reply was lost. Returns whether that is settled.
   */
  async #handleRefusal(error: unknown): Promise<boolean> {
    if (!isRefusedEntry(error)) return false;
    try {
      const last = await this.#options.store.lastEntry(this.#options.run);
      if (last === undefined) return false;
      if (!this.#fenceBy(last)) {
        this.#written = Math.max(this.#written, Math.min(last.id.number, this.#options.log.lastNumber));
        this.#unknownTo = undefined;
      }
      return true;
    } catch {
      // The guard has recorded the failure; the entry is sent again.
      return false;
    }
  }
}

/** Whether Redis has refused an entry, since one that is not older is there. */
export function isRefusedEntry(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError' && /equal or smaller/.test(error.message);
}
