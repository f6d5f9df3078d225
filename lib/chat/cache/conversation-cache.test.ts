import { describe, expect, it } from 'vitest';
import { ConversationCache } from '#lib/chat/cache/conversation-cache';
import type { Message } from '#lib/wire/chat';
import { engineHarness, ManualClock, settled } from '../../../test/support/chat.ts';

const user = (content: string): Message => ({ role: 'user', content });
const assistant = (content: string): Message => ({ role: 'assistant', content });

describe('ConversationCache', () => {
  const kept = () => {
    const clock = new ManualClock();
    const conversations = new ConversationCache({ maxBytes: 10_000, ttlMs: 1_000 }, clock);
    conversations.store('ann', 'c', [user('one'), assistant('two')]);
    return { clock, conversations };
  };

  it('puts stored messages in front of new ones', () => {
    expect(kept().conversations.resume('ann', 'c', [user('three')])).toEqual({
      messages: [user('one'), assistant('two'), user('three')],
      state: 'continued',
    });
  });

  it('accepts a whole history unchanged', () => {
    const history = [user('other'), assistant('x'), user('y')];
    expect(kept().conversations.resume('ann', 'c', history)).toEqual({ messages: history, state: 'continued' });
  });

  it('starts a new conversation for an unknown, an expired and another caller’s id', async () => {
    const { clock, conversations } = kept();
    const fresh = { messages: [user('three')], state: 'new' };
    expect(conversations.resume('ann', 'unknown', [user('three')])).toEqual(fresh);
    expect(conversations.resume('ben', 'c', [user('three')])).toEqual(fresh);
    await clock.advance(1_001);
    expect(conversations.resume('ann', 'c', [user('three')])).toEqual(fresh);
    expect(conversations.stats()).toMatchObject({ hits: 0, misses: 3, total_entries: 0 });
  });

  it('deletes a conversation that exceeds its bound', () => {
    const conversations = new ConversationCache({ maxBytes: 64 * 1024 * 1024, ttlMs: 1_000 }, new ManualClock());
    conversations.store('ann', 'c', [user('one'), assistant('two')]);
    conversations.store('ann', 'c', [user('x'.repeat(17 * 1024 * 1024)), assistant('two')]);
    expect(conversations.resume('ann', 'c', [user('three')])).toEqual({
      messages: [user('three')],
      state: 'new',
    });
    expect(conversations.stats().total_entries).toBe(0);
  });

  it('is bounded by bytes', () => {
    const { conversations } = kept();
    for (let n = 0; n < 20; n += 1) conversations.store('ann', `c${n}`, [user('x'.repeat(500))]);
    const { total_entries, memory_usage_percent, evictions } = conversations.stats();
    expect(total_entries + evictions).toBe(21);
    expect(memory_usage_percent).toBeLessThanOrEqual(100);
    expect(conversations.clear()).toBe(total_entries);
  });
});

describe('a conversation in the engine', () => {
  it('continues with only the new message, also after a cached response', async () => {
    const b = engineHarness();
    b.provider.onCall = (call) => void call.say(`answer ${call.request.messages.length}`).done();
    const say = async (content: string, caller = 'ann') => {
      const pending = await b.submit({ messages: [user(content)], conversation_id: 'c' }, { caller });
      await settled();
      return pending;
    };
    expect((await say('one')).conversation?.state).toBe('new');
    expect((await say('two')).conversation?.state).toBe('continued');
    expect(b.provider.last.request.messages).toEqual([user('one'), assistant('answer 1'), user('two')]);
    const twin = await say('one', 'ben');
    expect([twin.generation.cached, twin.conversation?.state]).toEqual([true, 'new']);
    await say('two', 'ben');
    expect(b.provider.calls).toHaveLength(2);
    expect(b.engine.stats().conversation_cache.total_entries).toBe(2);
  });

  it('does not store a question without a response', async () => {
    const b = engineHarness();
    await b.submit({ messages: [user('one')], conversation_id: 'c' });
    b.provider.last.say('half').end();
    await settled();
    await b.submit({ messages: [user('again')], conversation_id: 'c' });
    expect(b.provider.last.request.messages).toEqual([user('again')]);
    b.engine.close();
  });
});
