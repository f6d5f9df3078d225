import { bearerTokenOf } from '#lib/http/bearer-token';
import { registerIdentitySource } from '#lib/http/identity';
import { administrator, member, type Principal, type Scope, scopesOf } from '#lib/http/principal';

/** People and keys of two groups, as an identity source knows them by their tokens. */

function key(name: string, ...scopes: Scope[]): Principal {
  return member(`key:${name}`, { keyId: name, userId: 'ann', groupId: 'lab', name, scopes: new Set(scopes) });
}

export const PEOPLE = {
  member: member('user:ann', { userId: 'ann', groupId: 'lab', name: 'Ann' }),
  'another member': member('user:bob', { userId: 'bob', groupId: 'lab', name: 'Bob' }),
  outsider: member('user:eve', { userId: 'eve', groupId: 'class', name: 'Eve' }),
  manager: member('user:max', {
    role: 'manager',
    scopes: scopesOf('manager'),
    userId: 'max',
    groupId: 'lab',
    name: 'Max',
    maxPriority: 10,
  }),
  admin: administrator('user:ada', { userId: 'ada', name: 'Ada' }),
  'key for chat': key('for-chat', 'chat'),
  'key for code': key('for-code', 'code'),
  'key for gateway': key('for-gateway', 'gateway'),
  'key for stats': key('for-stats', 'stats'),
  "administrator's key for chat": administrator('key:ada-chat', {
    userId: 'ada',
    keyId: 'ada-chat',
    scopes: new Set<Scope>(['chat']),
  }),
  'key for one model': member('key:one-model', { keyId: 'one-model', models: new Set(['other:7b']) }),
  'front end': member('key:front', { keyId: 'front', trustsEndUser: true }),
} satisfies Record<string, Principal>;

export type Person = keyof typeof PEOPLE;

export function tokenOf(person: string): string {
  return `token-of-${person.replaceAll(/[^a-z]/g, '-')}`;
}

export function asPerson(person: string): { authorization: string } {
  return { authorization: `Bearer ${tokenOf(person)}` };
}

/** Registers the source, for AUTH=accounts. Returns how to lock a person out. */
export function registerPeople(): (person: Person) => void {
  const byToken = new Map(Object.entries(PEOPLE).map(([name, principal]) => [tokenOf(name), principal]));
  registerIdentitySource({
    name: 'test',
    verify: (headers) => {
      const token = bearerTokenOf(headers.get('authorization'));
      const found = token === undefined ? undefined : byToken.get(token);
      // As a source does whose memory does not know the credentials.
      return headers.get('x-test-slow') === null ? found : Promise.resolve(found);
    },
  });
  return (person) => void byToken.delete(tokenOf(person));
}
