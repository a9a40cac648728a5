import { crashPlants } from './crash-plants';
import { heldLeasePlants } from './held-lease-plants';
import { leaseRowPlants } from './lease-row-plants';
import { leaseSharingPlants } from './lease-sharing-plants';
import { leaseWritePlants } from './lease-write-plants';
import { memoryPlants } from './memory-plants';
import type { Plant } from './plant';
import { readingPlants } from './reading-plants';
import { registryPlants } from './registry-plants';
import { shardPlants } from './shard-plants';
import { singleRecordPlants } from './single-record-plants';

/** Every condition and every rule on which Millrace rests, each left out by itself. */
export const plants: readonly Plant[] = [
  ...leaseWritePlants,
  ...leaseRowPlants,
  ...heldLeasePlants,
  ...leaseSharingPlants,
  ...registryPlants,
  ...shardPlants,
  ...readingPlants,
  ...singleRecordPlants,
  ...memoryPlants,
  ...crashPlants,
];

/** @throws Error if there is none of that name */
export function findPlant(name: string): Plant {
  const plant = plants.find((candidate) => candidate.name === name);
  if (plant === undefined) throw new Error(`there is no plant ${name}`);
  return plant;
}
