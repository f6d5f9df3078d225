import { singleton } from '#lib/singletons';
import { store } from '#lib/store/store';

/**
 * Runs changes of one kind one after the other, and all after what is stored was read: each is
 * checked against what the one before has left, so that none undoes another.
 */
export function inTurn<T>(kind: 'backend' | 'model', work: () => Promise<T>): Promise<T> {
  const turns = singleton(`people.${kind}-turns`, (): { last: Promise<unknown> } => ({ last: Promise.resolve() }));
  const turn = turns.last.then(store).then(work);
  // The caller gets the error; the next turn begins in any case.
  turns.last = turn.catch(() => undefined);
  return turn;
}
