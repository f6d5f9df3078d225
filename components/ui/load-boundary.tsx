'use client';

import { Component, type ReactNode } from 'react';

interface LoadBoundaryProps {
  /** Shown instead of content that cannot be rendered. */
  fallback: ReactNode;
  children: ReactNode;
}

/** Keeps a part whose code could not be fetched from replacing the whole page. */
export class LoadBoundary extends Component<LoadBoundaryProps, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  override render(): ReactNode {
    return this.state.hasFailed ? this.props.fallback : this.props.children;
  }
}
