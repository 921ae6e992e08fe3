/** Solid: `from()` makes a signal of an observable. Written without JSX, so that it needs no compiler. */
import { createEffect, from } from 'solid-js';
import { render } from 'solid-js/web';

import { container, db } from './database.ts';

render(() => {
  const notes = from(db.notes.live({ orderBy: 'title' }));
  const status = from(db.status$);
  const [list, output] = [document.createElement('ul'), document.createElement('output')];
  createEffect(() => {
    const titles = notes()?.map(({ title }) => title) ?? [];
    list.replaceChildren(...titles.map((title) => Object.assign(document.createElement('li'), { textContent: title })));
  });
  createEffect(() => (output.textContent = status()?.connection ?? ''));
  return [list, output];
}, container);
