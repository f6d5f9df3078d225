/** Several features share these. */
export const BROWSER_STRINGS = {
  copied: 'Copied',
  copyRefused: 'Copying is not allowed here',
  unexpectedStatus: (status: number) => `Unexpected response (status ${status}). Try again in a moment.`,
  unexpectedResponse: 'Unexpected response. Reload the page.',
  unreachable: 'The server can’t be reached. Check your connection, then try again.',
} as const;
