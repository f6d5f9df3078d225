import { cookies } from 'next/headers';
import { Chat } from '#components/chat/chat';
import { HISTORY_COOKIE } from '#lib/client/cookies';

export default async function ChatPage() {
  const jar = await cookies();
  return <Chat historyOpen={jar.get(HISTORY_COOKIE)?.value !== 'closed'} />;
}
