'use client';

import clsx from 'clsx';
import { ArrowDown, PanelLeft, SquarePen } from 'lucide-react';
import { useSearchParams } from 'next/navigation';
import { useCallback, useEffect, useRef, useState } from 'react';
import { ChatSettingsButton } from '#components/chat/chat-settings';
import { Composer } from '#components/chat/composer';
import { EmptyChat } from '#components/chat/empty-chat';
import { HistoryList } from '#components/chat/history-list';
import { HistoryTransfer } from '#components/chat/history-transfer';
import { MessageList } from '#components/chat/message-list';
import { ModelNotice } from '#components/chat/model-notice';
import { ModelPicker } from '#components/chat/model-picker';
import { StreamingStatus } from '#components/chat/streaming-status';
import { AskContext } from '#components/markdown/ask-context';
import { usePreloadedMarkdown } from '#components/markdown/markdown';
import { PageBar } from '#components/shell/page-bar';
import { Button } from '#components/ui/button';
import { Drawer } from '#components/ui/dialog';
import { IconButton } from '#components/ui/icon-button';
import { type ChatSettings, EMPTY_THREAD, isRunning, NO_SETTINGS } from '#lib/client/conversation';
import { HISTORY_COOKIE, setCookie } from '#lib/client/cookies';
import { useStored } from '#lib/client/stored';
import { chatStore, useChatLifecycle, useChatState } from '#lib/client/use-chat';
import { usePinnedScroll } from '#lib/client/use-pinned-scroll';

/** `c` in the address is the conversation, so that a reload, a second tab and the back button find it. */
const PARAMETER = 'c';

export function Chat({ historyOpen }: { historyOpen: boolean }) {
  useChatLifecycle();
  usePreloadedMarkdown();
  const { ready, conversations, threads } = useChatState();
  const activeId = useSearchParams().get(PARAMETER);
  const conversation = conversations.find(({ id }) => id === activeId);
  const thread = (activeId === null ? undefined : threads.get(activeId)) ?? EMPTY_THREAD;
  const leaf = conversation?.leafId == null ? undefined : thread.get(conversation.leafId);
  const running = leaf !== undefined && isRunning(leaf) ? leaf : undefined;

  const [lastModel, setLastModel] = useStored('model');
  const model = conversation?.model ?? (lastModel === '' ? null : lastModel);
  const [newSettings, setNewSettings] = useState<ChatSettings>(NO_SETTINGS);
  const [panel, setPanel] = useState(historyOpen);
  const [drawer, setDrawer] = useState(false);

  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const { pinned, toEnd } = usePinnedScroll(scroller, content, activeId !== null);

  useEffect(() => {
    if (ready && activeId !== null) void chatStore().open(activeId).then(toEnd);
  }, [ready, activeId, toEnd]);

  const show = useCallback((id: string | null) => {
    window.history.pushState(null, '', id === null ? '/' : `/?${PARAMETER}=${encodeURIComponent(id)}`);
    setDrawer(false);
    field.current?.focus();
  }, []);

  const send = (text: string) => {
    const id = chatStore().send({ conversationId: conversation?.id ?? null, text, model, settings: newSettings });
    setNewSettings(NO_SETTINGS);
    if (id !== activeId) show(id);
    toEnd();
  };
  const ask = useCallback(
    (text: string) => {
      if (activeId === null) return;
      chatStore().send({ conversationId: activeId, text, model });
      toEnd();
    },
    [activeId, model, toEnd],
  );
  const regenerate = useCallback(
    (answerId: string) => {
      if (activeId === null) return;
      chatStore().regenerate(activeId, answerId, model);
      toEnd();
    },
    [activeId, model, toEnd],
  );
  const edit = useCallback(
    (questionId: string, text: string) => {
      if (activeId === null) return;
      chatStore().edit(activeId, questionId, text);
      toEnd();
    },
    [activeId, toEnd],
  );
  const stop = () => {
    if (running !== undefined) chatStore().stop(running.conversationId, running.id);
  };
  const togglePanel = () => {
    if (window.matchMedia('(width < 64rem)').matches) setDrawer(true);
    else {
      setCookie(HISTORY_COOKIE, panel ? 'closed' : 'open');
      setPanel(!panel);
    }
  };

  const history = <HistoryList activeId={activeId} onOpen={show} />;
  return (
    <div className="flex min-h-0 flex-1">
      {panel ? (
        <aside aria-label="Conversations" className="hidden w-66 shrink-0 flex-col border-r bg-sunken lg:flex">
          <HistoryHead onNew={() => show(null)} />
          {history}
        </aside>
      ) : null}
      <Drawer open={drawer} onOpenChange={setDrawer} title="Conversations">
        <HistoryHead onNew={() => show(null)} />
        {history}
      </Drawer>

      <section aria-label="Chat" className="relative flex min-w-0 flex-1 flex-col">
        {conversation === undefined ? null : <h1 className="sr-only">{conversation.title}</h1>}
        <PageBar>
          <IconButton label="Conversations" side="bottom" onClick={togglePanel}>
            <PanelLeft className="size-[1.125rem]" strokeWidth={1.75} aria-hidden />
          </IconButton>
          <ModelPicker
            chosen={model}
            onChoose={(next) => {
              setLastModel(next);
              if (conversation !== undefined) chatStore().chooseModel(conversation.id, next);
            }}
          />
          <span className="flex-1" />
          <ChatSettingsButton
            settings={
              conversation === undefined
                ? newSettings
                : { systemPrompt: conversation.systemPrompt, sampling: conversation.sampling ?? {} }
            }
            onSave={(settings) => {
              if (conversation === undefined) setNewSettings(settings);
              else chatStore().configure(conversation.id, settings);
            }}
          />
          <IconButton label="New chat" side="bottom" onClick={() => show(null)} className={clsx(panel && 'lg:hidden')}>
            <SquarePen className="size-[1.125rem]" strokeWidth={1.75} aria-hidden />
          </IconButton>
        </PageBar>

        <div ref={scroller} className="scroller flex min-h-0 flex-1 flex-col [scrollbar-gutter:stable]">
          <div ref={content} className={clsx(COLUMN, 'flex-1 pt-6 pb-6', activeId === null && 'flex flex-col')}>
            {activeId === null ? (
              <EmptyChat onPick={send} />
            ) : (
              <Conversation
                state={
                  !ready
                    ? 'loading'
                    : conversation === undefined
                      ? 'missing'
                      : threads.has(activeId)
                        ? 'there'
                        : 'loading'
                }
                onNew={() => show(null)}
              >
                <AskContext value={ask}>
                  <MessageList
                    key={activeId}
                    thread={thread}
                    leafId={conversation?.leafId ?? null}
                    onRegenerate={regenerate}
                    onEdit={edit}
                  />
                </AskContext>
              </Conversation>
            )}
          </div>

          <div className="sticky bottom-0 z-10 bg-canvas">
            {pinned || activeId === null ? null : (
              <div className="pointer-events-none absolute inset-x-0 -top-11 flex justify-center">
                <Button size="sm" onClick={toEnd} className="pointer-events-auto rounded-full! shadow-float">
                  <ArrowDown className="size-3.5" aria-hidden />
                  Jump to latest
                </Button>
              </div>
            )}
            <div className={clsx(COLUMN, 'pb-3 md:pb-4')}>
              <ModelNotice compact={activeId !== null} />
              <Composer
                field={field}
                draftKey={`draft:${activeId ?? 'new'}`}
                running={running !== undefined}
                onSend={send}
                onStop={stop}
              />
            </div>
          </div>
        </div>
        <StreamingStatus message={leaf} />
      </section>
    </div>
  );
}

