/** Limits that were set at run time, of one scope each. */
export interface LimitsTable {
  /** `default`, `group`, `user` or `key`. */
  scope: string;
  /** Id of the group, user or key; empty for `default`. */
  scope_id: string;
  /** JSON: each limit by its name on the wire, with its kind. */
  limits: string;
  updated_at: number;
}

/** What was used of the limits of days and months. */
export interface LimitCountersTable {
  /** `2026-11-29` or `2026-11`, in the time zone of the server. */
  period: string;
  /** Name of the person, key or address that is counted. */
  subject: string;
  /** Name of the limit on the wire. */
  name: string;
  /** Tokens, or milliseconds of CPU. */
  used: number;
  /** End of the period: rows are deleted a while after it. */
  ends_at: number;
}
