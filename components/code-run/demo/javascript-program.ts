import type { QuickJSContext, QuickJSHandle, QuickJSRuntime, QuickJSWASMModule } from 'quickjs-emscripten-core';
import { javascriptOf, looksLikeModule, resolveModule } from './module-source.ts';
import type { DemoProgram, DemoStatus } from './protocol.ts';

export interface ProgramEnd {
  status: DemoStatus;
  exitCode: number;
}

type Write = (stream: 'stdout' | 'stderr', text: string) => void;

/** One program in one engine: modules, event loop, exit. Its only way out is `write`. */
export class JavascriptProgram {
  readonly #program: DemoProgram;
  readonly #write: Write;
  readonly #runtime: QuickJSRuntime;
  readonly #context: QuickJSContext;
  readonly #names: readonly string[];
  readonly #loop: QuickJSHandle;
  #exit: number | undefined;

  constructor(engine: QuickJSWASMModule, program: DemoProgram, prelude: string, write: Write) {
    this.#program = program;
    this.#names = program.files.map(({ name }) => name);
    this.#write = (stream, text) => {
      if (this.#exit === undefined) write(stream, text);
    };
    this.#runtime = engine.newRuntime();
    this.#runtime.setInterruptHandler(() => this.#exit !== undefined);
    this.#runtime.setModuleLoader(
      (name) => this.#moduleSource(name),
      (from, request) => (request.startsWith('.') ? (resolveModule(request, from, this.#names) ?? request) : request),
    );
    this.#context = this.#runtime.newContext();
    this.#loop = this.#installPrelude(prelude);
  }

  /** Resolves when the event loop is empty. The page terminates a program that never ends. */
  async run(): Promise<ProgramEnd> {
    const main = this.#program.files[0] ?? { name: 'main.js', content: '' };
    try {
      const code = javascriptOf(main);
      const result = this.#evaluate(code, main.name);
      await this.#runEvents();
      const state = this.#context.getPromiseState(result);
      if (state.type === 'rejected') throw new ProgramError(state.error);
      if (state.type === 'pending') return { status: 'runtime_error', exitCode: PENDING_EXIT };
      const exitCode = this.#exit ?? this.#context.getNumber(this.#callLoop('exitCode'));
      return { status: exitCode === 0 ? 'success' : 'runtime_error', exitCode };
    } catch (error) {
      return this.#failure(error);
    }
  }

  #evaluate(code: string, name: string): QuickJSHandle {
    const asModule = looksLikeModule(code);
    const first = this.#context.evalCode(code, name, { type: asModule ? 'module' : 'global' });
    if (first.error === undefined) return first.value;
    // Top-level `await` is valid in modules only.
    if (!asModule && this.#isSyntaxError(first.error)) {
      const second = this.#context.evalCode(code, name, { type: 'module' });
      if (second.error === undefined) return second.value;
      throw new ProgramError(/\bawait\b/.test(code) ? second.error : first.error);
    }
    throw new ProgramError(first.error);
  }

  async #runEvents(): Promise<void> {
    for (;;) {
      const jobs = this.#runtime.executePendingJobs();
      if (jobs.error !== undefined) throw new ProgramError(jobs.error);
      if (this.#exit !== undefined) return;
      const wait = this.#context.getNumber(this.#callLoop('untilNext'));
      if (wait < 0) return;
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      this.#callLoop('fire');
    }
  }

  #callLoop(name: string, ...values: QuickJSHandle[]): QuickJSHandle {
    const method = this.#context.getProp(this.#loop, name);
    const result = this.#context.callFunction(method, this.#loop, ...values);
    if (result.error !== undefined) throw new ProgramError(result.error);
    return result.value;
  }

  #failure(error: unknown): ProgramEnd {
    if (this.#exit !== undefined)
      return { status: this.#exit === 0 ? 'success' : 'runtime_error', exitCode: this.#exit };
    if (!(error instanceof ProgramError)) {
      this.#write('stderr', `${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}\n`);
      return { status: 'runtime_error', exitCode: 1 };
    }
    if (/out of memory/.test(String(this.#context.dump(this.#context.getProp(error.value, 'message')))))
      return { status: 'memory_limit', exitCode: -1 };
    this.#write('stderr', `${this.#context.getString(this.#callLoop('describe', error.value))}\n`);
    return { status: 'runtime_error', exitCode: 1 };
  }

  #isSyntaxError(error: QuickJSHandle): boolean {
    return this.#context.dump(this.#context.getProp(error, 'name')) === 'SyntaxError';
  }

  #moduleSource(name: string): string {
    const file = this.#program.files.find((other) => other.name === name);
    if (file !== undefined) return javascriptOf(file);
    if (name.startsWith('.')) throw new Error(`Cannot find module '${name}'`);
    const names: unknown = this.#context.dump(this.#callLoop('names', this.#context.newString(name)));
    const known = Array.isArray(names) ? names.join(', ') : '';
    return `const found = builtin(${JSON.stringify(name)});\nexport default found;\nexport const { ${known} } = found;\n`;
  }

  #installPrelude(prelude: string): QuickJSHandle {
    const context = this.#context;
    const host = context.newObject();
    const began = performance.now();
    const set = (name: string, value: QuickJSHandle) => context.setProp(host, name, value);
    const offer = (name: string, method: (...values: QuickJSHandle[]) => QuickJSHandle | undefined) =>
      set(
        name,
        context.newFunction(name, (...values) => method(...values) ?? context.undefined),
      );
    const text = (handle: QuickJSHandle | undefined) => (handle === undefined ? '' : context.getString(handle));
    const main = this.#names[0] ?? 'main.js';
    set('stdin', context.newString(this.#program.stdin));
    set('args', context.unwrapResult(context.evalCode(JSON.stringify([main, ...this.#program.args]))));
    offer('write', (stream, chunk) => {
      this.#write(text(stream) === 'stderr' ? 'stderr' : 'stdout', text(chunk));
      return undefined;
    });
    offer('now', () => context.newNumber(performance.now() - began));
    offer('exit', (code) => {
      this.#exit = (code === undefined ? 0 : context.getNumber(code)) & 255;
      throw new Error('The program has ended.');
    });
    offer('file', (name) => {
      const path = text(name).replace(/^\.\//, '');
      const file = this.#program.files.find((other) => other.name === path);
      return file === undefined ? undefined : context.newString(file.content);
    });
    offer('resolve', (name) => {
      const path = resolveModule(text(name), main, this.#names);
      if (path === undefined) throw new Error(`Cannot find module '${text(name)}'`);
      return context.newString(path);
    });
    offer('compile', (path) => {
      const file = this.#program.files.find((other) => other.name === text(path));
      if (file === undefined) return undefined;
      // Wrapped without a line break, so that line numbers stay right.
      const body = file.name.endsWith('.json') ? `module.exports = ${file.content}` : javascriptOf(file);
      return context.unwrapResult(context.evalCode(`(function (exports, require, module) {${body}\n})`, file.name));
    });
    const install = context.unwrapResult(context.evalCode(prelude, 'demo mode'));
    return context.unwrapResult(context.callFunction(install, context.undefined, host));
  }
}

/** Node's exit code for an unsettled top-level await. */
const PENDING_EXIT = 13;

/** A value that the program threw. */
class ProgramError extends Error {
  readonly value: QuickJSHandle;

  constructor(value: QuickJSHandle) {
    super('the program failed');
    this.value = value;
  }
}
