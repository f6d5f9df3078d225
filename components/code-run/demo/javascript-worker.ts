import { newJavascriptEngine } from './javascript-engine.ts';
import { JavascriptProgram } from './javascript-program.ts';
import { startWorker } from './start-worker.ts';
import { WorkerOutput } from './worker-output.ts';

/** Runs one JavaScript or TypeScript program in QuickJS on WebAssembly. */
startWorker(async (assets, send) => {
  const wasm = assets['quickjs.wasm'];
  const prelude = new TextDecoder().decode(assets['prelude.js']);
  if (wasm === undefined) throw new Error('quickjs.wasm is missing');
  const engine = await newJavascriptEngine(wasm);
  return async (program) => {
    const output = new WorkerOutput(send);
    const encoder = new TextEncoder();
    const running = new JavascriptProgram(engine, program, prelude, (stream, text) =>
      output.write(stream, encoder.encode(text)),
    );
    const { status, exitCode } = await running.run();
    output.end({ type: 'end', status, exitCode });
  };
});
