/** Runs in the page: a conversation as the app keeps it. */
export async function seed({ messages, ids }: { messages: number; ids: string[] }): Promise<void> {
  const response = (place: number) =>
    `Step ${place} goes over the list and keeps what is **not** divided by any of \`primes\`:\n\n1. take the next odd number\n2. try the primes up to its root\n\n\`\`\`python\ndef step_${place}(limit: int) -> list[int]:\n    """All primes below the limit."""\n    primes = [2]\n    for n in range(3, limit, 2):\n        if all(n % p for p in primes):  # none divides it\n            primes.append(n)\n    return primes\n\nprint(step_${place}(${place * 10}))\n\`\`\`\n\n| below | primes |\n| ---: | ---: |\n| 10 | 4 |\n| ${place * 10} | many |\n\nIt takes a time that grows a little faster than the limit.`;
  const conversationId = 'long';
  const rows: object[] = [];
  let parentId: string | null = null;
  for (let place = 1; place <= messages / 2; place++) {
    const base = { conversationId, createdAt: place * 10 };
    const question = `q${place}`;
    rows.push({ ...base, id: question, parentId, role: 'user', content: `What does step ${place} do?` });
    parentId = `a${place}`;
    const responded = {
      ...base,
      createdAt: place * 10 + 1,
      parentId: question,
      role: 'assistant',
      thinking: '',
      source: 'model',
    };
    if (place < messages / 2)
      rows.push({
        ...responded,
        id: parentId,
        state: 'done',
        model: 'm',
        completionTokens: 200,
        tokensPerSecond: 50,
        firstTokenMs: 20,
        content: response(place),
      });
    else
      for (const [index, requestId] of ids.entries()) {
        parentId = `a${place}-${index}`;
        rows.push({
          ...responded,
          createdAt: place * 10 + 1 + index,
          id: parentId,
          state: 'waiting',
          content: '',
          requestId,
        });
      }
  }
  const opening = indexedDB.open('chill-space', 2);
  await new Promise<void>((resolve, reject) => {
    opening.onerror = () => reject(opening.error);
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore('conversations', { keyPath: 'id' });
      opening.result.createObjectStore('messages', { keyPath: 'id' }).createIndex('conversationId', 'conversationId');
      const attachments = opening.result.createObjectStore('attachments', { autoIncrement: true });
      attachments.createIndex('chat', 'chat');
      attachments.createIndex('picture', 'picture.id');
    };
    opening.onsuccess = () => {
      const writing = opening.result.transaction(['conversations', 'messages'], 'readwrite');
      const conversation = {
        id: conversationId,
        title: 'A long chat',
        createdAt: 1,
        updatedAt: 2,
        leafId: parentId,
        model: null,
        systemPrompt: '',
      };
      writing.objectStore('conversations').put(conversation);
      for (const row of rows) writing.objectStore('messages').put(row);
      writing.oncomplete = () => {
        opening.result.close();
        resolve();
      };
      writing.onerror = () => reject(writing.error);
    };
  });
}
