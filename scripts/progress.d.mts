export interface ProgressOutput {
  isTTY?: boolean;
  columns?: number;
  write: (text: string) => unknown;
}
export interface Progress {
  /** Shown behind the elapsed time. */
  note: (text: string) => void;
  /** Stands on a line by itself. */
  line: (text: string) => void;
  end: (text: string) => void;
}
export declare function progress(title: string, out?: ProgressOutput, now?: () => number): Progress;
