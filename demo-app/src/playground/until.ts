/** Waits for a state to become what is wanted. */
import { Subscription, type Observable } from 'rxjs';

/** The first value of which `pick` makes something. */
export function until<T, R>(
  source: Observable<T>,
  pick: (value: T) => R | null | undefined,
  { ms, failure }: { readonly ms: number; readonly failure: string },
): Promise<R> {
  return new Promise((resolve, reject) => {
    const watching = new Subscription();
    const timer = setTimeout(() => {
      watching.unsubscribe();
      reject(new Error(failure));
    }, ms);
    watching.add(() => clearTimeout(timer));
    watching.add(
      source.subscribe((value) => {
        const picked = pick(value);
        if (picked === null || picked === undefined) return;
        watching.unsubscribe();
        resolve(picked);
      }),
    );
  });
}
