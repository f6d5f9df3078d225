/** Name of the SQLite database in `DATA_DIR`. */
export const DATABASE_FILE = 'chill-space.db';
