/**
 * A device whose clock is wrong, for tests and the playground (`?clock=180`: three hours ahead). All of the page has it, the
 * SDK included, as if somebody had set the device's clock.
 */
export function setClockAhead(ms: number): void {
  const TrueDate = Date;
  const now = (): number => TrueDate.now() + ms;
  globalThis.Date = new Proxy(TrueDate, {
    construct: (target, args, newTarget) => Reflect.construct(target, args.length > 0 ? args : [now()], newTarget),
    apply: () => new TrueDate(now()).toString(),
    get: (target, property) => (property === 'now' ? now : Reflect.get(target, property)),
  });
}
