import { cookies, headers } from 'next/headers';
import { Chat } from '#components/chat/chat';
import { CodeFont } from '#components/shell/fonts';
import { HISTORY_COOKIE, NOTICE_COOKIE } from '#lib/client/cookies';
import { OPEN_HISTORY_AHEAD } from '#lib/client/history-ahead';
import { firstModels } from '#lib/server/page-data';

interface ChatPageProps {
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}

export default async function ChatPage({ searchParams }: ChatPageProps) {
  const [jar, incoming, { c }] = await Promise.all([cookies(), headers(), searchParams]);
  const models = await firstModels(incoming);
  // Answers have code in them, and so has a note on how to get a better model.
  const hasCode = c !== undefined || models?.notice;
  return (
    <>
      {hasCode ? <CodeFont /> : null}
      {c === undefined ? null : <script nonce={incoming.get('x-nonce') ?? ''}>{OPEN_HISTORY_AHEAD}</script>}
      <Chat
        historyOpen={jar.get(HISTORY_COOKIE)?.value !== 'closed'}
        notice={models?.notice ?? null}
        hiddenNotice={jar.get(NOTICE_COOKIE)?.value}
      />
    </>
  );
}
