/** An app as somebody else writes it: notes in a list, against the packed SDK. */
import { ask, collection, lww, open, set, text, type OpenOptions } from '@skerry/sdk';

interface Note {
  title: string;
  body: string;
  tags: string[];
  pinned: boolean;
}

const collections = {
  notes: collection<Note>({ fields: { title: ask(), body: text(), tags: set(), pinned: lww() } }),
};

export async function showNotes(worker: Pick<OpenOptions<typeof collections>, 'worker'> = {}): Promise<void> {
  const db = await open({ name: 'notes', sync: { url: '/sync' }, collections, ...worker });
  const [form, list, state] = [find('form'), find('ul'), find('output')];

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const title = String(new FormData(form).get('title'));
    void db.notes.insert({ title, body: '', tags: [], pinned: false }).then(() => form.reset());
  });
  db.notes.live({ orderBy: 'title' }).subscribe((notes) => {
    list.replaceChildren(
      ...notes.map(({ title }) => Object.assign(document.createElement('li'), { textContent: title })),
    );
  });
  db.status$.subscribe(({ connection, pending, reason }) => {
    state.textContent = `${connection}, ${pending.changes} to send ${reason?.message ?? ''}`;
  });
}

function find<K extends keyof HTMLElementTagNameMap>(name: K): HTMLElementTagNameMap[K] {
  return document.querySelector(name)!;
}
