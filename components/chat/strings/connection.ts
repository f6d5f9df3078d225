/** What people read when a response could not be followed. */
export const CONNECTION_STRINGS = {
  interrupted: 'The answer was interrupted and can’t be resumed. Regenerate it.',
  unreadable: 'Unexpected response. Reload the page.',
} as const;
