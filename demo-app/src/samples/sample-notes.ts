/** Notes as a small office on the coast would have them. The same on every device, except for when they were written. */
import type { Note } from '../data/schema.ts';
import { chanceOf, type Chance } from './chance.ts';

export type SampleNote = Note & { readonly id: string };

const MINUTE = 60_000;

/** The first few are always the same; each of the others is one of the kinds below in turn. The first is the latest. */
export function sampleNotes(howMany: number, now: number): readonly SampleNote[] {
  return Array.from({ length: howMany }, (_, index) => ({
    ...(FIRST[index] ?? madeUp(index)),
    id: `sample-note-${String(index).padStart(5, '0')}`,
    editedAt: now - index * 47 * MINUTE,
  }));
}

const FIRST: readonly Note[] = [
  {
    title: 'Start here: two windows',
    body:
      'Open a second window as someone else (the menu behind your name). Cut the network in both: press the sync chip ' +
      'above and use the switch.\n\nNow type "universe" into the title of a note in one window and "unicorn" in the ' +
      'other. Reconnect both. Both words are still there, and one of you decides.',
    tags: ['try this'],
    pinned: true,
  },
  {
    title: 'Packing for the island',
    body: 'Oilskins, two head torches, the paper chart.\nCoffee. More coffee.\nAsk Bruno about the boat key.',
    tags: ['trip', 'lists'],
    pinned: false,
  },
  {
    title: 'Groceries',
    body: 'Rye bread, butter, dill, smoked mackerel, lemons, oat milk',
    tags: ['lists'],
    pinned: false,
  },
  {
    title: 'Questions for the design review',
    body:
      'What happens when two people rename the same thing?\nWho is told when their version was not kept?\nCan the ' +
      'page be used with the keyboard alone?',
    tags: ['work'],
    pinned: false,
  },
  {
    title: 'Tide table, Tuesday',
    body: 'Low 06:12 (0.4 m), high 12:31 (2.9 m), low 18:40 (0.5 m). Leave before noon.',
    tags: ['trip'],
    pinned: false,
  },
];

type Kind = (chance: Chance, turn: number) => Omit<Note, 'pinned'>;

function madeUp(index: number): Note {
  const chance = chanceOf(`note ${index}`);
  const kind = KINDS[index % KINDS.length]!;
  return { ...kind(chance, Math.floor(index / KINDS.length)), pinned: false };
}

const PEOPLE = ['Anna', 'Bruno', 'Clara', 'Ines', 'Jonas', 'Mette', 'Olaf', 'Petra', 'Sami', 'Tove'] as const;
const ISLANDS = [
  'Utsira',
  'Fårö',
  'Hallands Väderö',
  'Skomer',
  'Foula',
  'Anholt',
  'Runde',
  'Öja',
  'Inishbofin',
] as const;
const DISHES = [
  'Fish soup',
  'Rye bread',
  'Lentil stew',
  'Potato pancakes',
  'Mussels',
  'Apple cake',
  'Pea soup',
] as const;
const LARDER = [
  'butter',
  'dill',
  'leeks',
  'potatoes',
  'cream',
  'lemon',
  'smoked haddock',
  'bay leaves',
  'onions',
  'mustard',
  'apples',
  'rye flour',
  'split peas',
  'white wine',
] as const;
const SUBJECTS = [
  'the new chart room',
  'opening hours',
  'the ferry contract',
  'the archive',
  'winter moorings',
] as const;
const POINTS = [
  'Everyone wants it earlier; nobody wants to move the budget.',
  'The old plan stays until the end of the month.',
  'We try it with two rooms first.',
  'The harbour office answers by Friday.',
  'Costs are below what we had set aside.',
  'The map on the website is out of date again.',
  'Somebody has to be there at six for the delivery.',
  'We look at the numbers again in four weeks.',
] as const;
const JOBS = ['Boiler', 'Roof hatch', 'Back door', 'Fuse box', 'Gutter', 'Boat trailer', 'Window in room C'] as const;
const STATES = [
  'waiting for a part',
  'measured, not ordered',
  'someone comes on Thursday',
  'done, keep an eye on it',
] as const;
const BOOKS = [
  ['The Outrun', 'Amy Liptrot'],
  ['Sea Room', 'Adam Nicolson'],
  ['The Summer Book', 'Tove Jansson'],
  ['Waterlog', 'Roger Deakin'],
  ['The Shipping News', 'Annie Proulx'],
] as const;
const THOUGHTS = [
  'Slow at first, then one does not want it to end.',
  'Lend it to Mette afterwards.',
  'The chapter about the lighthouse is the best of it.',
  'Half of it read on the ferry.',
  'Look up the other two by the same hand.',
] as const;

const KINDS: readonly Kind[] = [
  (chance, turn) => ({
    title: `Minutes: ${SUBJECTS[turn % SUBJECTS.length]}, no. ${turn + 1}`,
    body: `There: ${chance.some(PEOPLE, 4).join(', ')}\n\n${list(chance.some(POINTS, 4))}\n\nNext time: ${chance.pick(PEOPLE)} writes.`,
    tags: ['work', 'minutes'],
  }),
  (chance, turn) => ({
    title: `${DISHES[turn % DISHES.length]} for ${4 + (turn % 5)}`,
    body: `${list(chance.some(LARDER, 6))}\n\nLow heat, lid on, about ${20 + Math.floor(chance.fraction() * 8) * 5} minutes.`,
    tags: ['recipes'],
  }),
  (chance, turn) => ({
    title: `${ISLANDS[turn % ISLANDS.length]}, weekend ${turn + 1}`,
    body: `With ${chance.some(PEOPLE, 2).join(' and ')}.\nFerry ${7 + (turn % 4)}:${chance.pick(['10', '25', '40'])}, back on Sunday.\n\n${list(chance.some(['tent', 'stove', 'two torches', 'paper chart', 'rope', 'binoculars', 'dry bags'], 4))}`,
    tags: ['trip'],
  }),
  (chance, turn) => ({
    title: `${JOBS[turn % JOBS.length]}: ${chance.pick(STATES)}`,
    body: `Noticed by ${chance.pick(PEOPLE)}.\nEstimate: ${80 + Math.floor(chance.fraction() * 40) * 10} euros.`,
    tags: ['house'],
  }),
  (chance, turn) => {
    const [title, writer] = BOOKS[turn % BOOKS.length]!;
    return { title: `${title}, ${writer}`, body: chance.some(THOUGHTS, 3).join('\n'), tags: ['books'] };
  },
  (chance, turn) => ({
    title: `Shopping, week ${(turn % 52) + 1}`,
    body: chance.some(LARDER, 7).join(', '),
    tags: ['lists'],
  }),
  (chance, turn) => ({
    title: `Ideas ${turn + 1}`,
    body: chance
      .some(
        [
          'A bench where the bus stops.',
          'Show the tide beside the opening hours.',
          'One calendar for all three boats.',
          'Ask the school for their old chart table.',
          'Soup on Wednesdays, from November on.',
          'Print the photographs before they are all on one phone.',
        ],
        3,
      )
      .join('\n\n'),
    tags: chance.fraction() < 0.5 ? ['ideas'] : ['ideas', 'work'],
  }),
  (chance, turn) => {
    const person = PEOPLE[turn % PEOPLE.length]!;
    return {
      title: `Call ${person} back (${turn + 1})`,
      body: `About ${chance.pick(SUBJECTS)}. Best after ${3 + Math.floor(chance.fraction() * 3)} in the afternoon.`,
      tags: ['people'],
    };
  },
];

function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join('\n');
}
