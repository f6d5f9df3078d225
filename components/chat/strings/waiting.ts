/** Messages that are sent later show these. They are loaded after the first view. */
export const WAITING_STRINGS = {
  waiting: 'Waiting messages',
  waitsForResponse: 'Sends when this answer is done',
  waitsForNetwork: 'Sends when you’re back online',
  waitsForYou: 'Not sent yet',
  sendNow: 'Send now',
  edit: 'Edit',
  remove: 'Remove',
  editMessage: 'Edit the waiting message',
  editWaiting: (text: string) => `Edit “${text}”`,
  removeWaiting: (text: string) => `Remove “${text}”`,
  save: 'Save',
  removed: 'Message removed',
  undo: 'Undo',
  attachments: (count: number) => `${count} ${count === 1 ? 'attachment' : 'attachments'}`,
} as const;
