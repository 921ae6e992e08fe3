/** Reads the text format of Prometheus as strictly as it is written down; throws at a line that is not of it. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)\\})? (\\S+)$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram|summary|untyped)$`);
const HELP = new RegExp(`^# HELP (${NAME}) .+$`);

export function parseExposition(text: string): readonly Sample[] {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const types = new Map<string, string>();
  const samples: Sample[] = [];
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const type = TYPE.exec(line);
    if (type && types.has(type[1]!)) throw new Error(`twice: ${line}`);
    if (type) types.set(type[1]!, type[2]!);
    else if (!HELP.test(line)) samples.push(parseSample(line, types));
  }
  return samples;
}

function parseSample(line: string, types: ReadonlyMap<string, string>): Sample {
  const match = SAMPLE.exec(line);
  if (!match) throw new Error(`not a sample: ${line}`);
  const [, name, labels = '', value] = match;
  const isTyped = types.has(name!) || types.get(name!.replace(/_(?:bucket|sum|count)$/, '')) === 'histogram';
  if (!isTyped) throw new Error(`without a type: ${line}`);
  const number = value === '+Inf' ? Infinity : Number(value);
  // In any case, as Prometheus itself reads it.
  if (Number.isNaN(number) && !/^nan$/i.test(value!)) throw new Error(`not a number: ${line}`);
  return { name: name!, labels: readLabels(labels), value: number };
}

function readLabels(text: string): Readonly<Record<string, string>> {
  const pairs = [...text.matchAll(/([a-zA-Z0-9_]+)="((?:[^"\\]|\\.)*)"/g)];
  return Object.fromEntries(
    pairs.map(([, name, value]) => [name!, value!.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c))]),
  );
}
