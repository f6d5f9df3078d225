import { describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { Admission, nextIndex } from '#lib/runner/admission';

describe('nextIndex', () => {
  it('takes the caller with the fewest running, and the one that waited longest among equals', () => {
    expect(nextIndex([], new Map())).toBeUndefined();
    expect(nextIndex(['a', 'b'], new Map())).toBe(0);
    expect(nextIndex(['a', 'a', 'b'], new Map([['a', 1]]))).toBe(2);
    expect(
      nextIndex(
        ['a', 'b', 'c'],
        new Map([
          ['a', 2],
          ['b', 1],
          ['c', 1],
        ]),
      ),
    ).toBe(1);
  });
});

describe('Admission', () => {
  it('lets in as many as there are places, and the rest in turn', async () => {
    const admission = new Admission(2, 4);
    const first = await admission.enter('a');
    await admission.enter('a');
    const order: string[] = [];
    const waits = ['a', 'a', 'b'].map((caller) =>
      admission.enter(caller).then((leave) => {
        order.push(caller);
        return leave;
      }),
    );
    expect(admission.active).toBe(2);
    expect(admission.waiting).toBe(3);
    first();
    first();
    // The slot goes to b, who has none, though a waits longer. A second release has no effect.
    (await waits[2])?.();
    await waits[0];
    expect(order).toEqual(['b', 'a']);
    expect(admission.active).toBe(2);
    expect(admission.waiting).toBe(1);
  });

  it('displaces the newest run of the caller with most in a full queue', async () => {
    const admission = new Admission(1, 4);
    const leave = await admission.enter('a');
    const ends: string[] = [];
    const enter = (caller: string, name: string) =>
      admission.enter(caller).then(
        (free) => {
          ends.push(`${name} runs`);
          free();
        },
        (error: unknown) => {
          expect(error).toMatchObject({ code: 'runner_busy', retryAfterSeconds: 2 });
          ends.push(`${name} is refused`);
        },
      );
    const all = ['a1', 'a2', 'a3', 'a4'].map((name) => enter('a', name));
    await enter('a', 'a5');
    all.push(enter('b', 'b1'), enter('b', 'b2'));
    await enter('b', 'b3');
    all.push(enter('c', 'c1'), enter('d', 'd1'));
    await enter('e', 'e1');
    const refused = ['a5', 'a4', 'a3', 'b3', 'a2', 'b2', 'e1'];
    expect(ends).toEqual(refused.map((name) => `${name} is refused`));
    expect(admission.waiting).toBe(4);
    leave();
    await Promise.all(all);
    expect([admission.waiting, admission.active]).toEqual([0, 0]);
  });

  it('has room for a class behind one address that runs its programs at once', async () => {
    const admission = new Admission(2, readConfig({}).CODE_MAX_QUEUE);
    const runs = Array.from({ length: 30 }, () => admission.enter('a class'));
    for (const run of runs) (await run)();
    expect([admission.active, admission.waiting]).toEqual([0, 0]);
  });

  it('takes a waiter that leaves out of the line', async () => {
    const admission = new Admission(1, 4);
    const leave = await admission.enter('a');
    const left = new AbortController();
    const waiting = admission.enter('b', left.signal);
    left.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    expect(admission.waiting).toBe(0);
    leave();
    expect(admission.active).toBe(0);
  });

  it('has no line where it may have none', async () => {
    const admission = new Admission(1, 0);
    await admission.enter('a');
    await expect(admission.enter('b')).rejects.toMatchObject({ code: 'runner_busy' });
  });
});
