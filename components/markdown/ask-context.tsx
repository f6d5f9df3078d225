'use client';

import { createContext } from 'react';

/** Hands a text to the model as the next question; undefined where there is no conversation around. */
export const AskContext = createContext<((text: string) => void) | undefined>(undefined);
