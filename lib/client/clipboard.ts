/** For how long a button says what came of it. */
export const COPIED_MS = 1_600;
export const COPY_WORDS = { copied: 'Copied', failed: 'Copying is not allowed here' } as const;

/** Rejects where the page has no clipboard: it is only there over https and on this machine. */
export function copyText(text: string): Promise<void> {
  return navigator.clipboard === undefined
    ? Promise.reject(new Error('no clipboard'))
    : navigator.clipboard.writeText(text);
}
