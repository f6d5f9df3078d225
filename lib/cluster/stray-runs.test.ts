import { expect, it } from 'vitest';
import { StrayRuns } from '#lib/cluster/stray-runs';

it('takes strays out of their lines once Redis is there, and tries again where it fails', async () => {
  const removed: string[] = [];
  let isUsable = false;
  let isFailing = true;
  const remove = async (lane: string, run: string) => {
    if (isFailing) throw new Error('Redis does not respond.');
    removed.push(`${lane} ${run}`);
    return 'removed' as const;
  };
  const strays = new StrayRuns({ remove }, () => isUsable);
  strays.add('run', 'lane');
  strays.remove();
  isUsable = true;
  strays.remove();
  await Promise.resolve();
  await Promise.resolve();
  isFailing = false;
  strays.remove();
  strays.remove();
  expect(removed).toEqual(['lane run']);
});
