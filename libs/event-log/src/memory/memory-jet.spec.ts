import { jetConformance } from '../conformance/jet.js';
import { MemoryJet } from './memory-jet.js';

jetConformance('MemoryJet', () => Promise.resolve(new MemoryJet()));
