/**
 * How deep arrays and objects of a caller's JSON may be nested. What reads JSON recursively has a
 * stack for that, and for more.
 */
export const MAX_JSON_DEPTH = 100;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** `[` and `{` differ in one bit, and so do `]` and `}`. */
const CASE_BIT = 0x20;
const OPENS = 0x7b;
const CLOSES = 0x7d;
/** Up to here a loop finds the end of a string sooner than a search does. */
const SHORT_STRING_BYTES = 32;

/**
 * Whether JSON, as UTF-8, is nested deeper than `limit`: to be asked before it is parsed. One pass
 * over the bytes, without recursion and allocation. Says nothing of bytes that are no JSON.
 */
export function isNestedTooDeep(bytes: Uint8Array, limit = MAX_JSON_DEPTH): boolean {
  const length = bytes.byteLength;
  // Each level takes a byte to open and one to close.
  if (length < 2 * (limit + 1)) return false;
  let depth = 0;
  for (let at = 0; at < length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) {
      at = stringEnd(bytes, at + 1);
      if (at === -1) return false;
      continue;
    }
    const bracket = byte | CASE_BIT;
    if (bracket === OPENS) {
      depth += 1;
      if (depth > limit) return true;
    } else if (bracket === CLOSES) depth -= 1;
  }
  return false;
}

/** Where the string that begins at `from` has its closing quote; −1 if it has none. */
function stringEnd(bytes: Uint8Array, from: number): number {
  const near = Math.min(bytes.byteLength, from + SHORT_STRING_BYTES);
  let at = from;
  for (; at < near; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) at += 1;
  }
  for (;;) {
    const quote = bytes.indexOf(QUOTE, at);
    if (quote === -1) return -1;
    let slash = quote;
    while (slash > at && bytes[slash - 1] === BACKSLASH) slash -= 1;
    if ((quote - slash) % 2 === 0) return quote;
    at = quote + 1;
  }
}
