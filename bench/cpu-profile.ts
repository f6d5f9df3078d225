/** Where a profile of V8 (the Chrome DevTools Protocol's `Profiler.Profile`) spent its time. */
import { z } from 'zod';

export const cpuProfileSchema = z.object({
  nodes: z.array(
    z.object({
      id: z.number(),
      callFrame: z.object({ functionName: z.string(), url: z.string(), lineNumber: z.number() }),
    }),
  ),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
});

export type CpuProfile = z.infer<typeof cpuProfileSchema>;

export interface Share {
  name: string;
  /** Self time, in microseconds. */
  us: number;
}

export interface ProfileSummary {
  /** Microseconds in which the thread was not idle. */
  busyUs: number;
  /** By folder of ours, package, or part of Node and V8; most first. */
  places: Share[];
  /** Single functions, most first. */
  functions: Share[];
}

/** `root`: the project's directory, which names of files are given within. */
export function summarize({ nodes, samples, timeDeltas }: CpuProfile, root: string): ProfileSummary {
  const self = new Map<number, number>();
  for (const [index, id] of samples.entries()) self.set(id, (self.get(id) ?? 0) + (timeDeltas[index] ?? 0));
  const places = new Map<string, number>();
  const functions = new Map<string, number>();
  let busyUs = 0;
  for (const { id, callFrame } of nodes) {
    const us = self.get(id) ?? 0;
    const { functionName, url, lineNumber } = callFrame;
    if (us === 0 || functionName === '(idle)') continue;
    busyUs += us;
    const file = fileOf(url, root);
    add(places, placeOf(functionName, file), us);
    add(functions, file === '' ? functionName : `${functionName || 'anonymous'} ${file}:${lineNumber + 1}`, us);
  }
  return { busyUs, places: mostFirst(places), functions: mostFirst(functions) };
}

function fileOf(url: string, root: string): string {
  const path = url.replace(/^file:\/\//, '');
  return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : path;
}

const PARTS_OF_V8: Readonly<Record<string, string>> = {
  '(garbage collector)': 'garbage collection',
  '(program)': 'outside of JavaScript: system calls, libuv, the HTTP parser',
};

function placeOf(functionName: string, file: string): string {
  if (file === '') return PARTS_OF_V8[functionName] ?? 'built into V8 and Node';
  if (file.startsWith('node:')) return file.startsWith('node:internal/') ? 'node: internal' : file;
  const installed = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1];
  if (installed !== undefined) return installed;
  return file.split('/').slice(0, 2).join('/');
}

function add(sums: Map<string, number>, name: string, us: number): void {
  sums.set(name, (sums.get(name) ?? 0) + us);
}

function mostFirst(sums: ReadonlyMap<string, number>): Share[] {
  return [...sums].map(([name, us]) => ({ name, us })).sort((a, b) => b.us - a.us);
}
