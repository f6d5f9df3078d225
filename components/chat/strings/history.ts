/**
 * The chat list, search and the frame of a chat show these, as part of the first view. What only a
 * menu, a dialog or a message shows is in `chat-actions.ts`.
 */
export const HISTORY_STRINGS = {
  appName: 'Chill Space',
  list: 'Chats',
  newChat: 'New chat',
  search: 'Search chats',
  searchPlaceholder: 'Search chats',
  clearSearch: 'Clear search',
  searching: 'Searching…',
  noMatch: (query: string) => `No chats match “${query}”`,
  empty: 'No chats yet. Chats are stored in this browser.',
  unsaved: 'This browser blocks storage. Chats are lost when you close the tab.',
  more: (title: string) => `More for ${title}`,
  running: 'Answering',
  unread: 'New answer',

  titleField: 'Chat title',
  copyLink: 'Copy link (this browser)',

  manage: 'Manage chats',
  importField: 'Chats to import',

  page: 'Chat',
  jumpToLatest: 'Jump to latest',

  missingTitle: 'Chat not found',
  missingText: 'It was deleted or belongs to another browser.',

  groupChat: 'This chat',
  stop: 'Stop',
  stopKey: 'Esc',
  regenerate: 'Regenerate',
  toggleList: 'Toggle chat list',
  settings: 'Chat settings',
  renameThis: 'Rename chat',
  exportThis: 'Export chat as Markdown',
  deleteThis: 'Delete chat',
} as const;
