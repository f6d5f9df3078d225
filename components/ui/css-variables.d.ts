import 'react';

declare module 'react' {
  interface CSSProperties {
    /** What a rule of ours reads with `var(…)`. */
    [name: `--${string}`]: string | number;
  }
}
