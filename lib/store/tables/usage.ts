/**
 * Sums of usage. Texts that do not apply are empty, so that each combination is one row. Bounds of
 * what is kept: docs/decisions/0031-usage-tables.md.
 */
export interface UsageTable {
  /** A day of the calendar of `TZ`, 20261129; in `usage_months` the first of a month. */
  day: number;
  user_id: string;
  /** `local` for callers without a key and without an account. */
  key_id: string;
  /** Of the time of the request. */
  group_id: string;
  model: string;
  server: string;
  language: string;
  outcome: string;
  requests: number;
  cached: number;
  joined: number;
  prompt_tokens: number;
  completion_tokens: number;
  tokens_saved: number;
  generation_ms: number;
  queue_ms: number;
  errors: number;
  code_runs: number;
  code_cpu_ms: number;
}

/** Usage by day, and what reports read instead where they need less of it. */
export interface UsageTables {
  usage_days: UsageTable;
  usage_months: UsageTable;
  /** By day without model servers and outcomes. */
  usage_callers: UsageTable;
  /** By day without models and languages. */
  usage_servers: UsageTable;
  /** By day without users and keys. */
  usage_models: UsageTable;
}
