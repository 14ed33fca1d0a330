/** What an export is told by its environment, parsed once. */
import { z } from 'zod';
import { finishedRecordingOf } from '../../domain/recording.ts';
import { exportErrors } from './errors.ts';

const present = z.string().trim().min(1, 'is set but empty');

const environmentSchema = z.object({
  MIRROR_FINISHED_KEY: present.transform((key, context) => {
    const recording = finishedRecordingOf(key);
    if (recording) return recording;
    context.addIssue({ code: 'custom', message: 'must be recordings/{streamId}/{name}/finished.json' });
    return z.NEVER;
  }),
  MIRROR_RECORDINGS_BUCKET: present,
  AWS_REGION: present,
  MIRROR_SCRATCH_DIRECTORY: present,
  /** For a server that is not AWS's. */
  MIRROR_S3_ENDPOINT: present.pipe(z.url()).optional(),
});

export interface ExportConfig {
  readonly recording: { readonly streamId: string; readonly name: string };
  readonly bucket: { readonly bucket: string; readonly region: string; readonly endpoint?: string };
  readonly scratchDirectory: string;
}

/** @throws MirrorError `EXPORT_BAD_CONFIG` that names every problem. */
export function readExportConfig(environment: Readonly<Record<string, string | undefined>>): ExportConfig {
  const parsed = environmentSchema.safeParse(environment);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `\n- ${issue.path.join('.')} ${issue.message}`);
    throw exportErrors.create('BAD_CONFIG', problems.join(''));
  }
  const { MIRROR_S3_ENDPOINT: endpoint, ...variables } = parsed.data;
  return {
    recording: variables.MIRROR_FINISHED_KEY,
    bucket: {
      bucket: variables.MIRROR_RECORDINGS_BUCKET,
      region: variables.AWS_REGION,
      ...(endpoint !== undefined && { endpoint }),
    },
    scratchDirectory: variables.MIRROR_SCRATCH_DIRECTORY,
  };
}
