import { randomUUID } from 'node:crypto';

/** A name that no stream has yet, and by which a forgotten one is found. */
export function newStreamName(): string {
  return `contract-${randomUUID().slice(0, 18)}`;
}

/** A stream that many cases look at. The first one to ask makes it; if that fails, the next one does. */
export class SharedStream {
  readonly name = newStreamName();
  #making: Promise<boolean> | undefined;
  #wasTried = false;

  /** Resolves with the name once the stream was made; rejects only with what this `make` says. */
  async ask(make: (name: string) => Promise<unknown>): Promise<string> {
    while (this.#making !== undefined) {
      if (await this.#making) return this.name;
    }
    this.#wasTried = true;
    const made = make(this.name);
    this.#making = made.then(
      () => true,
      () => {
        this.#making = undefined;
        return false;
      },
    );
    await made;
    return this.name;
  }

  /** Whether it may be there, to be deleted. */
  get wasTried(): boolean {
    return this.#wasTried;
  }
}
