/** What people read before they sign out and delete what the browser keeps. */
export const SIGN_OUT_STRINGS = {
  title: 'Sign out and delete chats here?',
  description:
    'Deletes all chats, programs, presets, drafts and attachments kept in this browser. Nothing is deleted on the server. This can’t be undone.',
  action: 'Sign out and delete',
} as const;
