import type { Conversation } from './conversation.ts';
import { pathTo } from './conversation.ts';
import { openHistory } from './history-db.ts';
import { fileName, fromJson, toJson, toMarkdown } from './import-export.ts';
import { chatStore } from './use-chat.ts';

/** Reads and writes conversation files; the formats are in `import-export.ts`. */

export async function exportAll(): Promise<void> {
  chatStore().flush();
  const history = openHistory();
  const entries = [];
  for (const conversation of await history.conversations())
    entries.push({ conversation, messages: await history.messages(conversation.id) });
  const day = new Date().toISOString().slice(0, 10);
  download(toJson(entries), `conversations-${day}.json`, 'application/json');
}

export async function exportMarkdown(conversation: Conversation): Promise<void> {
  chatStore().flush();
  const messages = await openHistory().messages(conversation.id);
  const path = pathTo(new Map(messages.map((message) => [message.id, message])), conversation.leafId);
  download(toMarkdown(conversation, path), fileName(conversation.title, 'md'), 'text/markdown');
}

/**
 * Returns the number of imported conversations. Throws an `Error` whose message is shown to the
 * reader.
 */
export async function importFile(file: File): Promise<number> {
  const entries = fromJson(await file.text());
  await chatStore().add(entries);
  return entries.length;
}

function download(text: string, name: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The click has started the download. A slow browser gets a minute to read the blob.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
