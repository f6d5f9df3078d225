import { createServer } from 'node:net';

/**
 * Below those that Linux gives to connections and to servers without a port, from 32768 on: one
 * of these would be taken by another test before the program that it was found for listens.
 */
const FIRST_PORT = 10_000;
/** Of each process that runs tests. Vitest counts them from 1, Playwright from 0. */
const PORTS_EACH = 1_000;
const { VITEST_POOL_ID, TEST_PARALLEL_INDEX } = process.env;
const block = TEST_PARALLEL_INDEX === undefined ? Number(VITEST_POOL_ID ?? 0) : 5 + Number(TEST_PARALLEL_INDEX);
const firstOfBlock = FIRST_PORT + (block % 10) * PORTS_EACH;
let next = Math.floor(Math.random() * PORTS_EACH);

/** A port of loopback that nothing listens on, and that no other test is given. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < PORTS_EACH; tried++) {
    const port = firstOfBlock + next;
    next = (next + 1) % PORTS_EACH;
    if (await isFree(port)) return port;
  }
  throw new Error(`all ports from ${firstOfBlock} on are taken`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
