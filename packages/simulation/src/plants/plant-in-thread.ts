import { workerData } from 'node:worker_threads';
import { plantBug } from './plant-hook';
import { findPlant } from './plants';

/* Imported for its effect, and before all else: this thread runs with the bug that its maker names, if any. */

const { plant } = workerData as { readonly plant: string | undefined };
if (plant !== undefined) plantBug(findPlant(plant));
