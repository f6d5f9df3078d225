/** The id of the place above the entries that says that none is left. */
export const NO_MATCH_PLACE = 'no-match';
