import type { Random } from '@millrace/core';
import { seededRandom } from '@millrace/core/testing';

/** The ways in which a simulation asks for chance. */
export class Chance implements Random {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  next(): number {
    return this.#random.next();
  }

  /** True so many times of 1. */
  happens(probability: number): boolean {
    return this.#random.next() < probability;
  }

  /** A number from `min` up to, not including, `max`. */
  between(min: number, max: number): number {
    return min + this.#random.next() * (max - min);
  }

  /** A whole number from `min` to `max`, both included. */
  wholeBetween(min: number, max: number): number {
    return min + Math.floor(this.#random.next() * (max - min + 1));
  }

  /** One of them; `undefined` only if there is none. */
  oneOf<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.#random.next() * items.length)];
  }

  /** Chance of its own for a part of the world, so that what one part asks for does not change another's. */
  fork(): Chance {
    return new Chance(Math.floor(this.#random.next() * 4_294_967_296));
  }
}
