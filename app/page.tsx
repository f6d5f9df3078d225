import { cookies, headers } from 'next/headers';
import { Chat } from '#components/chat/chat';
import { CodeFont } from '#components/shell/fonts';
import { HISTORY_COOKIE, NOTICE_COOKIE } from '#lib/browser/cookies';
import { initialModels } from '#lib/server/initial-data';
import { PREOPEN_HISTORY_DB_SCRIPT } from '../components/chat/preopen-history-db.ts';

interface ChatPageProps {
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}

export default async function ChatPage({ searchParams }: ChatPageProps) {
  const [jar, incoming, { c }] = await Promise.all([cookies(), headers(), searchParams]);
  const models = await initialModels(incoming);
  // Responses contain code, and so does the notice on how to get a better model.
  const hasCode = c !== undefined || models?.notice;
  return (
    <>
      {hasCode ? <CodeFont /> : null}
      {c === undefined ? null : <script nonce={incoming.get('x-nonce') ?? ''}>{PREOPEN_HISTORY_DB_SCRIPT}</script>}
      <Chat
        historyOpen={jar.get(HISTORY_COOKIE)?.value !== 'closed'}
        notice={models?.notice ?? null}
        hiddenNotice={jar.get(NOTICE_COOKIE)?.value}
      />
    </>
  );
}
