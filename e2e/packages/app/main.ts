/** With the worker that comes in the package. */
import { showNotes } from './notes.ts';

void showNotes();
