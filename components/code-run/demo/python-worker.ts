import { loadPyodide } from 'pyodide';
import createPyodideModule from 'pyodide/pyodide.asm.mjs';
import type { DemoProgram } from './protocol.ts';
import { type EngineAssets, type SendToPage, startWorker } from './start-worker.ts';
import { WorkerOutput } from './worker-output.ts';

/** Runs one program in CPython on WebAssembly. */

const HOME = '/home/pyodide';
/** Never contacted: everything was posted to the worker. */
const BASE = 'https://demo.invalid/';

/** Like the runner's harness: it does not appear in tracebacks. */
const HARNESS = `
import sys

def run(name):
    import linecache, os, types
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, write_through=True)
    main = types.ModuleType("__main__")
    main.__file__ = os.path.join(os.getcwd(), name)
    sys.modules["__main__"] = main
    with open(name, encoding="utf-8") as file:
        source = file.read()
    try:
        exec(compile(source, name, "exec"), main.__dict__)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return (end.code or 0) & 255
        print(end.code, file=sys.stderr)
        return 1
    except MemoryError:
        return -1
    except BaseException as error:
        trace = error.__traceback__.tb_next
        sys.__excepthook__(type(error), error.with_traceback(trace), trace)
        return 1
    return 0

run
`;

startWorker(async (assets: EngineAssets, send: SendToPage) => {
  const fetchOutside = globalThis.fetch;
  globalThis.fetch = async (input) => {
    const name = String(input instanceof Request ? input.url : input).slice(BASE.length);
    const type = name.endsWith('.wasm') ? 'application/wasm' : 'application/octet-stream';
    return new Response(assets[name] ?? null, { headers: { 'content-type': type } });
  };
  const lock = new TextDecoder().decode(assets['pyodide-lock.json']);
  const pyodide = await loadPyodide({
    createPyodideModule,
    indexURL: BASE,
    // No packages: they would come from another host.
    lockFileContents: JSON.stringify({ ...JSON.parse(lock), packages: {} }),
    env: { HOME, PYTHONINSPECT: '', PYTHONDONTWRITEBYTECODE: '1' },
  });
  globalThis.fetch = fetchOutside;

  return async ({ files, stdin, args }: DemoProgram) => {
    const output = new WorkerOutput(send);
    const input = new TextEncoder().encode(stdin);
    let read = 0;
    pyodide.setStdin({
      isatty: false,
      read: (buffer: Uint8Array) => {
        const part = input.subarray(read, read + buffer.length);
        buffer.set(part);
        read += part.length;
        return part.length;
      },
    });
    for (const [stream, set] of [
      ['stdout', pyodide.setStdout],
      ['stderr', pyodide.setStderr],
    ] as const)
      set({
        isatty: false,
        write: (buffer: Uint8Array) => {
          output.write(stream, buffer);
          return buffer.length;
        },
      });
    for (const { name, content } of files) {
      const folder = name.split('/').slice(0, -1).join('/');
      if (folder !== '') pyodide.FS.mkdirTree(`${HOME}/${folder}`);
      pyodide.FS.writeFile(`${HOME}/${name}`, content);
    }
    const main = files[0]?.name ?? 'main.py';
    pyodide.runPython('import sys; sys.argv[:] = list(words)', {
      locals: pyodide.toPy({ words: [main, ...args] }),
    });
    const exitCode: unknown = pyodide.runPython(HARNESS)(main);
    if (exitCode === -1) output.end({ type: 'end', status: 'memory_limit', exitCode: -1 });
    else {
      const code = typeof exitCode === 'number' ? exitCode : 1;
      output.end({ type: 'end', status: code === 0 ? 'success' : 'runtime_error', exitCode: code });
    }
  };
});
