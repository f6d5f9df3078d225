/** What people read in menus, dialogs and messages about chats. Loaded with the first of them. */
export const CHAT_ACTION_STRINGS = {
  rename: 'Rename',
  renameChat: (title: string) => `Rename chat: ${title}`,
  openInNewTab: 'Open in new tab',
  copyLink: 'Copy link (this browser)',
  linkCopied: 'Link copied. It opens in this browser only.',
  linkNotCopied: 'This browser does not allow copying. Copy the address of the opened chat.',
  exportMarkdown: 'Export as Markdown',
  delete: 'Delete',
  deleted: (title: string) => `“${title}” deleted`,
  undo: 'Undo',
  undoFailed: 'The chat could not be restored.',

  exportAll: 'Export all chats',
  import: 'Import chats',
  imported: (count: number) => (count === 1 ? '1 chat imported' : `${count} chats imported`),
  notAnExport: 'Not a Chill Space export.',
  otherVersion: 'This export is from another version of Chill Space. Update, then import it again.',
  damaged: (number: number) => `Chat ${number} in this file is damaged. Nothing was imported.`,
  notReadable: 'The file could not be read.',
  exportFailed: 'The chats could not be exported.',
  deleteAll: 'Delete all chats',
  deleteAllTitle: 'Delete all chats?',
  deleteAllDescription: (count: number) =>
    `${count === 1 ? '1 chat is' : `${count} chats are`} removed from this browser. This can’t be undone.`,
  allDeleted: 'All chats deleted',

  questions: 'Questions in this chat',
  imageOnly: 'Images',

  you: 'You',
  response: 'Answer',
  responseOf: (model: string) => `Answer from ${model}`,

  notifyOffer: 'Your answer is queued. Get a notification when it’s ready?',
  notifyAction: 'Notify me',
  notifyDismiss: 'No thanks',
  notifyOn: 'Turn on notifications',
  notifyOff: 'Turn off notifications',
  notifyIsOn: 'You’ll be notified when a queued or long answer is ready.',
  notifyIsOff: 'Notifications are off.',
  notifyRefused: 'Notifications are blocked. Allow them in the browser’s site settings.',
  responseReady: 'Answer ready',
  responseFailed: 'Answer failed',

  groupChats: 'Chats',
} as const;
