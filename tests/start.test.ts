import { expect, it } from 'vitest';
import { freePort } from '../examples/backstage-backend/test/free-port.ts';
import { startProgram } from '../examples/standalone/test/start-program.ts';

it(
  'npm start runs the Backstage example, and SIGTERM to npm lets the running job finish',
  { timeout: 120_000 },
  async () => {
    const port = await freePort();
    await using program = startProgram('.', ['start'], { PORT: String(port) }, 'npm');
    await program.prints('Plugin initialization complete');
    const added = await fetch(`http://127.0.0.1:${port}/api/jobs-demo/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ title: 'Taxes', takesMs: 2000 }),
    });
    expect(added.status).toBe(202);
    await program.prints('Taxes: attempt 1 started');
    program.terminate();
    expect(await program.exit).toEqual({ code: 0, signal: null });
    expect(program.output()).toContain('Taxes: finished');
  },
);
