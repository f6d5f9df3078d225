/**
 * Progress of a long step with the elapsed time: one line that is rewritten on a terminal, and
 * elsewhere a line now and then.
 */
const TERMINAL_MS = 1_000;
const LOG_MS = 15_000;

/**
 * Begins to report `title` on `out`. `note(text)` is shown behind the time, `line(text)` stands on
 * a line by itself, and `end(text)` closes the report.
 *
 * @param {string} title
 * @param {{ isTTY?: boolean, columns?: number, write: (text: string) => unknown }} [out]
 * @param {() => number} [now] milliseconds
 * @returns {{ note: (text: string) => void, line: (text: string) => void,
 *   end: (text: string) => void }}
 */
export function progress(title, out = process.stderr, now = () => performance.now()) {
  const began = now();
  const rewrites = out.isTTY === true;
  let detail = '';
  const seconds = () => Math.round((now() - began) / 1000);
  const show = () => {
    const text = `${title} ${seconds()} s${detail === '' ? '' : `, ${detail}`}`;
    out.write(
      rewrites
        ? `\r\x1b[2K${text.slice(0, (out.columns ?? 80) - 1)}`
        : `  ${seconds()} s${detail === '' ? '' : `, ${detail}`}\n`,
    );
  };
  if (rewrites) show();
  else out.write(`${title}\n`);
  const timer = setInterval(show, rewrites ? TERMINAL_MS : LOG_MS);
  timer.unref();
  return {
    note: (text) => {
      detail = text;
    },
    line: (text) => {
      out.write(rewrites ? `\r\x1b[2K${text}\n` : `${text}\n`);
      if (rewrites) show();
    },
    end: (text) => {
      clearInterval(timer);
      out.write(rewrites ? `\r\x1b[2K${title} ${text} after ${seconds()} s\n` : `  ${text} after ${seconds()} s\n`);
    },
  };
}
