'use client';

import { createContext } from 'react';

/** Sends a text to the model as the next question; undefined outside of a conversation. */
export const AskContext = createContext<((text: string) => void) | undefined>(undefined);
