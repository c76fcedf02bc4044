import { it } from 'vitest';
import cases from './cases.cjs';

cases(it);
