import type { DemoMessage, DemoProgram } from '#lib/client/demo/protocol';

export type Assets = Partial<Record<string, ArrayBuffer>>;
export type Send = (message: DemoMessage) => void;

/**
 * The beginning of every demo worker: takes what the page hands in, starts the engine, says so, and runs the one program
 * that then comes.
 */
export function startWorker(
  load: (assets: Assets, send: Send) => Promise<(program: DemoProgram) => Promise<void>>,
): void {
  addEventListener(
    'message',
    ({ data, ports }: MessageEvent<Assets>) => {
      const port = ports[0];
      if (port === undefined) return;
      const send: Send = (message) => port.postMessage(message);
      const fail = (error: unknown) => send({ type: 'broken', message: String(error) });
      load(data, send).then((run) => {
        port.onmessage = ({ data: program }: MessageEvent<DemoProgram>) => void run(program).catch(fail);
        send({ type: 'ready' });
      }, fail);
    },
    { once: true },
  );
}
