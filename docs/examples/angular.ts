/**
 * Angular: templates take an observable through the `async` pipe.
 *
 *     <li *ngFor="let note of notes$ | async">{{ note.title }}</li>
 *     <output>{{ (status$ | async)?.connection }}</output>
 *
 * Angular itself is not here: `AsyncPipe` below does with an observable what the pipe of @angular/common does.
 */
import { container, db } from './database.ts';

class NotesComponent {
  readonly notes$ = db.notes.live({ orderBy: 'title' });
  readonly status$ = db.status$;
}

/** `Subscribable` of @angular/core. */
interface Subscribable<T> {
  subscribe(observer: { next: (value: T) => void; error: (error: unknown) => void }): { unsubscribe(): void };
}

class AsyncPipe<T> {
  #latest: T | null = null;
  #source: Subscribable<T> | null = null;
  #subscription: { unsubscribe(): void } | null = null;
  readonly #markForCheck: () => void;

  constructor(markForCheck: () => void) {
    this.#markForCheck = markForCheck;
  }

  transform(source: Subscribable<T>): T | null {
    if (source === this.#source) return this.#latest;
    this.ngOnDestroy();
    this.#source = source;
    this.#subscription = source.subscribe({
      next: (value) => {
        if (source !== this.#source) return;
        this.#latest = value;
        this.#markForCheck();
      },
      error: (error) => reportError(error),
    });
    return this.#latest;
  }

  ngOnDestroy(): void {
    this.#subscription?.unsubscribe();
    this.#subscription = null;
    this.#source = null;
    this.#latest = null;
  }
}

/** What the compiled template comes to. */
function mount(component: NotesComponent, target: HTMLElement): void {
  const [list, status] = [document.createElement('ul'), document.createElement('output')];
  target.append(list, status);
  const markForCheck = (): void => queueMicrotask(check);
  const notes = new AsyncPipe<readonly { readonly title: string }[]>(markForCheck);
  const connection = new AsyncPipe<{ readonly connection: string }>(markForCheck);
  const check = (): void => {
    const items = (notes.transform(component.notes$) ?? []).map(({ title }) =>
      Object.assign(document.createElement('li'), { textContent: title }),
    );
    list.replaceChildren(...items);
    status.textContent = connection.transform(component.status$)?.connection ?? '';
  };
  check();
}

mount(new NotesComponent(), container);
