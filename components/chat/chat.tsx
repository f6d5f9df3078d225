'use client';

import clsx from 'clsx';
import { ArrowDown, PanelLeft, SquarePen } from 'lucide-react';
import { useSearchParams } from 'next/navigation';
import { Suspense, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { AttachButton } from '#components/chat/attach-button';
import { ChatNotes, shownModelName, usesContext } from '#components/chat/chat-notes';
import { useChatSettings } from '#components/chat/chat-settings';
import { Composer } from '#components/chat/composer';
import { ConversationState } from '#components/chat/conversation-state';
import { DropTarget } from '#components/chat/drop-target';
import { EmptyChatTitle, ExamplePrompts } from '#components/chat/empty-chat';
import { HistoryPanel } from '#components/chat/history-panel';
import {
  chatTitle,
  contextGauge,
  conversationParts,
  messageList,
  notifyOffer,
  PreloadedConversation,
  questionJump,
  reasoningSelect,
  streamingStatus,
} from '#components/chat/messages';
import { ModelPicker } from '#components/chat/model-picker';
import type { PlacedMessagesHandle } from '#components/chat/placed-messages';
import { AskContext } from '#components/markdown/ask-context';
import { PageBar } from '#components/shell/page-bar';
import { IconButton } from '#components/ui/icon-button';
import { HISTORY_COOKIE, setCookie } from '#lib/browser/cookies';
import { useLoaded, usePreloaded } from '#lib/browser/loadable';
import { useStored } from '#lib/browser/local-storage';
import { useModels } from '#lib/browser/service-status';
import { useFileDrop } from '#lib/browser/use-file-drop';
import { usePinnedScroll } from '#lib/browser/use-pinned-scroll';
import { canLengthen, contextLimit } from './context-limit.ts';
import { EMPTY_THREAD, hasImages as threadHasImages } from './conversation.ts';
import { draftKey } from './draft.ts';
import { NEW_CHAT } from './history-db.ts';
import { PreloadedResponseCode } from './lazy-response-code.ts';
import { capabilitiesOf, modelByName, thinkingModesOf } from './model-capabilities.ts';
import { OnlyModelContext } from './only-model-context.ts';
import { loadedOutbox, queuedMessages, useOutbox } from './outbox.ts';
import { takeTargetFromAddress } from './search-target.ts';
import { COMPOSER_STRINGS } from './strings/composer.ts';
import { HISTORY_STRINGS } from './strings/history.ts';
import { useReadMark } from './use-activity.ts';
import { chatStore, preloadChat, useChatField, useChatLifecycle, useChatSelector } from './use-chat.ts';
import { useChatAttachments } from './use-chat-attachments.ts';
import { useChatCommands } from './use-chat-commands.ts';
import { runningLeaf, useSending } from './use-sending.ts';
import { useStartedChat } from './use-started-chat.ts';

/**
 * The query parameter with the conversation's id: a reload, a second tab and the back button find
 * it.
 */
const PARAMETER = 'c';

const linkedId = typeof location === 'undefined' ? null : new URLSearchParams(location.search).get(PARAMETER);
if (linkedId !== null) {
  takeTargetFromAddress();
  conversationParts.preload();
  preloadChat(linkedId);
}

interface ChatProps {
  historyOpen: boolean;
  /** The notice about the model that the server rendered. */
  notice: string | null;
  hiddenNotice: string | undefined;
}

export function Chat({ historyOpen, notice, hiddenNotice }: ChatProps) {
  const activeId = useSearchParams().get(PARAMETER);
  // Later the code is there, or on its way.
  const [opensWithChat] = useState(activeId !== null);
  useChatLifecycle();
  usePreloaded(conversationParts, activeId !== null);
  const hasCode = useLoaded(activeId !== null, conversationParts);
  const ready = useChatField('ready');
  const conversations = useChatField('conversations');
  const conversation = conversations.find(({ id }) => id === activeId);
  // Only rarely changing state is selected here: a streaming response re-renders its turn alone.
  const isRead = useChatSelector(({ threads }) => activeId !== null && threads.has(activeId));
  const hasMessages = isRead && hasCode;
  const runningId = useChatSelector((state) => runningLeaf(state, activeId));
  const hasImages = useChatSelector(({ threads }) => threadHasImages(threads.get(activeId ?? '') ?? EMPTY_THREAD));

  const [lastModel, setLastModel] = useStored('model');
  const model = conversation?.model ?? (lastModel === '' ? null : lastModel);
  const { data: models } = useModels();
  const { vision, thinking } = capabilitiesOf(models, model);
  const name = model ?? models?.default_model;
  const choice = useMemo(() => ({ model, capabilities: { vision, thinking }, name }), [model, vision, thinking, name]);
  const hasReasoning = useLoaded(models !== undefined && thinking, reasoningSelect);
  const chatSettings = useChatSettings(conversation, models, model);
  const { settings } = chatSettings;
  const modelInfo = models === undefined ? undefined : modelByName(models, model);
  const limit = contextLimit(models, model, settings);
  const chooseModel = (next: string) => {
    setLastModel(next);
    if (conversation !== undefined) chatStore().chooseModel(conversation.id, next);
  };
  const [isPanelOpen, setPanelOpen] = useState(historyOpen);
  const [isDrawerOpen, setDrawerOpen] = useState(false);

  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const scroll = usePinnedScroll(scroller, content, activeId !== null);
  const { pinned, scrollToEnd: scrollView } = scroll;
  // The messages are placed in it with their first render: it must be there before.
  const [hasView, setHasView] = useState(!hasMessages);
  useLayoutEffect(() => setHasView(true), []);
  const leafId = conversation?.leafId ?? null;
  const messages = useRef<PlacedMessagesHandle>(null);
  const goTo = useCallback((messageId: string) => messages.current?.goTo(messageId), []);
  const scrollToEnd = useCallback(() => (messages.current?.goToEnd ?? scrollView)(), [scrollView]);
  useReadMark(activeId);

  const isKnown = conversation !== undefined;
  useEffect(() => {
    // Again when a deleted conversation comes back.
    if (ready && activeId !== null && isKnown) void chatStore().open(activeId);
  }, [ready, activeId, isKnown]);

  const show = useCallback((id: string | null) => {
    window.history.pushState(null, '', id === null ? '/' : `/?${PARAMETER}=${encodeURIComponent(id)}`);
    setDrawerOpen(false);
    field.current?.focus();
  }, []);

  const chat = activeId ?? NEW_CHAT;
  const noVisionSentence = COMPOSER_STRINGS.noVision(shownModelName(models, model));
  const attachments = useChatAttachments(chat, vision, noVisionSentence);
  const showsContext = (activeId === null || hasMessages) && usesContext(conversation, attachments);
  const hasGauge = useLoaded(showsContext, contextGauge);
  const { messages: queued, ...queueState } = useOutbox(chat, models);
  const outbox = loadedOutbox();
  const { handleSent } = chatSettings;
  const hasQueueCode = useLoaded(queued.length > 0, queuedMessages);
  useStartedChat(activeId, handleSent, show);
  const drop = useFileDrop(attachments.attach);

  const { send, ask, regenerate, edit, stop } = useSending({
    ...{ activeId, conversation, models, choice, chatSettings, runningId, attachments, noVisionSentence },
    ...{ queued, wait: queueState.wait, field, show, scrollToEnd },
  });
  const togglePanel = () => {
    const hasRoom = chatSettings.isOpen ? '(width >= 80rem)' : '(width >= 64rem)';
    if (!window.matchMedia(hasRoom).matches) setDrawerOpen(true);
    else {
      setCookie(HISTORY_COOKIE, isPanelOpen ? 'closed' : 'open');
      setPanelOpen(!isPanelOpen);
    }
  };

  const notes = (
    <ChatNotes
      {...{ conversation, attachments, models, model, limit, showsContext, first: notice, hidden: hiddenNotice }}
      compact={activeId !== null}
      ignoredImages={!vision && hasImages}
      onChoose={chooseModel}
      onLengthen={canLengthen(modelInfo, limit) ? chatSettings.show : undefined}
      onNewChat={conversation === undefined ? undefined : () => show(null)}
    />
  );
  const offer = { onRegenerate: regenerate, onTogglePanel: togglePanel, onShow: show };
  const commands = useChatCommands({ conversation, runningId, ...offer });
  return (
    <div className="flex min-h-0 flex-1">
      {opensWithChat ? (
        <Suspense>
          <PreloadedConversation />
          <PreloadedResponseCode />
        </Suspense>
      ) : null}
      <HistoryPanel
        activeId={activeId}
        isOpen={isPanelOpen}
        hasNeighbour={chatSettings.isOpen}
        isDrawerOpen={isDrawerOpen}
        onDrawerOpen={setDrawerOpen}
        onShow={show}
      />
      <section
        aria-label={HISTORY_STRINGS.page}
        data-chat
        className="relative flex min-w-0 flex-1 flex-col"
        {...drop.handlers}
      >
        {drop.isOver ? <DropTarget label={vision ? COMPOSER_STRINGS.dropAll : COMPOSER_STRINGS.dropText} /> : null}
        {conversation === undefined ? null : <h1 className="sr-only">{conversation.title}</h1>}
        <PageBar>
          {/* Both sides are equally wide, so that the title is above the middle of the text. */}
          <span className="flex min-w-0 flex-auto items-center gap-1 sm:min-w-auto sm:flex-1">
            <IconButton label={HISTORY_STRINGS.list} side="bottom" onClick={togglePanel}>
              <PanelLeft className="size-[1.125rem]" strokeWidth={1.75} aria-hidden />
            </IconButton>
            <ModelPicker chosen={model} onChoose={chooseModel} />
          </span>
          {conversation === undefined || !hasCode ? null : (
            <chatTitle.Component
              key={activeId}
              conversation={conversation}
              isRunning={runningId !== undefined}
              renaming={commands.renaming}
              onRenaming={commands.setRenaming}
            />
          )}
          <span className="flex flex-none items-center justify-end gap-1 sm:flex-1">
            {activeId === null || !hasMessages ? null : (
              <questionJump.Component conversationId={activeId} leafId={leafId} scroller={scroller} onJump={goTo} />
            )}
            <span ref={commands.settings} className="contents">
              {chatSettings.button}
            </span>
            <IconButton
              label={HISTORY_STRINGS.newChat}
              side="bottom"
              onClick={() => show(null)}
              className={clsx(isPanelOpen && 'lg:hidden')}
            >
              <SquarePen className="size-[1.125rem]" strokeWidth={1.75} aria-hidden />
            </IconButton>
          </span>
        </PageBar>

        <div
          ref={scroller}
          className="scroller flex min-h-0 flex-1 flex-col [scrollbar-gutter:stable] sm:[scrollbar-gutter:stable_both-edges]"
        >
          <div ref={content} className={clsx(COLUMN, activeId === null ? EMPTY : 'flex-1 pt-6 pb-6')}>
            {activeId === null ? (
              <>
                <EmptyChatTitle />
                {notes}
              </>
            ) : (
              <ConversationState
                state={
                  !ready
                    ? 'loading'
                    : conversation === undefined
                      ? 'missing'
                      : hasMessages && hasView
                        ? 'there'
                        : 'loading'
                }
                onNew={() => show(null)}
              >
                {/* All messages were deleted. */}
                {leafId === null ? <EmptyChatTitle /> : null}
                <OnlyModelContext value={models !== undefined && models.models.length < 2}>
                  <AskContext value={ask}>
                    <messageList.Component
                      conversationId={activeId}
                      leafId={leafId}
                      {...{ scroller, ...scroll }}
                      onRegenerate={regenerate}
                      onEdit={edit}
                      handle={messages}
                    />
                  </AskContext>
                </OnlyModelContext>
              </ConversationState>
            )}
          </div>

          <div
            className={clsx(
              'composer-dock bg-canvas',
              'sticky bottom-0 z-10',
              activeId === null
                ? 'max-sm:order-1 sm:static'
                : 'before:pointer-events-none before:absolute before:inset-x-0 before:-top-6 before:h-6 before:bg-linear-to-t before:from-canvas before:to-transparent',
            )}
          >
            {pinned || activeId === null ? null : (
              // Next to the column of text, or at its end where there is no margin.
              <IconButton
                label={HISTORY_STRINGS.jumpToLatest}
                onClick={scrollToEnd}
                className="absolute end-[max(0.5rem,50%-26rem)] -top-11 rounded-full! bg-surface shadow-float"
              >
                <ArrowDown className="size-4" aria-hidden />
              </IconButton>
            )}
            <div className={clsx(COLUMN, 'pb-3 md:pb-4')}>
              {hasCode ? <notifyOffer.Component conversationId={activeId} leafId={leafId} /> : null}
              {activeId === null ? null : notes}
              {outbox !== undefined && queued.length > 0 && hasQueueCode ? (
                <queuedMessages.Component
                  {...{ outbox, chat, messages: queued, ...queueState }}
                  onDone={() => field.current?.focus()}
                />
              ) : null}
              <Composer
                field={field}
                draftKey={draftKey(chat)}
                running={runningId !== undefined}
                waiting={activeId !== null && !ready}
                attachments={attachments}
                tools={
                  models === undefined ? null : (
                    <>
                      <AttachButton onFiles={attachments.attach} />
                      {thinking && hasReasoning ? (
                        <reasoningSelect.Component
                          modes={thinkingModesOf(modelInfo)}
                          think={settings.think}
                          onChange={chatSettings.chooseThinking}
                        />
                      ) : null}
                      {hasGauge ? <contextGauge.Component {...{ conversation, attachments, limit }} /> : null}
                    </>
                  )
                }
                onSend={send}
                onStop={stop}
              />
            </div>
          </div>
          {activeId === null ? (
            <div className={clsx(COLUMN, 'pb-4 max-sm:flex-1 sm:pt-1')}>
              <ExamplePrompts onPick={send} />
            </div>
          ) : null}
        </div>
        {/* There from the start: a new live region is not announced. */}
        <p role="status" className="sr-only">
          {hasCode ? <streamingStatus.Component conversationId={activeId} leafId={leafId} /> : null}
        </p>
      </section>
      {chatSettings.panel}
    </div>
  );
}

/**
 * The upper part of a chat without messages. Its end is fixed, so that a note that comes later does
 * not move the composer below it.
 */
const EMPTY = 'flex shrink-0 flex-col justify-end pt-4 sm:min-h-[max(10rem,34dvh)] max-sm:pb-2';

const COLUMN = 'mx-auto w-full max-w-[49rem] px-4 sm:px-6';
