/** The shared components show these. */
export const UI_STRINGS = {
  close: 'Close',
  cancel: 'Cancel',
  dismiss: 'Dismiss',
  notifications: 'Notifications',
  loadFailed: 'Could not load this.',
  reload: 'Reload',
  operatorDetails: 'Details for operators',
  copyReference: 'Copy reference',
} as const;

/** The dashboard and the gateway's page share these. */
export const STATS_STRINGS = {
  range: 'Time range',
  ranges: { '5m': '5 min', '1h': '1 h', '24h': '24 h' },
  live: 'Live',
  updated: (age: string) => `Updated ${age} ago`,
  staleNote: 'Showing the last known data.',
  notResponding: 'The server is not responding.',
  retry: 'Retry',
  signIn: 'Sign in',
  p50: 'p50',
  p95: 'p95',
  noValue: '–',
  time: 'Time',
  chartTable: (title: string) => `${title}, values over time`,
  dataTable: (title: string) => `${title}, as a table`,
  nameColumn: 'Name',
} as const;
