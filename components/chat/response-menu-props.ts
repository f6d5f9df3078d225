import type { MenuProps } from '#components/ui/popup-props';
import type { AssistantMessage } from './conversation.ts';

/** The choices of a response's second request. */
export interface RegenerateOptions {
  /** Another model than the conversation's. */
  model?: string | undefined;
  /** The conversation keeps its model. */
  isOnce?: boolean;
  /** Appends the rest of the response instead of beginning again. */
  continues?: boolean;
}

export type OnRegenerate = (responseId: string, options?: RegenerateOptions) => void;

export interface ResponseMenuProps {
  message: AssistantMessage;
  /** `models`: a model for the whole conversation; `all`: for this response, and deletion. */
  kind: 'models' | 'all';
  hasVersions: boolean;
  trigger: MenuProps['trigger'];
  onRegenerate: OnRegenerate;
}
