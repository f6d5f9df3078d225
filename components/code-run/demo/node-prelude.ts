import { errorText, format, inspect } from './inspect.ts';
import type { PreludeHost, PreludeLoop } from './prelude-host.ts';
import { createTimers } from './timers.ts';

/**
 * Node's globals and modules for small programs: console, timers, process, readline. Runs inside
 * the engine and gives its host the event loop.
 */
export function install(host: PreludeHost): PreludeLoop {
  const timers = createTimers(host.now);
  const print =
    (stream: 'stdout' | 'stderr') =>
    (...values: unknown[]) =>
      host.write(stream, `${indent()}${format(values)}\n`);
  let depth = 0;
  const indent = () => '  '.repeat(depth);
  const counts = new Map<string, number>();
  const started = new Map<string, number>();
  const out = print('stdout');
  const err = print('stderr');
  const console = {
    log: out,
    info: out,
    debug: out,
    dir: (value: unknown) => out(inspect(value)),
    table: (value: unknown) => out(value),
    error: err,
    warn: err,
    trace: (...values: unknown[]) => err('Trace:', ...values),
    assert: (holds: unknown, ...values: unknown[]) => (holds ? undefined : err('Assertion failed', ...values)),
    group: (...values: unknown[]) => {
      if (values.length > 0) out(...values);
      depth += 1;
    },
    groupEnd: () => {
      depth = Math.max(0, depth - 1);
    },
    count: (label = 'default') => {
      counts.set(label, (counts.get(label) ?? 0) + 1);
      out(`${label}: ${counts.get(label)}`);
    },
    time: (label = 'default') => void started.set(label, host.now()),
    timeEnd: (label = 'default') => out(`${label}: ${(host.now() - (started.get(label) ?? host.now())).toFixed(3)}ms`),
  };

  const lines = () => {
    const all = host.stdin.split(/\r?\n/);
    if (all.at(-1) === '') all.pop();
    return all;
  };
  /**
   * An emitter whose events are known from the start, and are emitted shortly after the first
   * listener.
   */
  const emitter = (events: () => readonly (readonly [string, string?])[]) => {
    const listeners = new Map<string, ((value?: string) => void)[]>();
    let started = false;
    const on = (name: string, listener: (value?: string) => void) => {
      listeners.set(name, [...(listeners.get(name) ?? []), listener]);
      if (!started) timers.set(emit, 0, false);
      started = true;
      return self;
    };
    const emit = () => {
      for (const [name, value] of events()) for (const listener of listeners.get(name) ?? []) listener(value);
    };
    const self = { on, once: on, addListener: on };
    return self;
  };
  const stdinEvents = emitter(() => [
    ...(host.stdin === '' ? [] : [['data', host.stdin] as const]),
    ['end'],
    ['close'],
  ]);
  const stdin = Object.assign(stdinEvents, {
    isTTY: false,
    setEncoding: () => stdin,
    resume: () => stdin,
    async *[Symbol.asyncIterator]() {
      if (host.stdin !== '') yield host.stdin;
    },
  });
  const writer = (stream: 'stdout' | 'stderr') => ({
    isTTY: false,
    write: (text: unknown) => {
      host.write(stream, String(text));
      return true;
    },
  });
  const process = {
    argv: ['node', ...host.args],
    env: {},
    platform: 'linux',
    version: 'v24.0.0',
    stdin,
    stdout: writer('stdout'),
    stderr: writer('stderr'),
    exitCode: undefined as number | undefined,
    cwd: () => '/',
    exit: (code?: number) => host.exit(code ?? process.exitCode ?? 0),
    nextTick: (callback: (...values: unknown[]) => void, ...values: unknown[]) =>
      queueMicrotask(() => callback(...values)),
    hrtime: Object.assign(() => [Math.floor(host.now() / 1000), Math.floor((host.now() % 1000) * 1e6)], {
      bigint: () => BigInt(Math.round(host.now() * 1e6)),
    }),
    uptime: () => host.now() / 1000,
    memoryUsage: () => ({ heapUsed: 0 }),
    on: () => process,
  };

  const readFileSync = (file: unknown) => {
    const text = file === 0 || file === '/dev/stdin' ? host.stdin : host.file(String(file));
    if (text === undefined)
      throw Object.assign(new Error(`ENOENT: no such file or directory, open '${String(file)}'`), { code: 'ENOENT' });
    return text;
  };
  const createInterface = () => {
    const waiting = lines();
    const events = emitter(() => [...waiting.splice(0).map((line) => ['line', line] as const), ['close']]);
    return Object.assign(events, {
      close: () => undefined,
      question: (text: string, callback: (line: string) => void) => {
        host.write('stdout', text);
        const line = waiting.shift() ?? '';
        timers.set(() => callback(line), 0, false);
      },
      async *[Symbol.asyncIterator]() {
        yield* waiting.splice(0);
      },
    });
  };
  const modules: Record<string, object> = {
    fs: { readFileSync, existsSync: (file: unknown) => host.file(String(file)) !== undefined },
    'fs/promises': { readFile: async (file: unknown) => readFileSync(file) },
    readline: { createInterface },
    process,
    util: { inspect: (value: unknown) => inspect(value), format: (...values: unknown[]) => format(values) },
    'timers/promises': {
      setTimeout: (ms: number, value: unknown) => new Promise((resolve) => timers.set(() => resolve(value), ms, false)),
    },
  };

  const builtin = (name: string): object => {
    const found = modules[name.replace(/^node:/, '')];
    if (found === undefined)
      throw new Error(`Cannot find module '${name}': demo mode has ${Object.keys(modules).join(', ')}`);
    return found;
  };
  const loaded = new Map<string, { exports: unknown }>();
  const require = (name: string): unknown => {
    if (!name.startsWith('.')) return builtin(name);
    const path = host.resolve(name);
    const before = loaded.get(path);
    if (before !== undefined) return before.exports;
    const module: { exports: unknown } = { exports: {} };
    loaded.set(path, module);
    host.compile(path)(module.exports, require, module);
    return module.exports;
  };

  const module = { exports: {} };
  Object.assign(globalThis, {
    ...{ console, process, require, module, exports: module.exports, global: globalThis },
    builtin,
    performance: { now: host.now },
    structuredClone: (value: unknown) => JSON.parse(JSON.stringify(value)),
    setTimeout: (callback: () => void, ms?: number, ...values: []) =>
      timers.set(() => callback(...values), ms ?? 0, false),
    setInterval: (callback: () => void, ms?: number, ...values: []) =>
      timers.set(() => callback(...values), ms ?? 0, true),
    setImmediate: (callback: () => void, ...values: []) => timers.set(() => callback(...values), 0, false),
    clearTimeout: timers.clear,
    clearInterval: timers.clear,
    clearImmediate: timers.clear,
  });
  return {
    untilNext: timers.untilNext,
    fire: timers.fire,
    names: (name) => Object.keys(builtin(name)).filter((key) => /^[\w$]+$/.test(key)),
    describe: (error) =>
      error instanceof Error ? errorText(error) : `Uncaught ${typeof error === 'string' ? error : inspect(error)}`,
    exitCode: () => process.exitCode ?? 0,
  };
}
