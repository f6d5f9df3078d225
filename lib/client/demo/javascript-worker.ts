import { newJavascriptEngine } from '#lib/client/demo/javascript-engine';
import { JavascriptProgram } from '#lib/client/demo/javascript-program';
import { WorkerOutput } from '#lib/client/demo/worker-output';
import { startWorker } from '#lib/client/demo/worker-start';

/** QuickJS in WebAssembly: a program of JavaScript or TypeScript, then the worker is thrown away. */
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
