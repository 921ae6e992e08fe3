/** 10,000 notes of 500 bytes of JSON, the same in every run, with words as people's notes have them: gzip halves them. */
export const NOTES = 10_000;
const BYTES = 500;
const FIRST_MS = 1_767_225_600_000;
const WORDS =
  'harbour tide island lighthouse keeper storm window letter morning bread kettle radio signal rope anchor winter gull paint engine chart north reef lantern boat'.split(
    ' ',
  );

export interface Note {
  title: string;
  body: string;
  tags: string[];
  updatedAt: number;
}
export type StoredNote = Note & { readonly id: string };

export function noteOf(index: number): StoredNote {
  const draw = drawsOf(index);
  const id = `note-${String(index).padStart(5, '0')}`;
  // No order of the ids, so that an index has something to do.
  const updatedAt = FIRST_MS + (Math.imul(index, 7919) % NOTES) * 1000;
  const note = { id, title: `${wordOf(draw)} ${wordOf(draw)}`, body: '', tags: [wordOf(draw)], updatedAt };
  const left = BYTES - JSON.stringify(note).length;
  return { ...note, body: textOf(draw, left) };
}

export function notes(): StoredNote[] {
  return Array.from({ length: NOTES }, (_, index) => noteOf(index));
}

/** What a person makes of the note's text when they edit it offline. */
export function editOf(index: number): string {
  return textOf(drawsOf(index + NOTES), 120);
}

function textOf(draw: () => number, length: number): string {
  let text = '';
  while (text.length < length) text += `${wordOf(draw)}${draw() % 9 === 0 ? ` ${draw()}` : ''} `;
  return text.slice(0, length);
}

function wordOf(draw: () => number): string {
  return WORDS[draw() % WORDS.length]!;
}

function drawsOf(seed: number): () => number {
  let state = (seed + 1) * 2_654_435_761;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 8;
  };
}
