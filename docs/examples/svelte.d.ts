/** What the compiler of Svelte makes of a component, which TypeScript cannot read. */
declare module '*.svelte' {
  import type { Component } from 'svelte';

  const component: Component;
  export default component;
}
