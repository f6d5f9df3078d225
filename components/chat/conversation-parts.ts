/** What a chat with messages shows around them, as one piece of code. */
export { ChatTitle } from '#components/chat/chat-title';
export { NotifyOffer } from '#components/chat/notify-offer';
export { QuestionJump } from '#components/chat/question-jump';
export { StreamingStatus } from '#components/chat/streaming-status';
