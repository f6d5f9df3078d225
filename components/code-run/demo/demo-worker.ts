import { ApiError, UNREACHABLE } from '#lib/browser/api-client';
import { DEMO_ENGINES, type DemoEngine } from './engines.ts';
import { type DemoMessage, type DemoProgram, readDemoMessage } from './protocol.ts';

export interface DemoWorker {
  /** Resolves when the engine has started. Rejects with `ApiError`. */
  ready: Promise<void>;
  /** Runs a program, once. `onMessage` receives its messages up to `end`. */
  run(program: DemoProgram, onMessage: (message: DemoMessage) => void): void;
  /** Terminates the worker at any time. */
  end(): void;
}

const FRAME = '/demo/frame.html';
const ENGINES = '/demo/engine/';

/**
 * Starts a worker in a frame with an opaque origin: no cookies, no storage, no access to this
 * page, and a content security policy without network (`next.config.mjs`). The page fetches the
 * engine and posts it to the frame.
 */
export function openDemoWorker(engine: DemoEngine): DemoWorker {
  const frame = document.createElement('iframe');
  const channel = new MessageChannel();
  /** Messages of the frame itself, if the worker cannot start. */
  const errors = new MessageChannel();
  let listener: ((message: DemoMessage) => void) | undefined;
  const started = Promise.withResolvers<void>();
  // The worker may be terminated before `ready` has a listener.
  started.promise.catch(() => undefined);
  const onMessage = ({ data }: MessageEvent<unknown>) => {
    const message = readDemoMessage(data);
    if (message === undefined) return;
    if (message.type === 'ready') started.resolve();
    else if (message.type === 'broken') started.reject(broken(engine, message.message));
    listener?.(message);
  };
  channel.port1.onmessage = onMessage;
  errors.port1.onmessage = onMessage;
  frame.sandbox.add('allow-scripts');
  frame.hidden = true;
  frame.title = 'Where demo mode runs programs';
  const loaded = new Promise<void>((resolve) => {
    frame.onload = () => resolve();
  });
  frame.src = FRAME;
  document.body.append(frame);
  deliver(frame, loaded, engine, [channel.port2, errors.port2]).catch((error: unknown) => started.reject(error));
  return {
    ready: started.promise,
    run(program, onMessage) {
      listener = onMessage;
      channel.port1.postMessage(program);
    },
    end() {
      listener = undefined;
      channel.port1.close();
      errors.port1.close();
      frame.remove();
    },
  };
}

async function deliver(
  frame: HTMLIFrameElement,
  loaded: Promise<void>,
  engine: DemoEngine,
  ports: readonly MessagePort[],
): Promise<void> {
  const { script, assets } = DEMO_ENGINES[engine];
  const [code, ...parts] = await Promise.all([script, ...assets].map(fetchAsset));
  await loaded;
  const entries = assets.map((name, index) => [name, parts[index]] as const);
  const data = { script: new TextDecoder().decode(code), assets: Object.fromEntries(entries) };
  // An opaque origin cannot be named as target. The frame is ours and cannot navigate elsewhere.
  frame.contentWindow?.postMessage(data, '*', [...ports, ...parts]);
}

async function fetchAsset(name: string): Promise<ArrayBuffer> {
  const response = await fetch(ENGINES + name).catch(() => undefined);
  if (response?.ok === true) return await response.arrayBuffer();
  throw new ApiError(
    'What demo mode needs could not be loaded. Check the connection, then run the program again.',
    response?.status ?? 0,
    UNREACHABLE,
  );
}

function broken(engine: DemoEngine, reason: string): ApiError {
  return new ApiError(
    `${DEMO_ENGINES[engine].name} could not be started in this browser (${reason}). A newer browser may help.`,
    0,
    'demo_unavailable',
  );
}
