/** A chat's messages and what stands around them, as one piece of code. */
export { ChatTitle } from '#components/chat/chat-title';
export { ContextGauge, ContextNotice } from '#components/chat/context-gauge';
export { NotifyOffer } from '#components/chat/notify-offer';
export { PlacedMessages } from '#components/chat/placed-messages';
export { QuestionJump } from '#components/chat/question-jump';
export { StreamingStatus } from '#components/chat/streaming-status';
