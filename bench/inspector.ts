/** A Node process with its inspector open, for profiles by the Chrome DevTools Protocol. */
import { z } from 'zod';
import { type CpuProfile, cpuProfileSchema } from './cpu-profile.ts';

const SAMPLING_US = 250;

const targetsSchema = z.array(z.object({ webSocketDebuggerUrl: z.string() })).min(1);
const replySchema = z.object({
  id: z.number(),
  result: z.unknown(),
  error: z.object({ message: z.string() }).optional(),
});

/** Takes a profile of the process whose inspector listens on `port` while `work` runs. */
export async function profiled<Result>(
  port: number,
  work: () => Promise<Result>,
): Promise<{ profile: CpuProfile; result: Result }> {
  const [target] = targetsSchema.parse(await (await fetch(`http://127.0.0.1:${port}/json`)).json());
  const socket = new WebSocket(target?.webSocketDebuggerUrl ?? '');
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', reject, { once: true });
  });
  let sent = 0;
  const call = (method: string, params: object = {}) =>
    new Promise<unknown>((resolve, reject) => {
      const id = ++sent;
      const receive = ({ data }: MessageEvent) => {
        const reply = replySchema.safeParse(JSON.parse(String(data)));
        if (!reply.success || reply.data.id !== id) return;
        socket.removeEventListener('message', receive);
        if (reply.data.error === undefined) resolve(reply.data.result);
        else reject(new Error(`${method}: ${reply.data.error.message}`));
      };
      socket.addEventListener('message', receive);
      socket.send(JSON.stringify({ id, method, params }));
    });
  await call('Profiler.enable');
  await call('Profiler.setSamplingInterval', { interval: SAMPLING_US });
  await call('Profiler.start');
  const result = await work();
  const stopped = z.object({ profile: cpuProfileSchema }).parse(await call('Profiler.stop'));
  socket.close();
  return { profile: stopped.profile, result };
}
