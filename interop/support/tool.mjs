import { spawn } from 'node:child_process';

/**
 * Runs a program to its end and never rejects. Whatever is still running after `timeoutMs` is killed.
 * `outcome` is `exited`, `missing` (there is no such program) or `timeout`.
 */
export function runTool(command, args, { timeoutMs, env = process.env, input, cwd } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { env, cwd, stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    const settle = (result) => {
      clearTimeout(timer);
      process.off('exit', kill);
      resolve({ code: undefined, stdout, stderr, ...result });
    };
    const kill = () => child.kill('SIGKILL');
    process.on('exit', kill);
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    // A program that ends without reading what it is given: its exit code tells.
    child.stdin?.on('error', () => undefined).end(input);
    child.on('error', (error) => settle({ outcome: 'missing', stderr: error.message }));
    child.on('close', (code) => settle({ outcome: isLate ? 'timeout' : 'exited', code }));
  });
}

/** The last lines of what a program said, on one line. */
export function lastWords({ outcome, code, stdout, stderr }) {
  if (outcome === 'missing') return 'is not installed';
  const words = (stderr.trim() === '' ? stdout : stderr).trim().split('\n').slice(-6).join(' | ');
  return `${outcome === 'timeout' ? 'did not end in time' : `exit code ${code}`}: ${words.slice(0, 1200)}`;
}

/**
 * Runs a program of checks. It prints `ok <check>` or `FAILED <check>: <why>` for each of them, and `end` when it has
 * come to its end, so that one that gives up early cannot look like a success.
 */
export async function runCheckProgram(section, label, command, args, options) {
  const result = await runTool(command, args, options);
  const name = (check) => (label === '' ? check : `${label}: ${check}`);
  const lines = result.stdout.split('\n');
  for (const line of lines) {
    const [, word, check = '', why] = /^(ok|FAILED) ([^:]*)(?:: (.*))?$/.exec(line) ?? [];
    if (word === 'ok') section.ok(name(check));
    if (word === 'FAILED') section.failed(name(check), why);
  }
  if (result.outcome !== 'exited' || !lines.includes('end')) section.failed(name('the program'), lastWords(result));
}
