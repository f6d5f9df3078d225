/** One row, written to find out whether the database takes writes again. */
export interface StoreProbeTable {
  id: number;
  at: number;
}
