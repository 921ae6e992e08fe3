/** What every transport promises to the engine. */
import type { Transport, TransportHandlers } from '../transport/transport.ts';
import { hold, until, type ContractCase } from './contract.ts';

/** A transport and the other end of it. */
export interface TransportSubject {
  readonly transport: Transport;
  /** Where somebody listens. */
  readonly url: string;
  /** Where nobody does. */
  readonly deadUrl: string;
  /** The other end of the next connection, once it is open. */
  accept(): Promise<TransportPeer>;
}

export interface TransportPeer {
  /** Everything that has arrived, in order. */
  readonly received: readonly string[];
  /** Whether the connection has ended, whoever ended it. */
  readonly isClosed: boolean;
  send(text: string): void;
  close(code: number, reason: string): void;
  /** Ends it without a word. */
  cut(): void;
}

/** Remembers what a connection tells. */
class Ear implements TransportHandlers {
  readonly heard: string[] = [];
  opened(): void {
    this.heard.push('opened');
  }
  frame(text: string): void {
    this.heard.push(`frame ${text}`);
  }
  closed(code: number): void {
    this.heard.push(`closed ${code}`);
  }
  get isOver(): boolean {
    return this.heard.some((event) => event.startsWith('closed'));
  }
}

interface Connected {
  readonly ear: Ear;
  readonly link: ReturnType<Transport['connect']>;
  readonly peer: TransportPeer;
}

async function connected({ transport, url, accept }: TransportSubject): Promise<Connected> {
  const ear = new Ear();
  const accepted = accept();
  const link = transport.connect(url, ear);
  const peer = await accepted;
  await until(() => ear.heard.includes('opened'), 'opened');
  return { ear, link, peer };
}

const ODD = ['', '{"a":"ü"}', '\u{1f984}', 'x'.repeat(200_000), '\u2028'];

export const transportContract: readonly ContractCase<TransportSubject>[] = [
  {
    name: 'nothing is told from inside connect()',
    async run({ transport, url, accept }) {
      const ear = new Ear();
      const accepted = accept();
      const link = transport.connect(url, ear);
      hold(ear.heard.length === 0, 'handlers are called later, never from inside connect()');
      await accepted;
      await until(() => ear.heard.includes('opened'), 'opened');
      link.close();
    },
  },
  {
    name: 'text arrives whole and in order, both ways',
    async run(subject) {
      const { ear, link, peer } = await connected(subject);
      for (const text of ODD) link.send(text);
      for (const text of ODD) peer.send(text);
      await until(() => peer.received.length === ODD.length && ear.heard.length === ODD.length + 1, 'all frames');
      hold(
        peer.received.every((text, i) => text === ODD[i]),
        'what is sent arrives as it was sent',
      );
      hold(
        ear.heard.slice(1).every((event, i) => event === `frame ${ODD[i]}`),
        'what the server sends arrives as it was sent',
      );
      link.close();
    },
  },
  {
    name: 'the end is told once, with its code, and nothing follows',
    async run(subject) {
      const { ear, peer } = await connected(subject);
      peer.send('last');
      peer.close(4401, 'token');
      await until(() => ear.isOver, 'closed');
      await until(() => peer.isClosed, 'the end of the connection');
      hold(ear.heard.join() === 'opened,frame last,closed 4401', 'frames that came before the end are told before it');
    },
  },
  {
    name: 'a connection that ends without a word is told as 1006',
    async run(subject) {
      const { ear, peer } = await connected(subject);
      peer.cut();
      await until(() => ear.isOver, 'closed');
      hold(ear.heard.at(-1) === 'closed 1006', 'the code is 1006 when there was none');
    },
  },
  {
    name: 'an address where nobody listens is told as closed, never thrown',
    async run({ transport, deadUrl }) {
      const ear = new Ear();
      transport.connect(deadUrl, ear);
      await until(() => ear.isOver, 'closed');
      hold(ear.heard.join() === 'closed 1006', 'opened is told only of an open connection');
    },
  },
  {
    name: 'after close() nothing is told, and sending is no error',
    async run(subject) {
      const { ear, link, peer } = await connected(subject);
      link.close();
      link.send('late');
      peer.send('late');
      await until(() => peer.isClosed, 'the end of the connection');
      hold(ear.heard.join() === 'opened', 'no handler is called after close()');
      hold(peer.received.length === 0, 'nothing is sent after close()');
    },
  },
];
