import { downloadText } from '#lib/browser/download';
import { showToast } from '#lib/browser/toasts';
import type { Conversation } from './conversation.ts';
import { pathTo } from './conversation.ts';
import { openHistory } from './history-db.ts';
import { CHAT_ACTION_STRINGS as S } from './strings/chat-actions.ts';
import { chatStore } from './use-chat.ts';

/** Reads and writes conversation files. The formats are fetched with the first file. */
const formats = () => import('./import-export.ts');

/** A failure is a toast. */
export async function exportChats(): Promise<void> {
  await exportAll().catch(() => showToast({ kind: 'error', text: S.exportFailed }));
}

/** Imports a file that was exported here. The result is a toast. */
export async function importChats(file: File | undefined): Promise<void> {
  if (file === undefined) return;
  try {
    const { fromJson } = await formats();
    const entries = fromJson(await file.text());
    await chatStore().add(entries);
    showToast({ text: S.imported(entries.length) });
  } catch (error) {
    showToast({ kind: 'error', text: error instanceof Error ? error.message : S.notReadable });
  }
}

/** Lets the reader choose a file and imports it. */
export function chooseChatsToImport(): void {
  const field = document.createElement('input');
  field.type = 'file';
  field.accept = 'application/json,.json';
  field.onchange = () => void importChats(field.files?.[0]);
  field.click();
}

async function exportAll(): Promise<void> {
  chatStore().flush();
  const history = openHistory();
  const { toJson } = await formats();
  const entries = [];
  for (const conversation of await history.conversations())
    entries.push({ conversation, messages: await history.messages(conversation.id) });
  const day = new Date().toISOString().slice(0, 10);
  downloadText(`conversations-${day}.json`, toJson(entries), 'application/json');
}

/** A failure is a toast. */
export async function exportMarkdown(conversation: Conversation): Promise<void> {
  await exportOne(conversation).catch(() => showToast({ kind: 'error', text: S.exportFailed }));
}

async function exportOne(conversation: Conversation): Promise<void> {
  chatStore().flush();
  const { fileName, toMarkdown } = await formats();
  const messages = await openHistory().messages(conversation.id);
  const path = pathTo(new Map(messages.map((message) => [message.id, message])), conversation.leafId);
  downloadText(fileName(conversation.title, 'md'), toMarkdown(conversation, path), 'text/markdown');
}
