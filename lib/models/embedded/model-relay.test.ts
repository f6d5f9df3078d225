import { expect, it, vi } from 'vitest';
import { AppError } from '#lib/errors';
import { ModelRelay, type RelayClient } from '#lib/models/embedded/model-relay';
import type { RelayCommand, RelayReply } from '#lib/models/embedded/relay-messages';
import { RelayedWorker } from '#lib/models/embedded/relayed-worker';
import type { ModelEvent, ModelEventListener, ModelRequest } from '#lib/models/provider';

const request = (content: string): ModelRequest => ({
  model: 'small',
  messages: [{ role: 'user', content }],
  options: {},
});
const DONE: ModelEvent = { type: 'done', done_reason: 'stop', usage: { prompt_tokens: 1, completion_tokens: 1 } };

/** A scripted model, its relay, and workers whose messages pass through JSON as over a channel. */
function setUp() {
  const chats: { request: ModelRequest; signal: AbortSignal; emit: ModelEventListener; end: (e?: Error) => void }[] =
    [];
  let isLoaded = false;
  let change = () => {};
  const model = {
    get loaded() {
      return isLoaded;
    },
    load: async () => {
      isLoaded = true;
      change();
    },
    chat: (asked: ModelRequest, signal: AbortSignal, emit: ModelEventListener) =>
      new Promise<void>((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        const end = (error?: Error) => (error === undefined ? resolve() : reject(error));
        chats.push({ request: asked, signal, emit, end });
      }),
    countTokens: async () => 7,
    close: vi.fn(async () => {}),
  };
  const relay = new ModelRelay({ path: '', contextTokens: 1, threads: 1 }, (onChange) => {
    change = onChange;
    return model;
  });
  const connect = () => {
    let listener = (_body: unknown) => {};
    const client: RelayClient = { send: (reply: RelayReply) => listener(JSON.parse(JSON.stringify(reply))) };
    const worker = new RelayedWorker({
      listen: (_topic, added) => {
        listener = added;
      },
      send: (_topic, body) => relay.receive(client, JSON.parse(JSON.stringify(body)) as RelayCommand),
    });
    return { worker, client };
  };
  return { relay, model, chats, connect };
}

const open = () => new AbortController().signal;

it('passes events of each worker to its own call', async () => {
  const { chats, connect } = setUp();
  const [one, two] = [connect(), connect()];
  const events: string[] = [];
  const first = one.worker.chat(request('a'), open(), (event) => events.push(`one ${event.type}`));
  const second = two.worker.chat(request('b'), open(), (event) => events.push(`two ${event.type}`));
  expect(chats.map((chat) => chat.request.messages[0]?.content)).toEqual(['a', 'b']);
  chats[1]?.emit({ type: 'content', text: 'x' });
  chats[0]?.emit(DONE);
  chats[0]?.end();
  chats[1]?.emit(DONE);
  chats[1]?.end();
  await Promise.all([first, second]);
  expect(events).toEqual(['two content', 'one done', 'two done']);
});

it('counts tokens, and reports to all workers when the model is loaded', async () => {
  const { connect } = setUp();
  const [one, two] = [connect(), connect()];
  expect(await one.worker.countTokens([], open())).toBe(7);
  expect([one.worker.loaded, two.worker.loaded]).toEqual([false, false]);
  await one.worker.load(open());
  expect([one.worker.loaded, two.worker.loaded, connect().worker.loaded]).toEqual([true, true, true]);
});

it('rejects with the error of the model, and without the text of a fault', async () => {
  const { chats, connect } = setUp();
  const { worker } = connect();
  const long = worker.chat(request('a'), open(), () => {});
  chats[0]?.end(new AppError('context_length_exceeded', 'Too long.'));
  await expect(long).rejects.toMatchObject({ code: 'context_length_exceeded', message: 'Too long.' });
  const faulty = worker.chat(request('b'), open(), () => {});
  chats[1]?.end(new TypeError('a fault with /a/path'));
  await expect(faulty).rejects.toMatchObject({ code: 'upstream_failed', message: expect.not.stringContaining('path') });
});

it('stops the model when a caller leaves, and emits nothing more', async () => {
  const { chats, connect } = setUp();
  const { worker } = connect();
  const controller = new AbortController();
  const emit = vi.fn();
  const left = worker.chat(request('a'), controller.signal, emit);
  const reason = new Error('left');
  controller.abort(reason);
  await expect(left).rejects.toBe(reason);
  expect(chats[0]?.signal.aborted).toBe(true);
  chats[0]?.emit({ type: 'content', text: 'late' });
  expect(emit).not.toHaveBeenCalled();
});

it('stops what a worker that has ended has asked, and that of no other', () => {
  const { relay, chats, connect } = setUp();
  const [one, two] = [connect(), connect()];
  // Neither gets a response: the test ends before.
  one.worker.chat(request('a'), open(), () => {}).catch(() => {});
  two.worker.chat(request('b'), open(), () => {}).catch(() => {});
  relay.drop(one.client);
  expect(chats.map(({ signal }) => signal.aborted)).toEqual([true, false]);
});

it('rejects what runs when a worker closes, and leaves the model to the others', async () => {
  const { model, chats, connect } = setUp();
  const { worker } = connect();
  const running = worker.chat(request('a'), open(), () => {});
  await worker.close();
  await expect(running).rejects.toMatchObject({ code: 'shutting_down' });
  await expect(worker.load(open())).rejects.toMatchObject({ code: 'shutting_down' });
  expect(chats[0]?.signal.aborted).toBe(true);
  expect(model.close).not.toHaveBeenCalled();
});
