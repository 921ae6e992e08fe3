/** A skerry: a small rock with the sea around it. */
import type { ReactNode } from 'react';

export function Logo(): ReactNode {
  return (
    <span className="logo">
      <svg viewBox="0 0 32 32" width="30" height="30" aria-hidden="true">
        <rect width="32" height="32" rx="9" className="logo-sky" />
        <path d="M5 20.5 11.2 10c.5-.8 1.6-.8 2.1 0l3 5 2-2.6c.5-.7 1.500-.6 2 .1l6.700 8Z" className="logo-rock" />
        <path d="M4 22.500c2-1.500 4-1.500 6 0s4 1.500 6 0 4-1.500 6 0 4 1.500 6 0" className="logo-sea" />
        <path d="M9 26.500c1.500-1 3-1 4.500 0s3 1 4.500 0 3-1 4.500 0" className="logo-sea faint" />
      </svg>
      <span className="logo-name">Skerry</span>
    </span>
  );
}
