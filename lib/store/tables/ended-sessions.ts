/** Sessions of `API_KEYS` that were signed out before they expired. */
export interface EndedSessionsTable {
  key_id: string;
  /** Empty for all sessions of the key that were issued before `ended_at`. */
  session_id: string;
  ended_at: number;
  expires_at: number;
}
