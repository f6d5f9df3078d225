'use client';

import { memo, useEffect, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { LazyImageList } from '#components/chat/lazy-image-list';
import { LazyTextAttachmentList } from '#components/chat/lazy-text-attachments';
import { MessageTime } from '#components/chat/message-time';
import { QuestionText } from '#components/chat/question-text';
import { type VersionPosition, VersionSwitcher } from '#components/chat/version-switcher';
import { Button } from '#components/ui/button';
import { CopyButton } from '#components/ui/copy-button';
import { IconButton } from '#components/ui/icon-button';
import { Menu } from '#components/ui/menu';
import { TurnIcon } from '#components/ui/turn-icon';
import { fieldDirection } from '#lib/browser/text-direction';
import type { UserMessage } from './conversation.ts';
import { deleteWithUndo } from './delete-with-undo.ts';
import { TURN_STRINGS } from './strings/turns.ts';

interface QuestionTurnProps extends VersionPosition {
  message: UserMessage;
  onEdit: (questionId: string, text: string) => void;
}

export const QuestionTurn = memo(function QuestionTurn({ message, onEdit, ...position }: QuestionTurnProps) {
  const [editing, setEditing] = useState(false);
  const change = useRef<HTMLButtonElement>(null);
  if (editing)
    return (
      <Editor
        text={message.content}
        onCancel={() => {
          flushSync(() => setEditing(false));
          change.current?.focus();
        }}
        onSend={(text) => {
          setEditing(false);
          onEdit(message.id, text);
        }}
      />
    );
  return (
    <article aria-label={TURN_STRINGS.question} className="group/turn flex flex-col items-end">
      {message.images === undefined ? null : <LazyImageList images={message.images} className="mb-2 justify-end" />}
      {message.files === undefined ? null : (
        <LazyTextAttachmentList files={message.files} className="mb-2 justify-end" />
      )}
      {message.content === '' ? null : <QuestionText text={message.content} />}
      <div className="turn-actions mt-0.5 flex items-center">
        <MessageTime at={message.createdAt} />
        {/* Toggles the icons alone: a transparent box would be a compositing layer in each turn of a long chat. */}
        <span className="flex items-center focus-within:[&_svg]:visible group-hover/turn:[&_svg]:visible pointer-fine:[&_svg]:invisible">
          <IconButton ref={change} label={TURN_STRINGS.edit} onClick={() => setEditing(true)}>
            <TurnIcon name="pencil" />
          </IconButton>
          <CopyButton text={message.content} label={TURN_STRINGS.copy} />
          <Menu
            trigger={
              <IconButton label={TURN_STRINGS.moreForQuestion}>
                <TurnIcon name="ellipsis" />
              </IconButton>
            }
            items={[
              {
                label: TURN_STRINGS.deletePair,
                danger: true,
                onSelect: () => deleteWithUndo(message, 'pair', TURN_STRINGS.deletedPair),
              },
              {
                label: TURN_STRINGS.deleteBelow,
                danger: true,
                onSelect: () => deleteWithUndo(message, 'below', TURN_STRINGS.deletedBelow),
              },
            ]}
          />
        </span>
        <VersionSwitcher conversationId={message.conversationId} {...position} />
      </div>
    </article>
  );
});

function Editor({ text, onCancel, onSend }: { text: string; onCancel: () => void; onSend: (text: string) => void }) {
  const [value, setValue] = useState(text);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    field.current?.focus();
    field.current?.setSelectionRange(text.length, text.length);
  }, [text]);
  const send = () => {
    if (value.trim() !== '') onSend(value.trim());
  };
  return (
    <form
      className="rounded-lg border bg-surface p-2 focus-within:border-line-strong"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={field}
        aria-label={TURN_STRINGS.editField}
        dir={fieldDirection(value)}
        rows={Math.min(12, value.split('\n', 12).length + 1)}
        className="w-full resize-none bg-transparent px-1.5 py-1 leading-6 outline-none"
        defaultValue={text}
        onChange={(event) => setValue(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') onCancel();
          if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing && event.keyCode !== 229) {
            event.preventDefault();
            send();
          }
        }}
      />
      <div className="flex justify-end gap-2">
        <Button size="sm" kind="quiet" onClick={onCancel}>
          {TURN_STRINGS.cancel}
        </Button>
        <Button size="sm" kind="primary" type="submit" disabled={value.trim() === ''}>
          {TURN_STRINGS.send}
        </Button>
      </div>
    </form>
  );
}
