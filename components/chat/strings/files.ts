import { formatBytes } from '#lib/browser/format';

/** These say why a file cannot be attached. They are loaded with the first file. */
export const FILE_STRINGS = {
  unreadableFile: (name: string) => `${name} can’t be read. Choose it again.`,
  notText: (name: string) => `${name} can’t be attached: it is neither text nor an image.`,
  fileTooLarge: (name: string, bytes: number, limit: number) =>
    `${name} is too large (${formatBytes(bytes)}; the limit is ${formatBytes(limit)}).`,
  unreadableImage: (name: string) => `${name} can’t be read. PNG, JPEG, WebP and GIF images can be attached.`,
  noCanvas: 'This browser can’t draw images. Close other tabs, then try again.',
  wrongImageType: (type: string) => `This browser writes images as ${type}, which models don’t accept.`,
} as const;
