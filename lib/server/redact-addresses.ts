/** Removes addresses of model servers from a sentence that any client may read. */
export function redactAddresses(sentence: string): string {
  return sentence.replace(/ (?:at|to|from) https?:\/\/[^\s,;]*[^\s,;.]/g, '');
}
