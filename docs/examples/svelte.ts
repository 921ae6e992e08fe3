import { mount } from 'svelte';

import { container } from './database.ts';
import Notes from './notes.svelte';

mount(Notes, { target: container });
