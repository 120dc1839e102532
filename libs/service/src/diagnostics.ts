import type { Diagnostics as Answer, Finding } from '#libs/contracts';

/** Looks, and says what is wrong; what it throws counts as a problem, too. */
export type DiagnosticCheck = () => readonly Finding[] | Promise<readonly Finding[]>;

interface Check {
  readonly looked: string;
  readonly run: DiagnosticCheck;
}

/** What is looked at when somebody asks what is wrong. Services register checks, as they do for their health. */
export class DiagnosticChecks {
  readonly #checks = new Map<string, Check>();

  /** @param looked what the check looks at, for those who read that nothing is wrong with it */
  register(name: string, looked: string, run: DiagnosticCheck): void {
    if (this.#checks.has(name)) throw new Error(`There is a diagnostic check named "${name}" already.`);
    this.#checks.set(name, { looked, run });
  }

  run(): Promise<Answer['checks']> {
    return Promise.all(
      [...this.#checks].map(async ([name, { looked, run }]) => {
        try {
          return { name, looked, findings: [...(await run())] };
        } catch (error) {
          const text = `The check itself failed: ${error instanceof Error ? error.message : String(error)}`;
          return { name, looked, findings: [problem('CHECK_FAILED', text, 'see the log of the server')] };
        }
      }),
    );
  }
}

export const problem = (code: string, text: string, next: string): Finding => ({
  code,
  severity: 'Problem',
  text,
  next,
});
export const warning = (code: string, text: string, next: string): Finding => ({
  code,
  severity: 'Warning',
  text,
  next,
});
