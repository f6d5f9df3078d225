/**
 * What a response, or the lack of one, says about the server as a whole: `api-client.ts` reports
 * it, and the frame of the page looks again at once instead of with its next poll.
 */
export type ServerSignal = 'unauthorized' | 'unreachable';

type Listener = (signal: ServerSignal) => void;

const listeners = new Set<Listener>();

export function reportSignal(signal: ServerSignal): void {
  for (const listener of listeners) listener(signal);
}

/** Calls `listener` for each signal. Returns the function that ends this. */
export function onServerSignal(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
