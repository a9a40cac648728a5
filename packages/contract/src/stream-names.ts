import { randomUUID } from 'node:crypto';

/** A name that no stream has yet, and by which a forgotten one is found. */
export function newStreamName(): string {
  return `contract-${randomUUID().slice(0, 18)}`;
}

/** The name of a stream that many cases look at; the first one to ask has to make it. */
export class SharedStream {
  readonly name = newStreamName();
  #isNew = true;

  ask(): { readonly name: string; readonly isNew: boolean } {
    const isNew = this.#isNew;
    this.#isNew = false;
    return { name: this.name, isNew };
  }

  get wasMade(): boolean {
    return !this.#isNew;
  }
}
