import type { DemoMessage, DemoProgram } from './protocol.ts';

export type EngineAssets = Partial<Record<string, ArrayBuffer>>;
export type SendToPage = (message: DemoMessage) => void;

/**
 * The entry of every demo worker: receives the assets, starts the engine, reports `ready`, and
 * runs one program.
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
