/** What people read in the shared components. */
export const UI_STRINGS = {
  close: 'Close',
  cancel: 'Cancel',
  notifications: 'Notifications',
} as const;
