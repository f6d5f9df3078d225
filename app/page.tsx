import { cookies } from 'next/headers';
import { Chat } from '#components/chat/chat';
import { HISTORY_COOKIE, NOTICE_COOKIE } from '#lib/client/cookies';
import { firstModels } from '#lib/server/page-data';

export default async function ChatPage() {
  const [jar, models] = await Promise.all([cookies(), firstModels()]);
  return (
    <Chat
      historyOpen={jar.get(HISTORY_COOKIE)?.value !== 'closed'}
      notice={models?.notice ?? null}
      hiddenNotice={jar.get(NOTICE_COOKIE)?.value}
    />
  );
}
