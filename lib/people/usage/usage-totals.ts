import { type CalendarDay, calendarDay } from '#lib/calendar';
import type { Principal } from '#lib/http/principal';
import { ModelNames, OTHER } from '#lib/people/usage/model-names';
import type { UsageEvent, UsageListener } from '#lib/people/usage/usage-event';
import type { SeriesCounts, UsageSeries } from '#lib/telemetry/usage-series';
import { USAGE_FIGURES, type UsageFigures } from '#lib/wire/usage';

/** Of whom and of what: one row of a day. */
export interface UsageKey {
  readonly day: number;
  readonly user_id: string;
  readonly key_id: string;
  readonly group_id: string;
  readonly model: string;
  readonly server: string;
  readonly language: string;
  readonly outcome: string;
}

export type UsageRow = UsageKey & UsageFigures;

/** Key of callers without an account and without a key. Their addresses are not kept. */
export const LOCAL_KEY = 'local';
/** A server writes a few hundred in the seconds between two flushes. */
const MAX_ROWS = 10_000;

interface Options {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly series?: UsageSeries | undefined;
  /** Whether a server lists the model, or a setting names it. By default each is known. */
  readonly isKnownModel?: (model: string) => boolean;
  /** Called when the rows are as many as fit, until they are taken. */
  readonly onFull?: () => void;
  readonly maxRows?: number;
}

interface Entry {
  readonly row: UsageRow;
  /** Undefined for programs, and for rows that were put back until they are used again. */
  series: SeriesCounts | undefined;
}

/**
 * Adds up what was used, by day and by all that a report may ask for. Bounded: rows above
 * `maxRows` are added to one row.
 */
export class UsageTotals implements UsageListener {
  readonly #now: () => number;
  readonly #series: UsageSeries | undefined;
  readonly #onFull: () => void;
  readonly #maxRows: number;
  readonly #names: ModelNames;
  #entries = new Map<string, Entry>();
  /** The rows of cached responses by user, key and model: found without a string being made. */
  #hits = new Map<string, Map<string, Map<string, Entry>>>();
  #today: CalendarDay;

  constructor({ now, series, isKnownModel = () => true, onFull = () => {}, maxRows = MAX_ROWS }: Options) {
    this.#now = now;
    this.#series = series;
    this.#onFull = onFull;
    this.#maxRows = maxRows;
    this.#names = new ModelNames(isKnownModel);
    this.#today = calendarDay(now());
  }

  /** Rows that `take` would return. */
  get size(): number {
    return this.#entries.size;
  }

