import type { Contestant } from './contestant.ts';
import { fastqContestant } from './contestants/fastq.ts';
import { pQueueContestant } from './contestants/p-queue.ts';
import { switchyard } from './contestants/switchyard.ts';

/** Who races on which store: this project first, then what people use there today. */
export const STORES: Readonly<Record<string, readonly Contestant[]>> = {
  memory: [switchyard({ defaultStore: 'memory' }), fastqContestant, pQueueContestant],
};
