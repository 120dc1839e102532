import { reserved } from './reserved.js';

export default reserved('pack', 'builds by buildpacks');
