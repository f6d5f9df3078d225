/**
 * Examples of the CommonMark specification, CC-BY-SA 4.0 (https://spec.commonmark.org). The
 * package has no types.
 */
declare module 'commonmark-spec' {
  const spec: { tests: { number: number; section: string; markdown: string; html: string }[] };
  export default spec;
}
