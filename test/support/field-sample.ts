/** How a field of a type gets into a whole request, and two values for each field. */
export interface FieldSample {
  /** The request that differs only in not having the field. */
  base?: object;
  put(field: string, value: unknown): object;
  values: Readonly<Record<string, readonly [unknown, unknown]>>;
  /** Fields without which there is no request of this type, which every other row sends. */
  always?: readonly string[];
}
