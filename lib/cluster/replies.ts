import type { ChainableCommander } from 'ioredis';

/** The replies of a pipeline or transaction. Throws the first error among them. */
export function repliesOf(replies: readonly (readonly [Error | null, unknown])[] | null): unknown[] {
  if (replies === null) throw new Error('Redis has discarded a transaction');
  return replies.map(([error, reply]) => {
    if (error !== null) throw error;
    return reply;
  });
}

/** Sends commands. Rejects with the first error among their replies. */
export async function execute(commands: ChainableCommander): Promise<unknown[]> {
  return repliesOf(await commands.exec());
}
