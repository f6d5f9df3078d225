/** A sentence for anyone, whoever asks: where a model server is found is the operator's business. */
export function withoutAddresses(sentence: string): string {
  return sentence.replace(/ (?:at|to|from) https?:\/\/[^\s,;]*[^\s,;.]/g, '');
}
