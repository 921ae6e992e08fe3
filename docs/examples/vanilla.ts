/** Without a framework: what the database says is drawn whenever it changes. */
import { container, db } from './database.ts';

const form = document.createElement('form');
form.innerHTML = '<input name="title" aria-label="Title" /><button>Add</button>';
const list = document.createElement('ul');
const status = document.createElement('output');
container.append(form, list, status);

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const title = String(new FormData(form).get('title'));
  void db.notes.insert({ title, pinned: false }).then(() => form.reset());
});

db.notes.live({ orderBy: 'title' }).subscribe((notes) => {
  list.replaceChildren(
    ...notes.map(({ title }) => Object.assign(document.createElement('li'), { textContent: title })),
  );
});
db.status$.subscribe(({ connection }) => (status.textContent = connection));