const COLUMN = 'mx-auto w-full max-w-[49rem] px-4 sm:px-6';

function HistoryHead({ onNew }: { onNew: () => void }) {
  return (
    <div className="relative flex items-center gap-1 p-2">
      <button
        type="button"
        onClick={onNew}
        className="flex h-9 min-w-0 flex-1 items-center gap-2 rounded-md px-2 font-medium text-sm transition-colors hover:bg-hover pointer-coarse:h-10"
      >
        <SquarePen className="size-4 text-accent" strokeWidth={1.75} aria-hidden />
        New chat
      </button>
      <HistoryTransfer />
    </div>
  );
}

interface ConversationProps {
  state: 'loading' | 'missing' | 'there';
  onNew: () => void;
  children: React.ReactNode;
}

function Conversation({ state, onNew, children }: ConversationProps) {
  if (state === 'there') return children;
  if (state === 'loading')
    return (
      <div aria-hidden className="flex flex-col gap-6">
        <div className="skeleton h-10 w-2/5 self-end" />
        <div className="flex flex-col gap-3">
          <div className="skeleton h-4 w-full" />
          <div className="skeleton h-4 w-11/12" />
          <div className="skeleton h-4 w-2/3" />
        </div>
      </div>
    );
  return (
    <div className="flex flex-col items-start gap-3 pt-16">
      <h1 className="font-semibold text-xl">This conversation is not in this browser</h1>
      <p className="text-ink-2">
        It was deleted, or it was held on another machine. Conversations never leave the browser they began in.
      </p>
      <Button kind="primary" onClick={onNew}>
        Start a new chat
      </Button>
    </div>
  );
}
