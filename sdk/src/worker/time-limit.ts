/** A call to another context can hang for ever: the context may be frozen, or gone without a word. */
import { SkerryError } from '../lib/errors.ts';

/** Rejects with TIMEOUT when `promise` takes longer; what comes of it afterwards is nobody's. */
export async function withTimeLimit<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new SkerryError('TIMEOUT', `${what} took longer than ${ms / 1000} s.`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
