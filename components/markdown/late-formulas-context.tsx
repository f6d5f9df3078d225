'use client';

import { createContext } from 'react';

/** Whether formulas are drawn only when they come into view: there are many in the response. */
export const LateFormulasContext = createContext(false);
