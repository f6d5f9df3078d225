import { expect } from 'vitest';
import { INSTANCES } from './instances.ts';

interface KnownLimit {
  readonly name: string;
  readonly limit: number;
  readonly used: number;
}

/** Resolves when each server knows at least so much of a limit to be used. */
export async function untilUsed(url: string, name: string, used: number): Promise<void> {
  await expect
    .poll(async () => Math.min(...(await atEach(url, name)).map((one) => one?.used ?? 0)))
    .toBeGreaterThanOrEqual(used);
}

/** Resolves when each server has this limit. */
export async function untilSet(url: string, name: string, limit: number | undefined): Promise<void> {
  const limits = async () => (await atEach(url, name)).map((one) => one?.limit);
  await expect.poll(limits).toEqual(Array.from({ length: INSTANCES }, () => limit));
}

/** A limit of the caller, as each server knows it: requests go to one after the other. */
async function atEach(url: string, name: string): Promise<(KnownLimit | undefined)[]> {
  const all: (KnownLimit | undefined)[] = [];
  for (let server = 0; server < INSTANCES; server++) {
    const { limits } = await (await fetch(`${url}/api/me`)).json();
    all.push(limits.find((limit: KnownLimit) => limit.name === name));
  }
  return all;
}
