const DATE = String.raw`\d{4}[-/.]\d\d[-/.]\d\d|\d\d[/.](?:\d\d|[A-Z][a-z]{2})[/.]\d{4}|[A-Z][a-z]{2} \d{1,2}(?= \d\d:)`;
const TIME = String.raw`\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?(?:Z\b|[+-]\d\d:?\d\d\b))?`;
const LEVEL = String.raw`(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL)\b`;
const PREFIX = new RegExp(String.raw`^[[(<]?(?:(?:${DATE})(?:[T: ]${TIME})?|${TIME}|${LEVEL})[\])>]?[:,]?(?: +|$)`);

/**
 * A line without the dates, times and levels that a log puts in front of it, bare or in brackets.
 */
export function withoutLogPrefix(line: string): string {
  let rest = line;
  for (let stripped = line.replace(PREFIX, ''); stripped !== rest; stripped = stripped.replace(PREFIX, ''))
    rest = stripped;
  return rest;
}
