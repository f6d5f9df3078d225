import type { DemoMessage, DemoProgram } from './protocol.ts';

export type EngineAssets = Partial<Record<string, ArrayBuffer>>;
export type SendToPage = (message: DemoMessage) => void;

/**
 * The beginning of every demo worker: takes what the page hands in, starts the engine, says so, and runs the one program
 * that then comes.
 */
export function startWorker(
  load: (assets: EngineAssets, send: SendToPage) => Promise<(program: DemoProgram) => Promise<void>>,
): void {
  addEventListener(
    'message',
    ({ data, ports }: MessageEvent<EngineAssets>) => {
      const port = ports[0];
      if (port === undefined) return;
      const send: SendToPage = (message) => port.postMessage(message);
      const fail = (error: unknown) => send({ type: 'broken', message: String(error) });
      load(data, send).then((run) => {
        port.onmessage = ({ data: program }: MessageEvent<DemoProgram>) => void run(program).catch(fail);
        send({ type: 'ready' });
      }, fail);
    },
    { once: true },
  );
}
