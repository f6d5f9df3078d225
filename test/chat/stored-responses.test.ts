import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ChatServer, chatServer } from '../support/chat-server.ts';
import { INSTANCES, needsOneServer } from '../support/instances.ts';
import { CALL, eventsOf, WEATHER } from '../support/responses-clients.ts';

let s: ChatServer;
/** One that shares its queue may say so before a worker has taken the request. */
const BEGUN = INSTANCES === 1 ? /^in_progress$/ : /^(?:queued|in_progress)$/;

function client(apiKey = 'none'): OpenAI {
  return new OpenAI({ baseURL: `${s.url}/v1`, apiKey, maxRetries: 0 });
}

describe('a stored response, by the official openai client', () => {
  beforeEach(async () => {
    s = await chatServer({ CACHE_SDK: 'always' });
  });

  afterEach(async () => {
    await s.close();
    expect(s.provider.open).toBe(0);
  });

  it('goes through a loop of tools by the id of the previous response', async () => {
    s.provider.onCall = (call) => void call.think('which city?').ask([CALL]).done();
    const { responses } = client();
    const first = await responses.create({ model: 'm', input: 'weather in Bern?', tools: [WEATHER] });
    expect(s.provider.last.request.tools).toEqual([
      {
        type: 'function',
        function: { name: 'weather', description: WEATHER.description, parameters: WEATHER.parameters },
      },
    ]);
    const called = first.output.find((item) => item.type === 'function_call');
    expect(called).toMatchObject({ call_id: 'c1', name: 'weather', arguments: '{"city":"Bern"}' });
    s.provider.onCall = (call) => void call.say('Rain.').done();
    const second = await responses.create({
      model: 'm',
      previous_response_id: first.id,
      input: [{ type: 'function_call_output', call_id: 'c1', output: 'rain' }],
      tools: [WEATHER],
    });
    expect(second).toMatchObject({ output_text: 'Rain.', previous_response_id: first.id });
    const conversation = [
      { role: 'user', content: 'weather in Bern?' },
      { role: 'assistant', content: '', thinking: 'which city?', tool_calls: [CALL] },
      { role: 'tool', content: 'rain', tool_call_id: 'c1', tool_name: 'weather' },
    ];
    expect(s.provider.last.request.messages).toEqual(conversation);
    s.provider.onCall = (call) => void call.say('Yes.').done();
    await responses.create({ model: 'm', previous_response_id: second.id, input: 'sure?' });
    expect(s.provider.last.request.messages).toEqual([
      ...conversation,
      { role: 'assistant', content: 'Rain.' },
      { role: 'user', content: 'sure?' },
    ]);
  });

  it('runs in the background: polled, read again, cancelled', async () => {
    const { responses } = client();
    const started = await responses.create({ model: 'm', input: 'hello', background: true });
    expect(started).toMatchObject({ status: expect.stringMatching(BEGUN), background: true, output: [] });
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(1));
    await s.clock.advance(60_000);
    s.provider.last.say('Ru');
    const reader = responses.retrieve(started.id, { stream: true }).then(eventsOf);
    s.provider.last.say('st').done();
    const events = await reader;
    expect(events.at(-1)).toMatchObject({ type: 'response.completed', response: { id: started.id } });
    expect(await responses.retrieve(started.id)).toMatchObject({ status: 'completed', output_text: 'Rust' });
    const rest = await responses.retrieve(started.id, { stream: true, starting_after: 4 });
    expect(await eventsOf(rest)).toEqual(events.slice(5));

    const other = await responses.create({ model: 'm', input: 'other', background: true });
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(2));
    expect(await responses.cancel(other.id)).toMatchObject({ id: other.id, status: 'cancelled' });
    expect(s.provider.last.signal.aborted).toBe(true);
    expect(await responses.cancel(other.id)).toMatchObject({ status: 'cancelled' });
    expect(await responses.cancel(started.id)).toMatchObject({ status: 'completed' });
    await expect(responses.create({ model: 'm', input: 'x', background: true, store: false })).rejects.toMatchObject({
      status: 400,
      param: 'background',
    });
  });

  it('goes on in the background when its reader disconnects', async () => {
    const { responses } = client();
    const stream = await responses.create({ model: 'm', input: 'hello', background: true, stream: true });
    const events = stream[Symbol.asyncIterator]();
    const { value: created } = await events.next();
    stream.controller.abort();
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(1));
    await s.clock.advance(60_000);
    s.provider.last.say('Rust').done();
    await vi.waitFor(async () =>
      expect(await responses.retrieve(created.response.id)).toMatchObject({ output_text: 'Rust' }),
    );
  });

  it('replays a stored response as a stream when its own events are not kept', async () => {
    s.provider.onCall = (call) => void call.think('hm').say('Ru').say('st').ask([CALL]).done();
    const { responses } = client();
    const { id, output } = await responses.create({ model: 'm', input: 'hello', tools: [WEATHER] });
    await s.clock.advance(20 * 60_000);
    const events = await eventsOf(await responses.retrieve(id, { stream: true }));
    expect(events.at(-1)).toMatchObject({ type: 'response.completed', response: { id, output } });
    await expect(responses.retrieve(id, { stream: true, starting_after: 3 })).rejects.toMatchObject({
      status: 400,
      param: 'starting_after',
    });
  });

  it('lists the items of a conversation, refers to them and deletes them', async () => {
    s.provider.onCall = (call) => void call.say('Rust').done();
    const { responses } = client();
    const first = await responses.create({ model: 'm', input: 'hello', instructions: 'be brief' });
    const second = await responses.create({ model: 'm', previous_response_id: first.id, input: 'again' });
    const items: OpenAI.Responses.ResponseItem[] = [];
    for await (const item of responses.inputItems.list(second.id, { order: 'asc', limit: 2 })) items.push(item);
    expect(items).toMatchObject([
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hello' }] },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Rust' }] },
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'again' }] },
    ]);
    const newest = await responses.inputItems.list(second.id);
    expect(newest.data.map(({ id }) => id)).toEqual(items.map(({ id }) => id).reverse());
    await responses.create({
      model: 'm',
      input: [
        { type: 'item_reference', id: String(items[0]?.id) },
        { type: 'item_reference', id: String(first.output[0]?.id) },
        { role: 'user', content: 'go on' },
      ],
    });
    expect(s.provider.last.request.messages).toEqual([
      { role: 'user', content: 'hello' },
      { role: 'assistant', content: 'Rust' },
      { role: 'user', content: 'go on' },
    ]);
    await responses.delete(first.id);
    // Other servers drop their copies a moment later.
    await vi.waitFor(() => expect(responses.retrieve(first.id)).rejects.toMatchObject({ status: 404 }));
    await expect(responses.create({ model: 'm', previous_response_id: second.id, input: 'x' })).rejects.toMatchObject({
      status: 400,
      code: 'previous_response_not_found',
    });
    await expect(
      responses.create({ model: 'm', input: [{ type: 'item_reference', id: 'msg_none' }] }),
    ).rejects.toMatchObject({ status: 400, param: 'input.0.id' });
  });

  it('ends what it deletes', async () => {
    const { responses } = client();
    const { id } = await responses.create({ model: 'm', input: 'hello', background: true });
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(1));
    await responses.delete(id);
    // Another server may work on it, and a third one have a copy.
    await vi.waitFor(() => expect(s.provider.last.signal.aborted).toBe(true));
    await vi.waitFor(() => expect(responses.retrieve(id)).rejects.toMatchObject({ status: 404 }));
  });

  it('refuses to continue a response that is not complete', async () => {
    const { responses } = client();
    const { id } = await responses.create({ model: 'm', input: 'hello', background: true });
    await expect(responses.create({ model: 'm', previous_response_id: id, input: 'x' })).rejects.toMatchObject({
      status: 400,
      message: expect.stringMatching(/not complete yet/),
    });
    await responses.cancel(id);
  });

  it('forgets a response after its time', async () => {
    s.provider.onCall = (call) => void call.say('x').done();
    const { responses } = client();
    const { id } = await responses.create({ model: 'm', input: 'hello' });
    await s.clock.advance(86_400_000 - 1);
    await responses.retrieve(id);
    await s.clock.advance(86_400_000 + 1);
    await expect(responses.retrieve(id)).rejects.toMatchObject({ status: 404 });
  });

  it('keeps its responses when the operator clears the caches', async () => {
    s.provider.onCall = (call) => void call.say('x').done();
    const { responses } = client();
    await responses.create({ model: 'm', input: 'hello' });
    const { id } = await responses.create({ model: 'm', input: 'hello' });
    await fetch(`${s.url}/api/cache-stats`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ action: 'clear' }),
    });
    expect(await responses.retrieve(id)).toMatchObject({ output_text: 'x' });
  });

  it('keeps what belongs to one key from another', async () => {
    await s.close();
    s = await chatServer({ API_KEYS: 'ann,bob' });
    s.provider.onCall = (call) => void call.say('x').done();
    const { id, output } = await client('ann').responses.create({ model: 'm', input: 'hello' });
    const { responses } = client('bob');
    for (const use of [
      () => responses.retrieve(id),
      () => responses.delete(id),
      () => responses.cancel(id),
      () => responses.inputItems.list(id),
    ])
      await expect(use()).rejects.toMatchObject({ status: 404, code: 'not_found' });
    await expect(responses.create({ model: 'm', previous_response_id: id, input: 'x' })).rejects.toMatchObject({
      status: 400,
    });
    const reference = { type: 'item_reference' as const, id: String(output[0]?.id) };
    await expect(responses.create({ model: 'm', input: [reference] })).rejects.toMatchObject({ status: 400 });
    expect(await client('ann').responses.retrieve(id)).toMatchObject({ id });
  });

  it('never replaces a stored response by one with an id that its client chose', async () => {
    s.provider.onCall = (call) => void call.say('x').done();
    const headers = { 'x-request-id': '00000000-0000-4000-8000-000000000001' };
    const first = await client().responses.create({ model: 'm', input: 'one' }, { headers });
    const second = await client().responses.create(
      { model: 'm', input: 'two', previous_response_id: first.id },
      { headers },
    );
    expect(first.id).toBe(`resp_${headers['x-request-id']}`);
    expect(second.id).not.toBe(first.id);
  });

  it('gives each of two requests that share a generation its own response', async () => {
    const { responses } = client();
    const start = () => responses.create({ model: 'm', input: 'hello', background: true });
    const [first, second] = [await start(), await start()];
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(1));
    expect(second.id).not.toBe(first.id);
    s.provider.last.say('Ru');
    expect(await responses.cancel(first.id)).toMatchObject({ status: 'cancelled' });
    s.provider.last.say('st').done();
    await vi.waitFor(async () =>
      expect(await responses.retrieve(second.id)).toMatchObject({ status: 'completed', output_text: 'Rust' }),
    );
    const { output } = await vi.waitFor(async () => {
      const cancelled = await responses.retrieve(first.id);
      expect(cancelled.status).toBe('cancelled');
      return cancelled;
    });
    // Several servers may have had more or less of it when they learnt of the cancel.
    if (INSTANCES === 1)
      expect(output).toMatchObject([{ type: 'message', status: 'incomplete', content: [{ text: 'Ru' }] }]);
    expect(s.provider.calls).toHaveLength(1);
    const cached = await start();
    expect(cached).toMatchObject({ status: 'completed', output: [{ content: [{ text: 'Rust' }] }] });
    expect(await responses.retrieve(cached.id)).toMatchObject({ output_text: 'Rust' });
  });

  it('honours an Idempotency-Key in the background', async () => {
    s.provider.onCall = (call) => void call.say('x').done('length');
    const start = (key: string) =>
      client().responses.create(
        { model: 'm', input: 'hello', background: true },
        { headers: { 'idempotency-key': key } },
      );
    const [first, again, other] = [await start('a'), await start('a'), await start('b')];
    expect(again.id).toBe(first.id);
    expect(other.id).not.toBe(first.id);
    expect(await client().responses.retrieve(first.id)).toMatchObject({ status: 'incomplete' });
  });

  it('refuses to make a request of more than 20 MiB of what is stored', async () => {
    needsOneServer('a response of more than 1 MiB is known to its server alone');
    s.provider.onCall = (call) => void call.say('x').done();
    const { responses } = client();
    const image_url = `data:image/png;base64,${'A'.repeat(11_000_000)}`;
    const input = [
      { role: 'user' as const, content: [{ type: 'input_image' as const, detail: 'auto' as const, image_url }] },
    ];
    const first = await responses.create({ model: 'm', input });
    const second = await responses.create({ model: 'm', input, previous_response_id: first.id });
    await expect(responses.create({ model: 'm', input: 'x', previous_response_id: second.id })).rejects.toMatchObject({
      status: 400,
      message: expect.stringMatching(/larger than 20 MiB/),
    });
    const { data } = await responses.inputItems.list(first.id);
    const reference = { type: 'item_reference' as const, id: String(data[0]?.id) };
    await expect(responses.create({ model: 'm', input: [reference, reference] })).rejects.toMatchObject({
      status: 400,
      param: 'input.0.id',
    });
    expect(s.provider.calls).toHaveLength(2);
  }, 30_000);
});
