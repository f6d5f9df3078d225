'use client';

import { Clock, Paperclip, WifiOff } from 'lucide-react';
import { MessageEditor } from '#components/chat/message-editor';
import { Button } from '#components/ui/button';
import { showToast } from '#lib/browser/toasts';
import type { OutboxStore } from './outbox-store.ts';
import type { QueuedMessage, Wait } from './queued-message.ts';
import { WAITING_STRINGS } from './strings/waiting.ts';

export interface QueuedMessagesProps {
  outbox: OutboxStore;
  chat: string;
  messages: readonly QueuedMessage[];
  wait: Wait | undefined;
  editing: string | undefined;
  /** Where the focus goes when a message was edited or removed. */
  onDone: () => void;
}

/** Messages that are sent later, in their order, above the composer. */
export function QueuedMessages({ outbox, chat, messages, wait, editing, onDone }: QueuedMessagesProps) {
  const [first] = messages;
  const Icon = wait === 'network' ? WifiOff : Clock;
  const isHeld = wait === 'reader';
  return (
    <section
      aria-label={WAITING_STRINGS.waiting}
      className="mb-2 rounded-lg border border-line-strong border-dashed bg-canvas py-1.5"
    >
      <div className="flex min-h-8 items-center gap-2 ps-3.5 pe-2 text-ink-2 text-xs">
        <Icon className="size-3.5 shrink-0" strokeWidth={1.75} aria-hidden />
        <p role="status" className="min-w-0 flex-1">
          {sentenceOf(wait, outbox.refusalOf(first?.id ?? ''))}
        </p>
        {isHeld ? (
          <Button size="sm" kind="primary" onClick={() => outbox.sendNow(chat)}>
            {WAITING_STRINGS.sendNow}
          </Button>
        ) : null}
      </div>
      <ol className="scroller flex max-h-[25dvh] flex-col">
        {messages.map((message) => (
          <li key={message.id}>
            {message.id === editing ? (
              <Editor {...{ outbox, message, onDone }} />
            ) : (
              <Row {...{ outbox, message, onDone }} />
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}

function sentenceOf(wait: Wait | undefined, refusal: string | undefined): string {
  if (wait === 'network') return WAITING_STRINGS.waitsForNetwork;
  if (wait === 'reader') return WAITING_STRINGS.waitsForYou;
  if (wait === 'refused') return refusal ?? WAITING_STRINGS.waitsForYou;
  return WAITING_STRINGS.waitsForResponse;
}

interface RowProps {
  outbox: OutboxStore;
  message: QueuedMessage;
  onDone: () => void;
}

const SHOWN_CHARACTERS = 300;

function Row({ outbox, message: { id, chat, text, images, files }, onDone }: RowProps) {
  const shown = text.slice(0, SHOWN_CHARACTERS);
  const attachments = images.length + files.length;
  const name = shown === '' ? WAITING_STRINGS.attachments(attachments) : shown;
  const remove = () => {
    const restore = outbox.remove(chat, id);
    showToast({ text: WAITING_STRINGS.removed, action: { label: WAITING_STRINGS.undo, run: restore } });
    onDone();
  };
  return (
    <div className="flex items-center gap-1 ps-3.5 pe-2">
      <p dir="auto" className="line-clamp-2 min-w-0 flex-1 text-sm [overflow-wrap:anywhere]">
        {shown}
        {attachments === 0 ? null : (
          <span className="text-ink-2">
            {shown === '' ? null : ' · '}
            <Paperclip className="me-1 inline size-3.5" strokeWidth={1.75} aria-hidden />
            {WAITING_STRINGS.attachments(attachments)}
          </span>
        )}
      </p>
      <Button
        size="sm"
        kind="quiet"
        aria-label={WAITING_STRINGS.editWaiting(name)}
        onClick={() => outbox.edit(chat, id)}
      >
        {WAITING_STRINGS.edit}
      </Button>
      <Button size="sm" kind="quiet" aria-label={WAITING_STRINGS.removeWaiting(name)} onClick={remove}>
        {WAITING_STRINGS.remove}
      </Button>
    </div>
  );
}

function Editor({ outbox, message: { id, chat, text, images, files }, onDone }: RowProps) {
  const end = (changed?: string) => {
    outbox.endEdit(chat, id, changed);
    onDone();
  };
  return (
    <MessageEditor
      text={text}
      label={WAITING_STRINGS.editMessage}
      action={WAITING_STRINGS.save}
      canBeEmpty={images.length + files.length > 0}
      size="compact"
      onSave={end}
      onCancel={() => end()}
    />
  );
}
