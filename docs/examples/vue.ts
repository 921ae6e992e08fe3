/** Vue: an observable is followed by a ref that ends with its component. */
import { createApp, defineComponent, h, onScopeDispose, shallowRef, type ShallowRef } from 'vue';

import { container, db } from './database.ts';

/** `value`, which every observable of the SDK has, is what it shows before the first change. */
interface Observed<T> {
  readonly value: T;
  subscribe(next: (value: NonNullable<T>) => void): { unsubscribe(): void };
}

function useObservable<T>(source: Observed<T>): Readonly<ShallowRef<T>> {
  const ref = shallowRef(source.value);
  const subscription = source.subscribe((value) => (ref.value = value));
  onScopeDispose(() => subscription.unsubscribe());
  return ref;
}

const Notes = defineComponent(() => {
  const notes = useObservable(db.notes.live({ orderBy: 'title' }));
  const status = useObservable(db.status$);
  return () => [
    h(
      'ul',
      notes.value?.map(({ id, title }) => h('li', { key: id }, title)),
    ),
    h('output', status.value.connection),
  ];
});

createApp(Notes).mount(container);
