import { reserved } from './reserved.js';

export default reserved('run', 'multi-step tasks');
