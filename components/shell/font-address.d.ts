/** The URL of a font (next.config.mjs). */
declare module '*.woff2?address' {
  const address: string;
  export default address;
}
