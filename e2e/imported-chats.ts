import type { Page } from 'playwright/test';
import { expect } from './support.ts';

interface Turns {
  title: string;
  texts: readonly string[];
}

/** An exported file of conversations, whose messages are questions and responses in turn. */
export function exported(chats: readonly Turns[]) {
  const now = Date.now();
  const conversations = chats.map(({ title, texts }, index) => {
    const id = `seed-${index}`;
    const at = now - index * 60_000;
    const messages = texts.map((content, position) => ({
      ...{ id: `${id}-${position}`, conversationId: id, content, createdAt: at + position },
      parentId: position === 0 ? null : `${id}-${position - 1}`,
      ...(position % 2 === 0
        ? { role: 'user' }
        : { role: 'assistant', thinking: '', state: 'done', source: 'model', model: 'test:latest' }),
    }));
    const conversation = { id, title, createdAt: at, updatedAt: at, leafId: messages.at(-1)?.id ?? null };
    return { conversation: { ...conversation, model: null, systemPrompt: '' }, messages };
  });
  const text = JSON.stringify({ format: 'chill-space-conversations', version: 1, conversations });
  return { name: 'chats.json', mimeType: 'application/json', buffer: Buffer.from(text) };
}

/** Imports chats on the page of a new one. */
export async function importChats(page: Page, chats: readonly Turns[]): Promise<void> {
  await page.goto('/');
  await page.getByLabel('Chats to import').setInputFiles(exported(chats));
  await expect(page.getByText(/chats? imported/).first()).toBeVisible();
}
