/** A page that opens one space as one user, both named in its address, with tokens that it is given. For spaces.spec.ts. */
import { collection, open, type Db } from '@skerry/sdk';

interface Note {
  title: string;
}

const collections = { notes: collection<Note>({}) };

declare global {
  interface Window {
    spacesProbe: Db<typeof collections>;
    /** What the SDK was given, and why it has asked. */
    tokens: { next: string; readonly whys: string[] };
  }
}

const given = new URLSearchParams(location.search);
window.tokens = { next: given.get('token')!, whys: [] };

const db = await open({
  name: given.get('db')!,
  user: { id: given.get('user')! },
  sync: {
    url: '/sync',
    space: given.get('space')!,
    token: async (why) => {
      window.tokens.whys.push(why);
      return window.tokens.next;
    },
    onAccessLost: given.get('lost') as 'seal' | 'purge',
  },
  // The packaged worker is not bundled here.
  worker: false,
  collections,
});
window.spacesProbe = db;
