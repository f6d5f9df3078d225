/** Paths below `/api/diagrams/`: the frame, and the versioned folder of Mermaid's modules. */
export const DIAGRAM_FRAME = 'frame';
export const DIAGRAM_MODULES = 'mermaid-12.3.0';
