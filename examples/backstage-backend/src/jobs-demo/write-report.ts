import { setTimeout } from 'node:timers/promises';

/** What a job carries: JSON, and only what the handler needs to find the rest. */
export interface ReportJob {
  title: string;
  takesMs?: number;
  fails?: boolean;
}

/** Stands for the slow and unreliable work that one moves into the background. */
export async function writeReport({ title, takesMs = 500, fails = false }: ReportJob, signal: AbortSignal) {
  await setTimeout(takesMs, undefined, { signal });
  if (fails) throw new Error(`${title} cannot be written`);
  return `Everything about ${title}`;
}
