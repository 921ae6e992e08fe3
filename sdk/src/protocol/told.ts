/**
 * What is wrong with somebody's frame is told to them in words that quote it. What was quoted may be long, or text that no
 * frame may have: the answer has to be a frame all the same.
 */
const MOST_TOLD = 300;
const UNTOLD = /[\0\ud800-\udfff]/gu;

export function told(reason: string): string {
  const short = reason.length > MOST_TOLD ? `${reason.slice(0, MOST_TOLD)} …` : reason;
  return short.replace(UNTOLD, '\ufffd');
}