  hit(principal: Principal | undefined, model: string, tokens: number): void {
    const now = this.#now();
    if (now >= this.#today.endMs || now < this.#today.startMs) this.#turnDay(now);
    const { row, series } =
      this.#hits
        .get(principal?.userId ?? '')
        ?.get(keyIdOf(principal))
        ?.get(model) ?? this.#addHitEntry(principal, model);
    row.requests += 1;
    row.cached += 1;
    row.tokens_saved += tokens;
    if (series === undefined) return;
    series.cached += 1;
    series.savedTokens += tokens;
  }

  finished(event: UsageEvent): void {
    const now = this.#now();
    if (now >= this.#today.endMs || now < this.#today.startMs) this.#turnDay(now);
    const { kind, server, error, outcome, language, cpuMs = 0 } = event;
    const model = error === 'model_not_found' ? OTHER : this.#names.rowName(event.model, hasResponse(event));
    const { row, series } = this.#entryOf(event.principal, model, server, language ?? '', outcome ?? '');
    row.errors += error === undefined ? 0 : 1;
    if (kind === 'code') {
      row.code_runs += 1;
      row.code_cpu_ms += cpuMs;
    } else if (event.goesOn !== true) {
      row.requests += 1;
      row.cached += event.cached ? 1 : 0;
      row.joined += event.joined ? 1 : 0;
    }
    row.prompt_tokens += event.promptTokens;
    row.completion_tokens += event.completionTokens;
    row.tokens_saved += event.savedTokens;
    row.generation_ms += event.generationMs;
    row.queue_ms += event.queueMs;
    series?.add(event);
  }

  /** Removes and returns all rows. Their times have fractions. */
  take(): UsageRow[] {
    const rows = Array.from(this.#entries.values(), ({ row }) => row);
    this.#entries = new Map();
    this.#hits = new Map();
    return rows;
  }

  /** Adds rows that were taken and could not be written. */
  putBack(rows: readonly UsageRow[]): void {
    for (const row of rows) {
      const { row: kept } = this.#entryAt(row);
      for (const figure of USAGE_FIGURES) kept[figure] += row[figure];
    }
  }

  /** Clocks may also be set back. */
  #turnDay(now: number): void {
    this.#today = calendarDay(now);
    this.#hits = new Map();
  }

  #addHitEntry(principal: Principal | undefined, model: string): Entry {
    const entry = this.#entryOf(principal, this.#names.rowName(model, true), '', '', '');
    // The entry of what does not fit belongs to no caller, and that of `OTHER` to no model.
    if (entry.row.model === OTHER) return entry;
    const ofUser = getOrAdd(this.#hits, principal?.userId ?? '', () => new Map<string, Map<string, Entry>>());
    getOrAdd(ofUser, keyIdOf(principal), () => new Map<string, Entry>()).set(model, entry);
    return entry;
  }

  #entryOf(principal: Principal | undefined, model: string, server: string, language: string, outcome: string): Entry {
    const key: UsageKey = {
      day: this.#today.day,
      user_id: principal?.userId ?? '',
      key_id: keyIdOf(principal),
      group_id: principal?.groupId ?? '',
      model,
      server,
      language,
      outcome,
    };
    const entry = this.#entryAt(key);
    if (language === '')
      entry.series ??= this.#series?.of(entry.row.model, entry.row.server, principal?.role ?? 'none');
    return entry;
  }

  /** The entry of a row, or of `OTHER` if no more rows fit. */
  #entryAt(key: UsageKey): Entry {
    const name = nameOf(key);
    const found = this.#entries.get(name);
    if (found !== undefined) return found;
    if (this.#entries.size >= this.#maxRows && !isOther(key)) {
      this.#onFull();
      return this.#entryAt(otherOf(key.day));
    }
    const entry: Entry = { row: { ...pickKey(key), ...NO_FIGURES }, series: undefined };
    this.#entries.set(name, entry);
    return entry;
  }
}

export const NO_FIGURES: UsageFigures = {
  requests: 0,
  cached: 0,
  joined: 0,
  prompt_tokens: 0,
  completion_tokens: 0,
  tokens_saved: 0,
  generation_ms: 0,
  queue_ms: 0,
  errors: 0,
  code_runs: 0,
  code_cpu_ms: 0,
};

/** Whether a model server has responded. Passed-on requests have no model unless one did. */
function hasResponse({ kind, promptTokens, completionTokens, savedTokens }: UsageEvent): boolean {
  return kind === 'passed' || promptTokens + completionTokens + savedTokens > 0;
}

function keyIdOf(principal: Principal | undefined): string {
  if (principal === undefined) return LOCAL_KEY;
  return principal.keyId ?? (principal.userId === undefined ? LOCAL_KEY : '');
}

function otherOf(day: number): UsageKey {
  return { day, user_id: '', key_id: OTHER, group_id: '', model: OTHER, server: '', language: '', outcome: '' };
}

function isOther({ key_id, model }: UsageKey): boolean {
  return key_id === OTHER && model === OTHER;
}

function nameOf({ day, user_id, key_id, group_id, model, server, language, outcome }: UsageKey): string {
  return `${day}\n${user_id}\n${key_id}\n${group_id}\n${model}\n${server}\n${language}\n${outcome}`;
}

function pickKey({ day, user_id, key_id, group_id, model, server, language, outcome }: UsageKey): UsageKey {
  return { day, user_id, key_id, group_id, model, server, language, outcome };
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const created = create();
  map.set(key, created);
  return created;
}
