/**
 * A process that works on a line and only says so: `node line-worker.ts <port> <slots> <hold ms>`.
 * It writes a line for each run that it takes.
 */
import { joinLine } from './shared-line.ts';

const [port = 0, slots = 1, holdMs = 0] = process.argv.slice(2).map(Number);
const { line } = await joinLine(
  port,
  `worker ${process.pid}`,
  async ({ run, stalled }) => {
    process.stdout.write(`${JSON.stringify({ run, stalled, at: performance.timeOrigin + performance.now() })}\n`);
    await new Promise((resolve) => setTimeout(resolve, holdMs));
    return 'ended';
  },
  { slots },
);
await line.start();
process.stdout.write('{"ready":true}\n');
