interface TextBlock {
  /** The index of its first character. */
  start: number;
  text: string;
  lines: number;
}

const BLOCK_LINES = 200;
/** Ends a block of few long lines, for example minified code. */
const BLOCK_CHARACTERS = 20_000;

/** Cuts a text into blocks of bounded size, between lines where it can. */
export function textBlocks(text: string): TextBlock[] {
  const blocks: TextBlock[] = [];
  for (let start = 0; start < text.length; ) {
    const most = Math.min(text.length, start + BLOCK_CHARACTERS);
    let end = start;
    let lines = 0;
    while (lines < BLOCK_LINES && end < most) {
      const next = text.indexOf('\n', end) + 1;
      if (next === 0 || next > most) break;
      end = next;
      lines += 1;
    }
    if (end === start) {
      end = most;
      lines = 1;
    }
    // The line break between two blocks is the boundary itself.
    const last = end - 1;
    blocks.push({ start, text: text.slice(start, text[last] === '\n' ? last : end), lines });
    start = end;
  }
  return blocks;
}
