/** The font's address (next.config.mjs). */
declare module '*.woff2?address' {
  const address: string;
  export default address;
}
