/** What the compiler of Svelte makes of a component, which TypeScript cannot read. */
declare module '*.svelte' {
  const component: import('svelte').Component;
  export default component;
}
