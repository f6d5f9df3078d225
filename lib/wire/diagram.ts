/** Under `/api/diagrams/`: the document in which diagrams are drawn, and the folder of the modules for it, by their version. */
export const DIAGRAM_FRAME = 'frame';
export const DIAGRAM_MODULES = 'mermaid-12.3.0';
