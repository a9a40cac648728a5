/** Prints one line per check, and counts. */
export class Report {
  #counts = { ok: 0, failed: 0, skipped: 0 };
  #skipped = [];
  #print;

  constructor(print) {
    this.#print = print;
  }

  /** A view of this report for one client. */
  section(client) {
    return {
      ok: (check) => this.#line('ok', 'ok     ', client, check),
      failed: (check, why) => this.#line('failed', 'FAILED ', client, check, why),
      skipped: (check, why) => {
        this.#skipped.push(`${client}: ${check}`);
        this.#line('skipped', 'SKIPPED', client, check, why);
      },
    };
  }

  get exitCode() {
    return this.#counts.failed > 0 ? 1 : 0;
  }

  summary() {
    const { ok, failed, skipped } = this.#counts;
    const names = this.#skipped.length === 0 ? '' : `\nNOT CHECKED: ${this.#skipped.join('; ')}`;
    return `${ok} ok, ${failed} failed, ${skipped} skipped${names}`;
  }

  #line(count, word, client, check, why = '') {
    this.#counts[count]++;
    this.#print(`${word} ${client}: ${check}${why === '' ? '' : `: ${why}`}`);
  }
}
