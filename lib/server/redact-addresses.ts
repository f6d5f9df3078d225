/** Removes addresses of model servers from a sentence for clients. */
export function redactAddresses(sentence: string): string {
  return sentence.replace(/ (?:at|to|from) https?:\/\/[^\s,;]*[^\s,;.]/g, '');
}
