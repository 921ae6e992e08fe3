/** What both sides of a measurement write. */
export interface Row {
  title: string;
  body: string;
  tags: string[];
  pinned: boolean;
  hits: number;
}
