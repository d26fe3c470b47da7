import { describeAdapter } from '@switchyard/queue-conformance/vitest';
import { memoryAdapter } from '@switchyard/queue-memory';

describeAdapter('the store in memory', { adapter: memoryAdapter, concurrent: true });
