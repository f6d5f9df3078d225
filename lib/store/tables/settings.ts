/** Settings that were changed at run time. A setting without a row has its default. */
export interface SettingsTable {
  name: string;
  /** JSON. */
  value: string;
  updated_at: number;
  /** `Principal.caller` of who changed it. */
  updated_by: string;
}
