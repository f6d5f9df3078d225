/**
 * Opens many different streams at once and measures each token at little cost: it reads raw sockets
 * and looks for the stamps of `paced-model-server.ts`. Prints one line of JSON, `StreamLoadResult`.
 * `node bench/peers/stream-load.ts <url> <model> <streams> <newcomers>`
 *
 * The streams start within a second. Then newcomers come one after another while the others flow,
 * and leave after their first token; without newcomers the first tokens are those of the streams.
 */
import { connect } from 'node:net';

export interface StreamLoadResult {
  tokens: number;
  /** Those of the newcomers, too. */
  allTokens: number;
  /** From the first token of all streams to the last. */
  seconds: number;
  failed: number;
  /** Microseconds between the model server's write and the arrival here, of all tokens. */
  delayP50Us: number;
  delayP99Us: number;
  /** Milliseconds from the request to the first token. */
  firstP50Ms: number;
  firstP99Ms: number;
}

/** `t` and 16 digits: microseconds since the epoch. A space follows. */
const STAMP_LENGTH = 17;
const SPACE = 32;

const [target = '', model = '', streamCount = '1', newcomerCount = '0'] = process.argv.slice(2);
const { hostname, port, pathname } = new URL(target);
const delays: number[] = [];
let firstAt = Number.POSITIVE_INFINITY;
let lastAt = 0;
let failed = 0;
let allTokens = 0;
let question = 0;

const now = () => performance.timeOrigin + performance.now();

/** Resolves with the milliseconds to the first token; then, or at the end of the stream. */
function stream(untilFirst: boolean): Promise<number> {
  return new Promise((resolve) => {
    const body = JSON.stringify({
      model,
      stream: true,
      messages: [{ role: 'user', content: `question ${process.pid} ${question++}` }],
    });
    const started = now();
    let first = Number.NaN;
    let isWhole = false;
    const socket = connect(Number(port), hostname, () =>
      socket.write(
        `POST ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
      ),
    );
    socket.setEncoding('latin1').setNoDelay(true);
    let rest = '';
    socket.on('data', (chunk: string) => {
      const at = now();
      const text = rest + chunk;
      let end = 0;
      for (let from = text.indexOf('t1'); from !== -1; from = text.indexOf('t1', from + 2)) {
        if (text.charCodeAt(from + STAMP_LENGTH) !== SPACE) continue;
        end = from + STAMP_LENGTH;
        allTokens += 1;
        if (Number.isNaN(first)) first = at - started;
        if (!untilFirst) delays.push(at * 1000 - Number(text.slice(from + 1, end)));
        firstAt = Math.min(firstAt, at);
        lastAt = at;
      }
      // A token or the mark of the end may go on in the next chunk.
      rest = text.slice(Math.max(end, text.length - STAMP_LENGTH));
      if (text.includes('"done":true') || text.includes('[DONE]')) isWhole = true;
      if (untilFirst && !Number.isNaN(first)) {
        isWhole = true;
        socket.destroy();
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      if (!isWhole) failed += 1;
      resolve(first);
    });
  });
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const running: Promise<number>[] = [];
const count = Number(streamCount);
for (let index = 0; index < count; index++) {
  running.push(stream(false));
  if (index % Math.max(1, Math.round(count / 50)) === 0) await wait(20);
}
let isFlowing = true;
const whole = Promise.all(running).finally(() => {
  isFlowing = false;
});
const newcomers: number[] = [];
// One who comes after the others have ended meets no flow.
while (newcomers.length < Number(newcomerCount) && isFlowing) {
  newcomers.push(await stream(true));
  await wait(5);
}
const starts = await whole;
const firsts = (newcomers.length > 0 ? newcomers : starts).filter((ms) => !Number.isNaN(ms));

const at = (values: number[], share: number) => values.sort((a, b) => a - b)[Math.floor(values.length * share)] ?? 0;
const result: StreamLoadResult = {
  tokens: delays.length,
  allTokens,
  seconds: (lastAt - firstAt) / 1000,
  failed,
  delayP50Us: at(delays, 0.5),
  delayP99Us: at(delays, 0.99),
  firstP50Ms: at(firsts, 0.5),
  firstP99Ms: at(firsts, 0.99),
};
console.log(JSON.stringify(result));
process.exit(0);
