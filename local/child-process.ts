/**
 * A Node program of ours as a supervised child: its own process group, so that Ctrl-C reaches only the parent,
 * which then ends its children in order; and an IPC channel, whose loss tells the child that the parent is
 * gone, however it went.
 */
import { fork } from 'node:child_process';
import type { ChildExit, SupervisedChild } from './supervisor.ts';

export interface ChildProgram {
  readonly file: string;
  readonly args?: readonly string[];
  /** Added to this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Options of Node itself, such as `--import tsx` for a TypeScript file. */
  readonly execArgv: readonly string[];
  readonly workingDirectory: string;
  /** What to do when asked to end: a message, else SIGTERM. */
  readonly stopMessage?: object;
}

export interface RunningChild extends SupervisedChild {
  readonly pid: number | undefined;
  /** @returns false when the child is gone and the message with it. */
  send(message: object): boolean;
}

export interface ChildListener {
  onMessage(message: unknown): void;
  /** One line of its stdout or stderr. */
  onLine(line: string): void;
}

/** Of a line that a child writes; more is cut off. */
const LINE_LENGTH_MAX = 2_000;

export function startChild(program: ChildProgram, listener: ChildListener): RunningChild {
  const child = fork(program.file, program.args ? [...program.args] : [], {
    cwd: program.workingDirectory,
    env: { ...process.env, ...program.env },
    execArgv: [...program.execArgv],
    // On Windows a detached child opens a window, and Ctrl-C is no signal to a group.
    detached: process.platform !== 'win32',
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let lastWords: string | undefined;
  const onLine = (line: string) => {
    if (line.trim() === '') return;
    const shown = line.slice(0, LINE_LENGTH_MAX);
    if (!isCrashTrimming(shown)) lastWords = shown.trim();
    listener.onLine(shown);
  };
  readLines(child.stdout, onLine);
  readLines(child.stderr, onLine);
  child.on('message', (message) => listener.onMessage(message));
  const exited = new Promise<ChildExit>((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, lastWords: error.message }));
    // `close` comes after the last line was read, `exit` may come before it.
    child.once('close', (code, signal) =>
      resolve({ code, signal, ...(lastWords === undefined ? {} : { lastWords }) }),
    );
  });
  const send = (message: object) => child.connected && child.send(message, () => undefined);
  return {
    pid: child.pid,
    exited,
    send,
    stop: () => {
      if (program.stopMessage) send(program.stopMessage);
      else child.kill('SIGTERM');
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

/** What Node prints around the one line that says what went wrong: stack, source line, its own version. */
function isCrashTrimming(line: string): boolean {
  return /^\s|^Node\.js v|^[{}]|^node:|^file:/.test(line);
}

function readLines(stream: NodeJS.ReadableStream | null, onLine: (line: string) => void): void {
  let rest = '';
  stream?.setEncoding('utf8');
  stream?.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = (lines.pop() ?? '').slice(-LINE_LENGTH_MAX);
    for (const line of lines) onLine(line);
  });
  stream?.on('end', () => {
    if (rest !== '') onLine(rest);
  });
}
