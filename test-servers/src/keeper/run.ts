import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createRunFolder } from './run-folder.ts';

/** Everything that one run of the tests has started, and how it ends. */
export interface Run {
  /** Holds the data of all its servers. */
  readonly folder: string;
  /** Aborted when the run ends: nothing may be started any more. */
  readonly signal: AbortSignal;
  /** A new folder for the data of one server. */
  newFolder(name: string): string;
  /** Tells the person at the terminal. */
  say(line: string): void;
  /** Work that the end of the run waits for. */
  finish<Result>(work: Promise<Result>): Promise<Result>;
  /** What the end of the run takes away, if nobody does sooner: returns how. However often it is called, it is done once. */
  own(remove: () => Promise<void>): () => Promise<void>;
  end(): Promise<void>;
}

export function openRun(): Run {
  const folder = createRunFolder();
  const ending = new AbortController();
  const owned = new Set<() => Promise<void>>();
  const unfinished = new Set<Promise<unknown>>();
  let folders = 0;

  return {
    folder,
    signal: ending.signal,
    newFolder(name) {
      const path = join(folder, `${name}-${++folders}`);
      mkdirSync(path, { mode: 0o700 });
      return path;
    },
    say: line => console.error(`test servers: ${line}`),
    finish(work) {
      const tracked = work.finally(() => unfinished.delete(tracked));
      unfinished.add(tracked);
      return tracked;
    },
    own(remove) {
      let removed: Promise<void> | undefined;
      const removeOnce = () => {
        removed ??= remove().finally(() => owned.delete(removeOnce));
        return removed;
      };
      owned.add(removeOnce);
      return removeOnce;
    },
    async end() {
      ending.abort(new Error('The run of the tests has ended'));
      await Promise.allSettled([...owned].map(remove => remove()));
      await Promise.allSettled(unfinished);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
