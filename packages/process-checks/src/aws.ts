import { Child } from './child';
import type { AwsAnswers, AwsQuestion, AwsSettings, Endpoints } from './messages';

/** Kinesis and DynamoDB in a process of their own, whose processor time is not that of workers. */
export class Aws {
  readonly #child: Child;
  readonly #waiting: ((answer: unknown) => void)[] = [];
  #lastQuestion: Promise<unknown> = Promise.resolve();

  private constructor(script: string, settings: AwsSettings) {
    this.#child = new Child(script, settings, (answer) => this.#waiting.shift()?.(answer));
  }

  /** @throws what the process said if it could not start */
  static async start(script: string, settings: AwsSettings): Promise<Aws & Endpoints> {
    const aws = new Aws(script, settings);
    return Object.assign(aws, (await aws.#next()) as Endpoints);
  }

  ask<Kind extends AwsQuestion['kind']>(question: AwsQuestion & { readonly kind: Kind }): Promise<AwsAnswers[Kind]> {
    const answer = this.#lastQuestion.then(() => {
      const next = this.#next();
      this.#child.send(question);
      return next;
    });
    this.#lastQuestion = answer.catch(() => undefined);
    return answer as Promise<AwsAnswers[Kind]>;
  }

  async close(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#child.ended;
  }

  #next(): Promise<unknown> {
    const answered = new Promise((resolve) => this.#waiting.push(resolve));
    const ended = this.#child.ended.then(() => {
      throw new Error(`the process that serves Kinesis and DynamoDB has ended\n${this.#child.stderr}`);
    });
    return Promise.race([answered, ended]);
  }
}
