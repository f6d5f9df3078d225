/** The name of a chat's settings. */
export const CONTEXT_STRINGS = {
  settings: 'Chat settings',
  customised: 'Chat settings (customised)',
} as const;
