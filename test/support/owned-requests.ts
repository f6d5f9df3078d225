import { resetSingleton } from '#lib/singletons';
import { queueOverviewSchema } from '#lib/wire/chat-queue';
import { type ChatServer, chatServer } from './chat-server.ts';
import { asPerson, type Person, registerPeople } from './people.ts';

/** Requests of people to a chat server with accounts, for tests of who owns what. */

export const KEY = 'an-administrators-key';
export const HELLO = { messages: [{ role: 'user', content: 'hello' }] };
export const COMPLETION = { model: 'default-model', ...HELLO };
export const MESSAGES = { model: 'default-model', max_tokens: 5, ...HELLO };
export const RESPONSE = { model: 'default-model', input: 'hello' };

interface OwnedServer {
  s: ChatServer;
  lockOut: (person: Person) => void;
}

/** Starts the server with all people in it. Until `forgetIdentities`. */
export async function startOwned(environment: Record<string, string> = {}): Promise<OwnedServer> {
  const lockOut = registerPeople();
  const s = await chatServer({
    AUTH: 'accounts',
    API_KEYS: KEY,
    OLLAMA_MANAGE: 'true',
    QUEUE_MAX_CONCURRENT: '1',
    ...environment,
  });
  return { s, lockOut };
}

export function forgetIdentities(): void {
  resetSingleton('http.identities');
  resetSingleton('http.failed-keys');
  resetSingleton('http.open-work');
}

export function sendAs(
  s: ChatServer,
  person: Person | 'anonymous',
  method: string,
  path: string,
  body?: object,
  more = {},
) {
  return fetch(s.url + path, {
    method,
    headers: {
      ...(person === 'anonymous' ? {} : asPerson(person)),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...more,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

export async function overviewOf(s: ChatServer, person: Person) {
  return queueOverviewSchema.parse(await (await sendAs(s, person, 'GET', '/api/chat-queue')).json());
}
