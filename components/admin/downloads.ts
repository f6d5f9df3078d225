import { showToast } from '#lib/browser/toasts';
import { failureSentence } from '../people/people-api.ts';
import { type PullProgress, pullModel } from './models-api.ts';
import { SERVER_ADMIN_STRINGS } from './strings/server.ts';

const { models: STRINGS } = SERVER_ADMIN_STRINGS;

/** The downloads of this tab. They go on while other pages are open. */
export interface Download {
  model: string;
  progress: PullProgress | undefined;
  stop: () => void;
}

type Listener = () => void;

let downloads: readonly Download[] = [];
const listeners = new Set<Listener>();

export function currentDownloads(): readonly Download[] {
  return downloads;
}

/** Calls `listener` for each change. Returns the function that ends this. */
export function onDownloads(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Downloads a model, unless it is on its way. `onDone` is called at the end of a success. */
export async function download(model: string, onDone: () => void): Promise<void> {
  if (downloads.some((each) => each.model === model)) return;
  const stopping = new AbortController();
  set([...downloads, { model, progress: undefined, stop: () => stopping.abort() }]);
  try {
    await pullModel(
      model,
      (progress) => set(downloads.map((each) => (each.model === model ? { ...each, progress } : each))),
      stopping.signal,
    );
    showToast({ text: STRINGS.pulled(model) });
    onDone();
  } catch (error) {
    if (stopping.signal.aborted) showToast({ text: STRINGS.pullStopped });
    else showToast({ kind: 'error', text: failureSentence(error), timeoutMs: 0 });
  } finally {
    set(downloads.filter((each) => each.model !== model));
  }
}

function set(next: readonly Download[]): void {
  downloads = next;
  for (const listener of listeners) listener();
}
