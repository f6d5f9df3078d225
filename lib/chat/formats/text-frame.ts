/** What stands around a text in an encoded event, which is the same for each text. */
export interface TextFrame {
  readonly before: string;
  readonly after: string;
}

/**
 * The parts of an encoded event around its empty text, which ends `field`: `{"text":""`. No JSON
 * string can hold the field.
 */
export function textFrame(event: string, field: string): TextFrame {
  const at = event.indexOf(field) + field.length;
  return { before: event.slice(0, at - 2), after: event.slice(at) };
}
