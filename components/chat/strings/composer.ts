import { formatBytes, formatCount } from '#lib/browser/format';

/** The composer shows these: its field, attachments, waiting messages, the empty chat. */
export const COMPOSER_STRINGS = {
  message: 'Message',
  placeholder: 'Ask anything',
  hint: 'Enter to send · Shift+Enter for a new line',
  hintWhileRunning: 'Enter to send when this answer is done',
  send: 'Send',
  sendLater: 'Send when this answer is done',
  stop: 'Stop the answer',
  dismiss: 'Dismiss',

  attach: 'Attach files',
  filesField: 'Files to attach',
  reading: 'Reading files',
  dropAll: 'Drop images or text files here',
  dropText: 'Drop text files here',
  noVision: (model: string) => `${model} can’t read images. Choose a vision model.`,
  imagesNotSent: (model: string) => `${model} can’t read images, so images in this chat are not sent.`,
  theModel: 'The model',

  images: 'Images',
  image: 'Image',
  showImage: (name: string) => `Show ${name}`,
  removeFile: (name: string) => `Remove ${name}`,
  files: 'Files',
  openFile: (name: string) => `Open ${name}`,
  fileSize: (lines: number, bytes: number) =>
    `${formatCount(lines)} ${lines === 1 ? 'line' : 'lines'} · ${formatBytes(bytes)}`,
  toText: 'Move into the message',
  copyFile: 'Copy',
  pastedText: 'Pasted text',
  anotherPastedText: (number: number) => `Pasted text ${number}`,

  tooManyImages: (most: number) => `You can attach up to ${most} images.`,
  tooManyFiles: (most: number) => `You can attach up to ${most} text files.`,
  notPasted: 'The text can’t be attached. Paste it again.',
  unreadableFile: (name: string) => `${name} can’t be read. Choose it again.`,
  moreNotAttached: (count: number) =>
    count === 1 ? '1 more file can’t be attached.' : `${count} more files can’t be attached.`,

  messageTooLong: (bytes: number, limit: number) =>
    `Your message is too long (${formatBytes(bytes)}; the limit is ${formatBytes(limit)}).`,
  chatTooLong: (bytes: number, limit: number) =>
    `This chat is too long with your message (${formatBytes(bytes)}; the limit is ${formatBytes(limit)}). Shorten the message, or send it in a new chat.`,
  imagesTooLarge: (bytes: number, limit: number) =>
    `The images in this chat are too large (${formatBytes(bytes)}; the limit is ${formatBytes(limit)}). Remove some, or send them in a new chat.`,

  notReady: 'This message can’t wait yet. Try again.',

  offline: 'You’re offline. Answers continue when you reconnect.',

  emptyTitle: 'What can I help with?',
  emptyText: 'Runs on your own model. Chats are stored in this browser.',
  prompts: [
    'Write a Python program that prints the first 20 prime numbers, and explain how it works.',
    'Compare a linked list and an array in a small table: access, insertion, memory.',
    'Explain to a curious teenager why the sky is blue and the sunset is red.',
  ],
} as const;
