import type { DatabaseService } from '@backstage/backend-plugin-api';

/** The finished reports, in the plugin's own database. */
export interface Reports {
  save(jobId: string, title: string, text: string): Promise<void>;
  list(): Promise<{ title: string; text: string }[]>;
}

export async function openReports(database: DatabaseService): Promise<Reports> {
  const db = await database.getClient();
  if (!(await db.schema.hasTable('reports'))) {
    await db.schema.createTable('reports', table => {
      table.string('job_id').primary();
      table.string('title').notNullable();
      table.text('text').notNullable();
    });
  }
  return {
    async save(jobId, title, text) {
      // After a crash the same job runs again, with the same id: that must not give a second report.
      await db('reports').insert({ job_id: jobId, title, text }).onConflict('job_id').ignore();
    },
    async list() {
      return await db('reports').select('title', 'text');
    },
  };
}
