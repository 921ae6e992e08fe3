/** Who wrote something, where and when. */
import type { Version } from '@skerry/sdk';
import type { ReactNode } from 'react';

import { useSession } from '../data/session.tsx';
import { authorOf } from './author.ts';
import { moment } from './relative-time.ts';

export function Byline(props: { readonly version: Version }): ReactNode {
  const { me } = useSession();
  const { name, device } = authorOf(props.version, me);
  return (
    <span className="byline">
      <strong>{name}</strong> · {device} ·{' '}
      <time dateTime={props.version.at.toISOString()}>{moment(props.version.at, new Date())}</time>
    </span>
  );
}

/** A disc with the first letter: a help for the eye, the name always stands beside it. */
export function Disc(props: { readonly name: string }): ReactNode {
  return (
    <span className="disc" aria-hidden>
      {props.name.charAt(0).toUpperCase()}
    </span>
  );
}
