// Runs one seed on the built package and prints what came out: one-seed.mjs <dist> <seed> <light|node>
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [dist, seed, abort] = process.argv.slice(2);
const require = createRequire(import.meta.url);
if (abort === 'light') require(join(dist, 'light-abort.js')).installLightAbort();
const { simulate } = require(join(dist, 'index.js'));
console.log(JSON.stringify(await simulate({ seed: Number(seed) })));
