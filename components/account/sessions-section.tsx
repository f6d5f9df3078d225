'use client';

import useSWR from 'swr';
import { LoadState } from '#components/people/load-state';
import { Section } from '#components/people/section';
import { Badge } from '#components/ui/badge';
import { Button } from '#components/ui/button';
import { formatAgo } from '#lib/browser/format-date';
import { showToast } from '#lib/browser/toasts';
import { failureSentence } from '../people/people-api.ts';
import { useNow } from '../people/use-now.ts';
import { type BrowserSession, endOtherSessions, endSession, fetchSessions } from './account-api.ts';
import { browserName } from './browser-name.ts';
import { ACCOUNT_STRINGS } from './strings.ts';

const { sessions: STRINGS } = ACCOUNT_STRINGS;

/** The browsers that are signed in. Each other one can be signed out. */
export function SessionsSection() {
  const { data, error, mutate } = useSWR('sessions', fetchSessions);
  const now = useNow();
  const end = async (action: () => Promise<void>, sentence: string) => {
    try {
      await action();
      showToast({ text: sentence });
    } catch (failure) {
      showToast({ kind: 'error', text: failureSentence(failure) });
    }
    await mutate();
  };
  const others = data?.filter(({ isCurrent }) => !isCurrent) ?? [];
  return (
    <Section
      id="sessions"
      title={STRINGS.title}
      hint={STRINGS.hint}
      action={
        others.length < 2 ? undefined : (
          <Button onClick={() => void end(endOtherSessions, STRINGS.othersEnded)}>{STRINGS.endOthers}</Button>
        )
      }
    >
      <LoadState data={data} error={error} onRetry={() => void mutate()} rows={2} />
      {data === undefined ? null : (
        <ul className="flex flex-col">
          {data.map((session) => (
            <SessionRow
              key={session.id}
              session={session}
              now={now}
              onEnd={(name) => void end(() => endSession(session.id), STRINGS.ended(name))}
            />
          ))}
        </ul>
      )}
      {data !== undefined && others.length === 0 ? <p className="mt-2 text-ink-3 text-xs">{STRINGS.only}</p> : null}
    </Section>
  );
}

interface SessionRowProps {
  session: BrowserSession;
  now: number;
  onEnd: (name: string) => void;
}

function SessionRow({ session: { userAgent, createdAt, updatedAt, isCurrent }, now, onEnd }: SessionRowProps) {
  const name = browserName(userAgent);
  return (
    <li className="flex min-h-14 min-w-0 flex-wrap items-center gap-x-4 gap-y-1 border-t py-2 text-sm">
      <div className="min-w-[min(12rem,100%)] flex-1">
        <p className="flex flex-wrap items-center gap-x-2">
          <span className="font-medium [overflow-wrap:anywhere]">{name}</span>
          {isCurrent ? <Badge tone="good">{STRINGS.current}</Badge> : null}
        </p>
        <p className="text-ink-2 text-xs">
          {STRINGS.signedIn(formatAgo(createdAt, now))} · {STRINGS.seen(formatAgo(updatedAt, now))}
        </p>
      </div>
      {isCurrent ? null : (
        <Button size="sm" aria-label={STRINGS.endSession(name)} onClick={() => onEnd(name)}>
          {STRINGS.end}
        </Button>
      )}
    </li>
  );
}
