/** Who changed what. Rows are added, and deleted by their age alone (`AUDIT_RETENTION_DAYS`). */
export interface AuditLogTable {
  /** Ascends with time, so that pages follow it. */
  id: string;
  at: number;
  /** `Principal.caller` of who did it. */
  actor: string;
  /** Their name or e-mail at that time. */
  actor_name: string | null;
  /** `user.disable`, `setting.change`: the kind of the target, a dot, a verb. */
  action: string;
  /** Id of what was changed. */
  target: string | null;
  /** JSON: what it was and what it became. Never a secret. */
  detail: string | null;
  address: string | null;
  request_id: string | null;
}
