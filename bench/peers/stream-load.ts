/**
 * Opens many different streams at once and measures each token at little cost: it reads raw sockets
 * and looks for the stamps of `paced-model-server.ts`. Prints one line of JSON, `StreamLoadResult`.
 * `node bench/peers/stream-load.ts <url> <model> <streams> <newcomers>`
 *
 * The streams start within a second. Then newcomers come one after another while the others flow.
 */
import { connect } from 'node:net';

export interface StreamLoadResult {
  tokens: number;
  /** From the first token of all streams to the last. */
  seconds: number;
  failed: number;
  /** Microseconds between the model server's write and the arrival here, of all tokens. */
  delayP50Us: number;
  delayP99Us: number;
  /** Milliseconds from the request to the first token, of the newcomers. */
  firstP50Ms: number;
  firstP99Ms: number;
}

const [target = '', model = '', streamCount = '1', newcomerCount = '0'] = process.argv.slice(2);
const { hostname, port, pathname } = new URL(target);
const delays: number[] = [];
let firstAt = Number.POSITIVE_INFINITY;
let lastAt = 0;
let failed = 0;
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
    socket.on('data', (text: string) => {
      const at = now();
      for (let from = text.indexOf('"t1'); from !== -1; from = text.indexOf('"t1', from + 3)) {
        const stamp = Number.parseInt(text.slice(from + 2, from + 18), 10);
        if (Number.isNaN(first)) first = at - started;
        if (!untilFirst) delays.push(at * 1000 - stamp);
        firstAt = Math.min(firstAt, at);
        lastAt = at;
      }
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
const firsts: number[] = [];
for (let index = 0; index < Number(newcomerCount); index++) {
  firsts.push(await stream(true));
  await wait(5);
}
await Promise.all(running);

const at = (values: number[], share: number) => values.sort((a, b) => a - b)[Math.floor(values.length * share)] ?? 0;
const result: StreamLoadResult = {
  tokens: delays.length,
  seconds: (lastAt - firstAt) / 1000,
  failed,
  delayP50Us: at(delays, 0.5),
  delayP99Us: at(delays, 0.99),
  firstP50Ms: at(firsts, 0.5),
  firstP99Ms: at(firsts, 0.99),
};
console.log(JSON.stringify(result));
process.exit(0);
