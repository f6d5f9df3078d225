'use client';

import { memo, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { LazyImageList } from '#components/chat/lazy-image-list';
import { LazyTextAttachmentList } from '#components/chat/lazy-text-attachments';
import { MessageEditor } from '#components/chat/message-editor';
import { MessageTime } from '#components/chat/message-time';
import { QuestionText } from '#components/chat/question-text';
import { type VersionPosition, VersionSwitcher } from '#components/chat/version-switcher';
import { CopyButton } from '#components/ui/copy-button';
import { IconButton } from '#components/ui/icon-button';
import { Menu } from '#components/ui/menu';
import { TurnIcon } from '#components/ui/turn-icon';
import type { UserMessage } from './conversation.ts';
import { deleteWithUndo } from './delete-with-undo.ts';
import { TURN_STRINGS } from './strings/turns.ts';
import { useFinePointer } from './use-fine-pointer.ts';

interface QuestionTurnProps extends VersionPosition {
  message: UserMessage;
  onEdit: (questionId: string, text: string) => void;
}

export const QuestionTurn = memo(function QuestionTurn({ message, onEdit, ...position }: QuestionTurnProps) {
  const [editing, setEditing] = useState(false);
  const change = useRef<HTMLButtonElement>(null);
  const [isReached, setReached] = useState(false);
  // For a mouse they are invisible until it or the focus is in the turn.
  const hasIcons = !useFinePointer() || isReached;
  const reach = () => setReached(true);
  if (editing)
    return (
      <MessageEditor
        text={message.content}
        label={TURN_STRINGS.editField}
        action={TURN_STRINGS.send}
        onCancel={() => {
          flushSync(() => setEditing(false));
          change.current?.focus();
        }}
        onSave={(text) => {
          setEditing(false);
          onEdit(message.id, text);
        }}
      />
    );
  return (
    <article
      aria-label={TURN_STRINGS.question}
      className="group/turn flex flex-col items-end"
      onPointerEnter={reach}
      onFocus={reach}
    >
      {message.images === undefined ? null : <LazyImageList images={message.images} className="mb-2 justify-end" />}
      {message.files === undefined ? null : (
        <LazyTextAttachmentList files={message.files} className="mb-2 justify-end" />
      )}
      {message.content === '' ? null : <QuestionText text={message.content} />}
      <div className="turn-actions mt-0.5 flex items-center">
        <MessageTime at={message.createdAt} className="px-1.5" />
        {/*
         * Toggles the icons alone: a transparent box would be a compositing layer in each turn of a
         * long chat.
         */}
        <span className="flex items-center focus-within:[&_svg]:visible group-hover/turn:[&_svg]:visible pointer-fine:[&_svg]:invisible">
          <IconButton ref={change} label={TURN_STRINGS.edit} onClick={() => setEditing(true)}>
            {hasIcons ? <TurnIcon name="pencil" /> : null}
          </IconButton>
          <CopyButton text={message.content} label={TURN_STRINGS.copy} hasIcon={hasIcons} />
          <Menu
            trigger={
              <IconButton label={TURN_STRINGS.moreForQuestion}>
                {hasIcons ? <TurnIcon name="ellipsis" /> : null}
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
