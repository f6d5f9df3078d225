import type { ModelEvent, ModelEventListener, ModelProvider, ModelRequest } from '#lib/models/provider';

/**
 * The events of a call as an iteration. Leaving it early aborts the call's signal; an error of the
 * call is thrown after its events.
 */
export async function* eventsOf(
  call: (signal: AbortSignal, emit: ModelEventListener) => Promise<void>,
  signal: AbortSignal = new AbortController().signal,
): AsyncGenerator<ModelEvent> {
  const left = new AbortController();
  const events: ModelEvent[] = [];
  let wake: () => void = () => {};
  let end: { error?: unknown } | undefined;
  const ended = (how: { error?: unknown }) => {
    end = how;
    wake();
  };
  call(AbortSignal.any([signal, left.signal]), (event) => {
    events.push(event);
    wake();
  }).then(
    () => ended({}),
    (error: unknown) => ended({ error }),
  );
  try {
    for (;;) {
      const event = events.shift();
      if (event !== undefined) yield event;
      else if (end === undefined)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      else if ('error' in end) throw end.error;
      else return;
    }
  } finally {
    left.abort();
  }
}

/** As `eventsOf`, for one response of a provider. */
export function chatEvents(
  provider: ModelProvider,
  request: ModelRequest,
  signal?: AbortSignal,
): AsyncGenerator<ModelEvent> {
  return eventsOf((inner, emit) => provider.chat(request, inner, emit), signal);
}
