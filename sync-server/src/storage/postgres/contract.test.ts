import { afterAll } from 'vitest';

import { describeStorage } from '../suite.contract.ts';
import { newSchemas } from './schemas.fixture.ts';

const schemas = newSchemas();

afterAll(() => schemas.drop());

describeStorage('postgres', () => schemas.source(), 12);
