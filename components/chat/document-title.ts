import { HISTORY_STRINGS as S } from './strings/history.ts';

/**
 * The document's title. Next writes a page's title. This module replaces it by the title of the
 * conversation that is shown, and puts marks in front of it.
 */

const RUNNING = '● ';
const READY = '✓ ';

interface TitleParts {
  /** The conversation that is shown. */
  conversation: string | undefined;
  /** Whether its response is running. */
  isRunning: boolean;
  /** Whether a response ended while the tab was hidden. */
  isReady: boolean;
}

let parts: TitleParts = { conversation: undefined, isRunning: false, isReady: false };
let pageTitle = '';
let written: string | undefined;
let observer: MutationObserver | undefined;

/** `● Fix the flaky login test · Chill Space`. `page` is the page's own title. */
export function titleOf({ conversation, isRunning, isReady }: TitleParts, page: string): string {
  const base = conversation === undefined ? page : `${conversation} · ${S.appName}`;
  return `${isRunning ? RUNNING : isReady ? READY : ''}${base}`;
}

export function setTitleParts(change: Partial<TitleParts>): void {
  parts = { ...parts, ...change };
  draw();
}

function draw(): void {
  // Next may have written the title of another page since.
  if (document.title !== written) pageTitle = document.title;
  written = titleOf(parts, pageTitle);
  if (document.title !== written) document.title = written;
  if (observer !== undefined) return;
  observer = new MutationObserver(() => {
    if (document.title !== written) draw();
  });
  observer.observe(document.head, { childList: true, characterData: true, subtree: true });
}
